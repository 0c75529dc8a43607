"""Chunks: every character is in one, each fits, and objects of an overlap are there once."""

from __future__ import annotations

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from engine.extraction.chunks import Chunk, cut, merge

PIECES = tuple(bytes([byte]) for byte in range(256))
TEXTS = st.text(alphabet=st.sampled_from("ab ü.!?\n\r\t…。€𝄞\0"), max_size=200)


def bytewise(data: bytes) -> list[int]:
    """A tokeniser whose tokens are bytes."""
    return list(data)


@given(TEXTS, st.integers(4, 60))
def test_chunks_cover_the_text_in_order_and_fit(text: str, limit: int) -> None:
    chunks = cut(text, limit, bytewise, PIECES)
    data = text.encode()
    reached = 0
    for index, chunk in enumerate(chunks):
        assert chunk.text.encode() == data[chunk.start : chunk.end]
        assert len(chunk.text.encode()) <= limit
        assert chunk.start <= reached
        assert index == 0 or (chunk.end > reached and chunk.start > chunks[index - 1].start)
        reached = chunk.end
    assert reached == len(data)
    assert chunks[0].start == 0


def test_text_that_fits_is_one_chunk() -> None:
    assert cut("one. two.", 9, bytewise, PIECES) == [Chunk(0, 9, "one. two.")]


def test_cuts_fall_at_the_ends_of_lines_then_sentences_then_words() -> None:
    def texts(text: str, limit: int) -> list[str]:
        return [chunk.text for chunk in cut(text, limit, bytewise, PIECES)]

    assert texts("a b c. d e f\ng h i. j k l\nm n o.", 20)[0] == "a b c. d e f\n"
    assert texts("aaa bbb ccc. ddd eee fff. ggg", 20)[0] == "aaa bbb ccc. "
    assert texts("aaa bbb ccc ddd eee fff ggg", 14)[0] == "aaa bbb ccc "
    assert texts("a" * 30, 10)[0] == "a" * 10
    assert texts("第一。第二。第三。", 12)[0] == "第一。"


def test_next_chunk_begins_with_what_stood_at_the_end_of_the_one_before() -> None:
    lines = [f"line {number:02}.\n" for number in range(40)]
    chunks = cut("".join(lines), 100, bytewise, PIECES)
    for one, other in pairwise(chunks):
        assert one.start < other.start < one.end
        assert other.text.startswith("line")


def names(*given_: str) -> list[str]:
    return [json.dumps({"name": name}) for name in given_]


def test_object_of_the_overlap_is_there_once() -> None:
    chunks = [Chunk(0, 16, "Ann. Bob. Carl. "), Chunk(10, 21, "Carl. Dora.")]
    assert merge(chunks, [names("Ann", "Bob", "Carl"), names("Carl", "Dora")]) == [(0, 0), (0, 1), (0, 2), (1, 1)]


def test_equal_objects_that_do_not_stand_in_the_overlap_are_all_kept() -> None:
    chunks = [Chunk(0, 16, "Ann. Bob. Carl. "), Chunk(10, 20, "Carl. Ann.")]
    assert merge(chunks, [names("Ann", "Bob", "Carl"), names("Carl", "Ann")]) == [(0, 0), (0, 1), (0, 2), (1, 1)]


def test_object_is_dropped_as_often_as_the_overlap_has_it() -> None:
    chunks = [Chunk(0, 15, "Ann. Ann. Ann. "), Chunk(10, 25, "Ann. Ann. Dora.")]
    kept = merge(chunks, [names("Ann", "Ann", "Ann"), names("Ann", "Ann", "Dora")])
    assert kept == [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2)]


def test_object_that_only_the_later_chunk_gave_is_kept() -> None:
    chunks = [Chunk(0, 16, "Ann. Bob. Carl. "), Chunk(10, 21, "Carl. Dora.")]
    assert merge(chunks, [names("Ann", "Bob"), names("Carl", "Dora")]) == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_values_that_the_text_does_not_show_are_aligned() -> None:
    chunks = [Chunk(0, 16, "Ann. Bob. Carl. "), Chunk(10, 21, "Carl. Dora.")]
    kept = merge(chunks, [names("2024-01-01", "2024-02-02"), names("2024-02-02", "2024-01-01")])
    assert kept == [(0, 0), (0, 1), (1, 1)]
