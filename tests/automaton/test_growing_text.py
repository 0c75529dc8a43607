"""A growing text is its pieces joined, and its versions do not change each other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.automaton.growing_text import GrowingText

PIECES = st.lists(st.binary(max_size=150), max_size=8)


@given(PIECES, st.data())
def test_any_part_is_that_of_the_whole(pieces: list[bytes], data: st.DataObject) -> None:
    text, whole = GrowingText(), b"".join(pieces)
    for piece in pieces:
        text = text.add(piece)
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.none() | st.integers(0, len(whole)))
    assert text.part(start, end) == whole[start:end]
    assert text.end == len(whole)


@given(PIECES, PIECES, PIECES)
def test_two_ways_on_from_one_text(common: list[bytes], left: list[bytes], right: list[bytes]) -> None:
    text = GrowingText()
    for piece in common:
        text = text.add(piece)
    one = other = text
    for piece in left:
        one = one.add(piece)
    for piece in right:
        other = other.add(piece)
    assert one.part(0) == b"".join(common + left)
    assert other.part(0) == b"".join(common + right)
    assert text.part(0) == b"".join(common)


def test_a_long_text_of_short_pieces_is_no_chain_of_bytes() -> None:
    text = GrowingText()
    for _ in range(100_000):
        text = text.add(b"x")
    links, here = 0, text
    while here.before is not None:
        links, here = links + 1, here.before
    assert links < 100_000 / 32
    del text, here
