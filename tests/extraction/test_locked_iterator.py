"""One extraction, taken from by several threads, or by its own documents."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from engine import extract
from engine.errors import PromptError, UsageError
from engine.extraction.locked_iterator import LockedIterator


class Sign(BaseModel):
    kind: Literal["sign"]


Options = dict[str, Any]


def test_threads_share_the_results() -> None:
    inside = threading.Barrier(2)

    def numbers() -> Generator[int, None, None]:
        for number in range(200):
            if number == 100:  # let the other thread ask while this one computes
                inside.wait(30)
                threading.Event().wait(0.02)
            yield number

    turns = LockedIterator(numbers())

    def take(first: bool) -> list[int]:
        if not first:
            inside.wait(30)
        return list(turns)

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(take, (True, False))
    assert sorted(one + other) == list(range(200))


def test_closing_waits_for_the_turn_of_another_thread() -> None:
    entered, release = threading.Event(), threading.Event()

    def slow() -> Generator[int, None, None]:
        entered.set()
        assert release.wait(30)
        yield 1

    turns = LockedIterator(slow())
    with ThreadPoolExecutor(2) as pool:
        taken = pool.submit(next, turns)
        assert entered.wait(30)
        closed = pool.submit(turns.close)
        assert not closed.done()
        release.set()
        assert taken.result(30) == 1
        closed.result(30)
    assert list(turns) == []


def test_documents_made_of_its_own_objects_are_refused(options: Options) -> None:
    def texts() -> Iterator[str]:
        yield next(run).kind

    run = extract(texts(), Sign, **options)
    with pytest.raises(UsageError, match="documents that it reads"):
        next(run)


def test_outcomes_can_be_taken_out_without_losing_the_errors(options: Options) -> None:
    run = extract(["one", "\ud800", "two"], Sign, min_items=1, max_items=1, **(options | {"errors": "raise"}))
    assert next(run) == next(run) == Sign(kind="sign")
    run.outcomes.clear()
    with pytest.raises(PromptError, match="surrogate"):
        next(run)
