"""What is finished of a growing JSON text is final: it only gains members and items."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.objects.finished_part import FinishedPart

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


def is_within(part: Any, whole: Any) -> bool:
    """Whether a part is what a whole begins with."""
    if isinstance(part, dict) and isinstance(whole, dict):
        pairs = zip(part.items(), whole.items(), strict=False)
        return len(part) <= len(whole) and all(a == c and is_within(b, d) for (a, b), (c, d) in pairs)
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) <= len(whole) and all(map(is_within, part, whole))
    return bool(part == whole)


@given(JSON.filter(lambda value: isinstance(value, dict | list)), st.sampled_from([None, (",", ":")]))
def test_each_part_is_within_the_next_and_the_last_is_the_whole(value: Any, separators: Any) -> None:
    part, parts = FinishedPart(), []
    for byte in json.dumps(value, separators=separators).encode():
        if part.feed(bytes((byte,))):
            parts.append(part.value)
    assert parts[-1] == value
    assert all(map(is_within, parts, parts[1:]))
    at_once = FinishedPart()
    at_once.feed(json.dumps(value, separators=separators).encode())
    assert at_once.value == value


@pytest.mark.parametrize(
    ("text", "finished"),
    [
        ("", None),
        ('{"name": "Ann', {}),
        ('{"name": "Ann", "tags": ["a", "b", "ol', {"name": "Ann", "tags": ["a", "b"]}),
        ('{"age": 3', {}),
        ('{"age": 3, "x', {"age": 3}),
        ('{"a": {"b": {"c": 1}, "d": ', {"a": {"b": {"c": 1}}}),
    ],
)
def test_what_may_still_change_is_left_out(text: str, finished: Any) -> None:
    part = FinishedPart()
    part.feed(text.encode())
    assert part.value == finished
