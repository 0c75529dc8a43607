"""The pieces of a text as a language, against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.regular import expression as ex
from engine.regular.expression.substrings import SubstringIndex, Substrings, suffix_order
from engine.regular.pattern import parse_pattern


def index(text: str, starts: set[int], ends: set[int], limits: list[int] | None = None) -> SubstringIndex:
    borders = np.arange(len(text) + 1)
    given_limits = None if limits is None else np.array(limits, np.int64)
    return SubstringIndex(text, np.isin(borders, list(starts)), np.isin(borders, list(ends)), given_limits)


TEXTS = st.text(alphabet="ab é漢", max_size=12)


@given(TEXTS)
def test_suffixes_are_in_order(text: str) -> None:
    codes = np.array([ord(character) for character in text], np.int64)
    assert suffix_order(codes).tolist() == sorted(range(len(text)), key=lambda at: text[at:])


@given(TEXTS, st.sets(st.integers(0, 12)), st.sets(st.integers(0, 12)), st.data())
def test_pieces_are_those_between_the_borders(text: str, starts: set[int], ends: set[int], data: st.DataObject) -> None:
    limits = data.draw(st.none() | st.lists(st.integers(0, 12), min_size=len(text) + 1, max_size=len(text) + 1))
    pieces = index(text, starts, ends, limits).pieces
    expected = {
        text[low:high]
        for low in starts
        for high in ends
        if low < high <= (len(text) if limits is None or low > len(text) else min(len(text), limits[low]))
    }
    every = {text[low:high] for low in range(len(text) + 1) for high in range(low, len(text) + 1)}
    assert {piece for piece in every if pieces.matches(piece)} == expected
    assert pieces.alive == bool(expected)
    if expected:
        assert pieces.matches(pieces.shortest)
        assert pieces.least == min(map(len, expected))


def test_a_piece_meets_other_constraints() -> None:
    pieces = index("id AB-12 or CD-345", {0, 3, 9, 12}, {2, 8, 11, 18}).pieces
    found = ex.intersection(pieces, parse_pattern("^[A-Z]{2}-[0-9]{3}$", "ecma"))
    assert found.alive
    assert found.shortest == "CD-345"
    assert not ex.intersection(pieces, parse_pattern("^x", "ecma")).alive


def test_equal_beginnings_are_one_node() -> None:
    pieces = index("an ant and an ape", {0, 3, 7, 11, 14}, {2, 6, 10, 13, 17}).pieces
    an = pieces.derive(ord("a")).derive(ord("n"))
    assert isinstance(an, Substrings)
    assert an.positions() == [0, 3, 7, 11]
    assert pieces.derive(ord("a")).derive(ord("n")) is an


@pytest.mark.parametrize("text", ["", " "])
def test_a_text_without_pieces_is_dead(text: str) -> None:
    assert not index(text, set(), set()).pieces.alive
