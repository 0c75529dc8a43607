"""What is open at a place of a JSON text, and the text where that ends earlier."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.guards.containers import Containers

VALUES = st.recursive(
    st.one_of(st.integers(-9, 9), st.text('a"\\[]{}:,', max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text('b"', max_size=2), inner, max_size=3)),
    max_leaves=6,
)


def ended(text: bytes, place: int, piece: bytes) -> list[tuple[int, bytes]]:
    return list(Containers(text).ended(text, place, piece))


@pytest.mark.parametrize(
    ("place", "piece", "expected"),
    [
        (8, b'"', [(1, b'[{"a": "x"}, 2]')]),
        (8, b'"}', [(1, b'[{"a": "x"}, 2]'), (2, b'[{"a": "x"}, 2]')]),
        (8, b'"}], 3', [(1, b'[{"a": "x"}, 2]'), (2, b'[{"a": "x"}, 2]'), (3, b'[{"a": "x"}]')]),
        (8, b"z", []),
        (13, b"]", [(1, b'[{"a": "xyz"}]')]),
        (13, b', ["]"], {}]', [(12, b'[{"a": "xyz"}, ["]"], {}]')]),
        (8, rb"\"", []),
    ],
)
def test_a_piece_ends_one_container_after_the_other(
    place: int, piece: bytes, expected: list[tuple[int, bytes]]
) -> None:
    text = b'[{"a": "xyz"}, 2]'
    if place == 8:
        assert text[:9] == b'[{"a": "x'
        piece, place = piece, 9
    assert ended(text, place, piece) == expected


@given(VALUES, st.data())
def test_what_ends_where_it_ends_anyhow_is_the_same_text(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value).encode()
    place = data.draw(st.integers(0, len(text)))
    for length, found in ended(text, place, text[place:]):
        assert found == text
        assert 0 < length <= len(text) - place


def test_what_breaks_off_ends_with_the_text() -> None:
    assert ended(b'["a", "b', 8, b'"') == [(1, b'["a", "b"')]
    assert ended(b"", 0, b"]") == []
