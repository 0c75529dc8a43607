"""Sets of Unicode scalar values as sorted, disjoint, non-adjacent inclusive ranges.

A `CharSet` is a plain tuple of `(low, high)` pairs, so it hashes and compares as a value. Surrogates are never members:
text that the engine reads or writes is valid UTF-8.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from functools import lru_cache, wraps
from typing import TypeVar

CharSet = tuple[tuple[int, int], ...]

F = TypeVar("F", bound=Callable[..., tuple[tuple[int, int], ...]])

_SHORT = 32  # ranges
_MANY, _FEW = 1 << 14, 1 << 9  # answers that are kept

NONE: CharSet = ()
ANY: CharSet = ((0, 0xD7FF), (0xE000, 0x10FFFF))


def normalise(ranges: Iterable[tuple[int, int]]) -> CharSet:
    """Sort, merge and clip arbitrary inclusive ranges; surrogates are cut out."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if low > high:
            continue
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return intersect(tuple(merged), ANY)


def of(characters: Iterable[str]) -> CharSet:
    """The set of the given one-character strings."""
    return normalise((ord(c), ord(c)) for c in characters)


def _remembered(function: F) -> F:
    """With the latest answers kept: many of short sets, and few where a set may have hundreds of ranges."""
    short, long = lru_cache(maxsize=_MANY)(function), lru_cache(maxsize=_FEW)(function)

    @wraps(function)
    def remembering(*sets: CharSet) -> CharSet:
        return short(*sets) if len(sets[0]) + len(sets[-1]) <= _SHORT else long(*sets)

    return remembering  # type: ignore[return-value]


@_remembered
def unite(a: CharSet, b: CharSet) -> CharSet:
    """The characters of either."""
    if not a or not b:
        return a or b
    return normalise(a + b)


@_remembered
def intersect(a: CharSet, b: CharSet) -> CharSet:
    """The characters of both."""
    out: list[tuple[int, int]] = []
    i = j = 0
    while i < len(a) and j < len(b):
        low, high = max(a[i][0], b[j][0]), min(a[i][1], b[j][1])
        if low <= high:
            out.append((low, high))
        if a[i][1] < b[j][1]:
            i += 1
        else:
            j += 1
    return tuple(out)


@_remembered
def invert(a: CharSet) -> CharSet:
    """All other characters."""
    out: list[tuple[int, int]] = []
    next_low = 0
    for low, high in a:
        if next_low < low:
            out.append((next_low, low - 1))
        next_low = high + 1
    if next_low <= 0x10FFFF:
        out.append((next_low, 0x10FFFF))
    return intersect(tuple(out), ANY)


def contains(a: CharSet, code_point: int) -> bool:
    """Whether the character is in it."""
    i = bisect_right(a, (code_point, 0x110000)) - 1
    return i >= 0 and a[i][0] <= code_point <= a[i][1]


def size(a: CharSet) -> int:
    """How many characters are in it."""
    return sum(high - low + 1 for low, high in a)


def example(a: CharSet) -> int:
    """A member that is cheap to write and to read: a letter, a digit, printable ASCII, else the first."""
    for preferred in _PREFERRED:
        found = intersect(a, preferred)
        if found:
            return found[0][0]
    return a[0][0]


def preference(code_point: int) -> tuple[int, int]:
    """What sorts characters as `example` prefers them."""
    ranks = (rank for rank, preferred in enumerate(_PREFERRED) if contains(preferred, code_point))
    return next(ranks, len(_PREFERRED)), code_point


_PREFERRED: tuple[CharSet, ...] = (
    ((97, 122),),
    ((48, 57),),
    ((65, 90),),
    ((35, 91), (93, 126)),
    ((32, 33),),
)
