"""Chunks: a text that is too long for one prompt, cut into pieces that overlap, and its objects put together again.

Cuts fall at ends of paragraphs, lines and sentences, at blanks where there are none, inside a word only where that is
longer than half a chunk, and inside a grapheme only where that is longer than a chunk; `boundaries` says where those are in
which script. A piece begins before the end of the one before it, at the start of a line or a sentence, so that what stands
at a cut is seen whole by one of the two.

What stands in the overlap is found twice. An object of the later piece is dropped where the earlier one gave an equal
object, as often as the overlap's own text accounts for it: the texts and numbers of the object are counted in the overlap.
Where an object's values do not stand in the text as they are (dates in another form), only an equal run at the end of one
piece and the beginning of the next is dropped. Order is that of the text.
"""

from __future__ import annotations

import json
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from engine.extraction.boundaries import first_boundary, last_boundary

# A tenth of a chunk is seen twice.
OVERLAP = 10


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a text, from byte `start` to byte `end` of its UTF-8."""

    start: int
    end: int
    text: str


def split_text(
    text: str, limit: int, tokenize: Callable[[bytes], Sequence[int]], pieces: Sequence[bytes]
) -> list[Chunk]:
    """The chunks of a text, each of at most `limit` tokens; the text itself where it has no more.

    `tokenize` gives the tokens of UTF-8, `pieces` their texts. O(length of the text).
    """
    data = text.encode()
    sizes = [len(pieces[token]) for token in tokenize(data)]
    if len(sizes) <= limit:
        return [Chunk(0, len(data), text)]
    begins = _byte_places(text)
    offsets = _ends_of_tokens(sizes, begins)
    found: list[Chunk] = []
    start = 0
    while start < len(text):
        first = bisect_right(offsets, start)
        reach = limit
        while True:
            farthest = max(offsets[min(first + reach, len(offsets)) - 1], start + 1)
            end = last_boundary(text, start, start + (farthest - start) // 2, farthest)
            # At a cut the tokens are others than in the middle of the text.
            if len(tokenize(text[start:end].encode())) <= limit or reach == 1:
                break
            reach -= max(1, reach // 20)
        found.append(Chunk(begins[start], begins[end], text[start:end]))
        if end == len(text):
            break
        last = bisect_right(offsets, end)
        earliest = max(offsets[max(first, last - max(1, limit // OVERLAP)) - 1], start)
        start = first_boundary(text, earliest, end) or end
    return found


def _byte_places(text: str) -> Sequence[int]:
    """The byte at which each character begins, and the one behind the last."""
    if text.isascii():
        return range(len(text) + 1)
    places = array("Q", [0])
    at = 0
    for character in text:
        at += 1 if character < "\x80" else 2 if character < "\u0800" else 3 if character < "\U00010000" else 4
        places.append(at)
    return places


def _ends_of_tokens(sizes: list[int], begins: Sequence[int]) -> list[int]:
    """The character in which each token ends; a tokeniser that changes the text has its tokens spread over it."""
    total, length = sum(sizes), begins[-1]
    offsets, at = [], 0
    for size in sizes:
        at += size
        offsets.append(bisect_right(begins, at if total == length else at * length // max(total, 1)) - 1)
    return offsets


# -- merging


def merge_chunks(chunks: Sequence[Chunk], objects: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
    """Which objects stay, as (chunk, place in it); `objects` are the JSON texts that each chunk gave, in order."""
    kept: list[tuple[int, int]] = []
    values = [[_Value.of(text) for text in found] for found in objects]
    for index, here in enumerate(values):
        dropped: set[int] = set()
        if index:
            before = chunks[index - 1]
            shared = chunks[index].text.encode()[: max(0, before.end - chunks[index].start)].decode("utf-8", "ignore")
            dropped = _repeated(values[index - 1], here, shared, before.text)
        kept += [(index, position) for position in range(len(here)) if position not in dropped]
    return kept


@dataclass(frozen=True, slots=True)
class _Value:
    """An object by its value, and the texts in which it shows in a document."""

    key: str
    leaves: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> _Value:
        value = json.loads(text)
        return cls(json.dumps(value, sort_keys=True), tuple(_leaves(value)))


def _leaves(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for member in value.values():
                yield from _leaves(member)
        case list():
            for item in value:
                yield from _leaves(item)
        case str() if value.strip():
            yield value.strip()
        case int() | float() if not isinstance(value, bool):
            yield json.dumps(value)


def _repeated(before: Sequence[_Value], here: Sequence[_Value], shared: str, text: str) -> set[int]:
    """The places in `here` that are in `before` already."""
    there = Counter(value.key for value in before)
    run = _aligned(before, here)
    left: dict[str, int] = {}
    dropped: set[int] = set()
    for position, value in enumerate(here):
        if value.key not in left:
            seen = _evidence(value, shared, text)
            left[value.key] = 0 if seen is None else min(seen, there[value.key])
        if left[value.key] > 0:
            left[value.key] -= 1
            dropped.add(position)
        elif position < run and _evidence(value, shared, text) is None:
            dropped.add(position)
    return dropped


def _evidence(value: _Value, shared: str, text: str) -> int | None:
    """How often the overlap accounts for a value; None where the text does not show it."""
    if not value.leaves or any(leaf not in text for leaf in value.leaves):
        return None
    return min(shared.count(leaf) for leaf in value.leaves)


def _aligned(before: Sequence[_Value], here: Sequence[_Value]) -> int:
    """How many of the last values of `before` are the first of `here`."""
    for count in range(min(len(before), len(here)), 0, -1):
        if all(one.key == other.key for one, other in zip(before[-count:], here[:count], strict=True)):
            return count
    return 0
