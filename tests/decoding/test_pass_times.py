"""What is read off measured passes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from engine.decoding.pass_times import PassTimes, Workload, best_sequences, best_times, times_as_json, times_from_json

# No fast kernel for several rows, and one.
SLOW = PassTimes(None, 2, ((1, 10.0), (2, 18.0), (4, 34.0), (8, 66.0)), 2.5)
FAST = PassTimes(None, 2, ((1, 10.0), (2, 11.0), (4, 13.0), (8, 17.0)), 2.5)


@pytest.mark.parametrize(("rows", "expected"), [(1, 10.0), (3, 26.0), (8, 66.0), (16, 130.0)])
def test_between_and_behind_what_was_measured_times_lie_on_lines(rows: int, expected: float) -> None:
    assert SLOW.of(rows) == pytest.approx(expected)


def test_one_measured_pass_grows_with_its_rows() -> None:
    assert PassTimes(None, 1, ((1, 5.0),), 1.0).of(3) == 15.0


def test_long_prompts_weigh_prompts_and_answers_weigh_passes() -> None:
    other = PassTimes(False, 2, ((1, 7.0), (8, 40.0)), 3.0)
    assert best_times([SLOW, other], Workload(prompt=2000, answer=10)) is SLOW
    assert best_times([SLOW, other], Workload(prompt=50, answer=300)) is other


def test_many_rows_count_where_many_documents_are_decoded() -> None:
    other = PassTimes(False, 2, ((1, 12.0), (8, 30.0)), 2.5)
    assert best_times([SLOW, other], Workload(prompt=10, answer=100)) is SLOW
    assert best_times([SLOW, other], Workload(prompt=10, answer=100, sequences=8)) is other


def test_what_saves_next_to_nothing_is_not_taken() -> None:
    nearly = PassTimes(False, 2, tuple((rows, time * 0.97) for rows, time in SLOW.rows), 2.45)
    assert best_times([SLOW, nearly], Workload()) is SLOW


def test_cheap_rows_let_more_documents_in() -> None:
    flat = PassTimes(None, 2, ((1, 10.0), (2, 20.0), (4, 40.0), (8, 80.0)), 2.5)
    assert best_sequences(flat, 8) == 1
    assert best_sequences(replace(FAST, prompt=5.0), 8) == 4  # most of the time goes to prompts
    assert best_sequences(FAST, 8) == 8
    assert best_sequences(FAST, 2) == 2


def test_times_are_written_and_read() -> None:
    assert times_from_json(json.loads(json.dumps(times_as_json([SLOW, FAST])))) == (SLOW, FAST)
    with pytest.raises(KeyError):
        times_from_json([{"rows": [[1, 2.0]]}])
