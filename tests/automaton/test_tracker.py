"""The tracker against the json module, at every prefix."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.automaton.tracker import Tracker

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


@given(st.lists(VALUES), st.sampled_from([None, 1]), st.booleans())
def test_finished_spans_are_the_items_of_the_outermost_array(
    items: list[Any], indent: int | None, ascii_: bool
) -> None:
    text = json.dumps(items, indent=indent, ensure_ascii=ascii_).encode()
    tracker, found = Tracker(), []
    for offset in range(len(text)):
        tracker = tracker.feed(text[offset : offset + 1])
        found += [json.loads(text[a:b]) for a, b in tracker.finished]
    assert found == items
    assert Tracker().feed(text).finished == () if not items else len(Tracker().feed(text).finished) == len(items)


@given(VALUES)
def test_feeding_in_pieces_is_feeding_at_once(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False).encode()
    whole = Tracker().feed(text)
    pieces = Tracker()
    for offset in range(len(text)):
        pieces = pieces.feed(text[offset : offset + 1])
    assert (whole.container, whole.closed, whole.mode, whole.value) == (
        pieces.container,
        pieces.closed,
        pieces.mode,
        pieces.value,
    )
    assert json.loads(whole.value) == value
    assert whole.depth == 0


def test_a_repeated_key_is_noticed_as_it_closes_however_it_is_spelled() -> None:
    before = Tracker().feed(b'{"a": {"a": 1}, "b": 2, "\\u0061')
    assert not before.repeated
    assert before.feed(b'"').repeated
    assert not Tracker().feed(b'{"a": {"a"').repeated


def test_path_leads_to_the_value_being_written() -> None:
    assert Tracker().feed(b'[{"a": 1}, {"b": [1, {"c": "x').path == (1, "b", 1, "c")


def test_a_number_counts_as_closed_where_it_may_end() -> None:
    tracker = Tracker().feed(b"[12")
    assert tracker.value == b"12"
    assert tracker.feed(b",").value == b"12"
