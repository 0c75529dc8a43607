"""What the budget changed, by the bytes at which it did."""

from __future__ import annotations

import pytest

from engine.basics.json_pointer import json_pointer
from engine.objects.budget_marks import cut_paths, emptied_paths

TEXT = b'[{"a/b": "Jon", "n": 12, "t": []}, {"a/b": "x", "n": 3, "t": [true, {}]}]'


def at(piece: bytes, offset: int = 0) -> int:
    return TEXT.index(piece) + offset


@pytest.mark.parametrize(
    ("cuts", "paths"),
    [
        ([], []),
        ([len(TEXT) - 1], [""]),  # no third item
        ([at(b"}]}]", 1)], ["/1/t"]),  # no third tag
        ([at(b"{}", 1)], ["/1/t/1"]),  # no member in the empty object
        ([at(b"3", 1)], ["/1/n", "/1/t/0", "/1/t/1"]),  # no second digit, and what was written later
        ([at(b"x", 1)], ["/1/a~1b", "/1/n", "/1/t/0", "/1/t/1"]),
        ([at(b"[true", 1)], ["/1/t", "/1/t/0", "/1/t/1"]),  # an item, or none
        ([at(b"x", 1), at(b"}]}]", 1)], ["/1/a~1b", "/1/n", "/1/t/0", "/1/t/1", "/1/t"]),
        ([at(b"[]}", 1)], ["/0/t", "/1/a~1b", "/1/n", "/1/t/0", "/1/t/1"]),
    ],
)
def test_values_that_were_open_or_came_later_are_cut(cuts: list[int], paths: list[str]) -> None:
    assert [json_pointer(path) for path in cut_paths(TEXT, cuts)] == paths


def test_a_number_at_the_end_of_the_text_is_cut_there() -> None:
    assert cut_paths(b"12", [2]) == ((),)
    assert cut_paths(b'"ab"', [3]) == ((),)
    assert cut_paths(b"[1, 22", [6]) == ((1,),)


def test_a_text_is_emptied_where_the_budget_closed_it_before_it_began() -> None:
    output = b'[{"a": "", "b": "x", "c": {"d": ""}, "e": ["", 1]}]'
    inside = output.index(b'""') + 1
    assert emptied_paths(output, ()) == ()
    assert emptied_paths(output, (inside,)) == ((0, "a"),)
    assert emptied_paths(output, (inside + 9,)) == ()  # in "b"
    assert emptied_paths(output, (output.index(b'"d"'), output.index(b'["", 1') + 2)) == ((0, "c", "d"), (0, "e", 0))
