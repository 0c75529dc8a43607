"""Chunks: a text that is too long for one prompt, cut into pieces that overlap, and its objects put together again.

Cuts fall at ends of paragraphs, lines and sentences, at blanks where there are none, and inside a word only where that is
longer than half a chunk. A piece begins before the end of the one before it, at the start of a line or a sentence, so
that what stands at a cut is seen whole by one of the two.

What stands in the overlap is found twice. An object of the later piece is dropped where the earlier one gave an equal
object, as often as the overlap's own text accounts for it: the texts and numbers of the object are counted in the overlap.
Where an object's values do not stand in the text as they are (dates in another form), only an equal run at the end of one
piece and the beginning of the next is dropped. Order is that of the text.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

# A tenth of a chunk is seen twice.
OVERLAP = 10
_ENDS = tuple(
    re.compile(pattern)
    for pattern in (
        rb"\n[ \t\r]*\n\s*",
        rb"\n\s*",
        rb"(?:[.!?\xe2\x80\xa6][\"')\]]*\s+|\xe3\x80\x82|\xef\xbc\x81|\xef\xbc\x9f)",
        rb"\s+",
    )
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a text, from byte `start` to byte `end` of its UTF-8."""

    start: int
    end: int
    text: str


def cut(text: str, limit: int, tokenize: Callable[[bytes], Sequence[int]], pieces: Sequence[bytes]) -> list[Chunk]:
    """The chunks of a text, each of at most `limit` tokens; the text itself where it has no more.

    `tokenize` gives the tokens of UTF-8, `pieces` their texts. O(length of the text).
    """
    data = text.encode()
    offsets = _offsets(data, [len(pieces[token]) for token in tokenize(data)])
    if len(offsets) <= limit:
        return [Chunk(0, len(data), text)]
    found: list[Chunk] = []
    start = 0
    while start < len(data):
        first = bisect_right(offsets, start)
        reach = limit
        while True:
            end = _end(data, start, offsets[min(first + reach, len(offsets)) - 1])
            # At a cut the tokens are others than in the middle of the text.
            if len(tokenize(data[start:end])) <= limit or reach == 1:
                break
            reach -= max(1, reach // 20)
        found.append(Chunk(start, end, data[start:end].decode()))
        if end == len(data):
            break
        last = bisect_right(offsets, end)
        start = _resume(data, offsets[max(first, last - max(1, limit // OVERLAP)) - 1], start, end)
    return found


def _offsets(data: bytes, sizes: list[int]) -> list[int]:
    """Where each token ends; a tokeniser that changes the text has its tokens spread over it."""
    total = sum(sizes)
    offsets, at = [], 0
    for size in sizes:
        at += size
        offsets.append(at if total == len(data) else at * len(data) // max(total, 1))
    return offsets


def _end(data: bytes, start: int, farthest: int) -> int:
    """The best place to end a chunk, in the second half of what it may reach."""
    if farthest >= len(data):
        return len(data)
    middle = start + (farthest - start) // 2
    for pattern in _ENDS:
        last = None
        for last in pattern.finditer(data, middle, farthest):  # noqa: B007 - the last one is wanted
            pass
        if last is not None and last.end() > start:
            return last.end()
    return max(_character(data, farthest), _next_character(data, start))


def _resume(data: bytes, earliest: int, start: int, end: int) -> int:
    """Where the next chunk begins: at the first start of a line or sentence from `earliest` on, before `end`."""
    for pattern in _ENDS:
        found = pattern.search(data, max(earliest, start + 1), end)
        if found is not None and start < found.end() < end:
            return found.end()
    return end


def _character(data: bytes, at: int) -> int:
    while at > 0 and at < len(data) and data[at] & 0xC0 == 0x80:
        at -= 1
    return at


def _next_character(data: bytes, at: int) -> int:
    at += 1
    while at < len(data) and data[at] & 0xC0 == 0x80:
        at += 1
    return at


# -- merging


def merge(chunks: Sequence[Chunk], objects: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
    """Which objects stay, as (chunk, place in it); `objects` are the JSON texts that each chunk gave, in order."""
    kept: list[tuple[int, int]] = []
    values = [[_Value.of(text) for text in found] for found in objects]
    for index, here in enumerate(values):
        dropped: set[int] = set()
        if index:
            before = chunks[index - 1]
            shared = chunks[index].text.encode()[: max(0, before.end - chunks[index].start)].decode("utf-8", "ignore")
            dropped = _repeated(values[index - 1], here, shared, before.text)
        kept += [(index, place) for place in range(len(here)) if place not in dropped]
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
    for place, value in enumerate(here):
        if value.key not in left:
            seen = _evidence(value, shared, text)
            left[value.key] = 0 if seen is None else min(seen, there[value.key])
        if left[value.key] > 0:
            left[value.key] -= 1
            dropped.add(place)
        elif place < run and _evidence(value, shared, text) is None:
            dropped.add(place)
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
