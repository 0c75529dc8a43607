"""Substrings: the pieces of one text, as a node of its own.

A suffix array (Manber and Myers 1990, built by doubling) of the positions at which a piece may begin. A node is a range of it
and a depth: all pieces that begin with the characters read so far. A step is a bisection, so a text of any length costs
nothing until it is read from, and equal beginnings are one node. Nodes live as long as their text does: they are interned in
its index, not with those of grammars.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from engine.regular import charset
from engine.regular.charset import CharSet
from engine.regular.expression.node import EMPTY_SET, Expression, intern

CharacterPositions = npt.NDArray[np.int64]  # of characters, or of borders between them
Borders = npt.NDArray[np.bool_]  # one more than there are characters


class SubstringIndex:
    """The pieces of `text` from a border in `starts` to a later one in `ends`, at most to `limits[start]`, the last border that
    a piece from there may reach (each an array of `len(text) + 1`). O(n log n) to build."""

    def __init__(self, text: str, starts: Borders, ends: Borders, limits: CharacterPositions | None = None) -> None:
        self.text = text
        self.codes: CharacterPositions = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(
            np.int64
        )
        size = len(text)
        reach = np.full(size + 1, size) if limits is None else np.minimum(limits, size)
        # For each border the nearest end from there on; beyond all of them where there is none.
        self.next_end: CharacterPositions = np.minimum.accumulate(np.where(ends, np.arange(size + 1), size + 1)[::-1])[
            ::-1
        ]
        usable = starts[:size] & (self.next_end[1:] <= reach[:size])
        order = suffix_order(self.codes)
        self.order: CharacterPositions = order[usable[order]]
        self.reach: CharacterPositions = reach[self.order]
        self.nodes: dict[tuple[object, ...], Expression] = {}

    @property
    def pieces(self) -> Expression:
        """The language of all pieces."""
        return self.node(0, len(self.order), 0)

    def node(self, low: int, high: int, depth: int) -> Expression:
        """Those of which `order[low:high]` are the beginnings, from `depth` characters on."""
        return intern((low, high, depth), lambda: self._make(low, high, depth), self.nodes)

    def _make(self, low: int, high: int, depth: int) -> Expression:
        here = self.order[low:high] + depth
        ahead = self.next_end[here + (depth == 0)] - here
        possible = ahead <= self.reach[low:high] - here
        if not possible.any():
            return EMPTY_SET
        return Substrings(self, low, high, depth, int(ahead[possible].min()))

    def next_codes(self, low: int, high: int, depth: int) -> CharacterPositions:
        """The sorted characters behind `depth`; −1 where the text is over."""
        here = self.order[low:high] + depth
        return np.where(here < len(self.codes), self.codes[np.minimum(here, len(self.codes) - 1)], -1)

    def beginnings(self, low: int, high: int) -> CharacterPositions:
        return self.order[low:high]


class Substrings(Expression):
    """What is left of the pieces of a text after `depth` characters."""

    __slots__ = ("_codes", "_index", "depth", "high", "low")

    def __init__(self, index: SubstringIndex, low: int, high: int, depth: int, least: int) -> None:
        super().__init__(depth > 0 and least == 0, True)
        self._index, self.low, self.high, self.depth = index, low, high, depth
        self._least = least
        self._codes: CharacterPositions | None = None

    @property
    def home(self) -> dict[tuple[object, ...], Expression]:
        return self._index.nodes

    @property
    def codes(self) -> CharacterPositions:
        if self._codes is None:
            self._codes = self._index.next_codes(self.low, self.high, self.depth)
        return self._codes

    def _firsts(self) -> Iterator[int]:
        codes = self.codes
        edges = np.flatnonzero(np.diff(codes, prepend=-1)) if len(codes) else codes
        yield from (int(code) for code in codes[edges] if code >= 0)

    def _partition(self) -> tuple[CharSet, ...]:
        firsts = list(self._firsts())
        rest = charset.invert(charset.normalise((code, code) for code in firsts))
        return (*(((code, code),) for code in firsts), *((rest,) if rest else ()))

    def _derivative(self, code_point: int) -> Expression:
        begin, end = np.searchsorted(self.codes, (code_point, code_point + 1))
        if begin == end:
            return EMPTY_SET
        return self._index.node(self.low + int(begin), self.low + int(end), self.depth + 1)

    def _short(self) -> str:
        here = self._index.beginnings(self.low, self.high) + self.depth
        ahead = self._index.next_end[here + (self.depth == 0)] - here
        return min(self._index.text[at : at + self.least] for at in here[ahead == self.least].tolist())

    def _measure(self) -> int:
        assert self._least is not None
        return self._least

    def positions(self) -> list[int]:
        """Where in the text the pieces begin that have been read so far."""
        positions: list[int] = sorted(self._index.beginnings(self.low, self.high).tolist())
        return positions


def suffix_order(codes: CharacterPositions) -> CharacterPositions:
    """The beginnings of all suffixes, in the order of these."""
    size = len(codes)
    if not size:
        return np.zeros(0, np.int64)
    rank = np.unique(codes, return_inverse=True)[1].astype(np.int64)
    step = 1
    while True:
        behind = np.zeros(size, np.int64)
        behind[: max(0, size - step)] = rank[step:] + 1
        key = rank * (size + 1) + behind
        order = np.argsort(key, kind="stable")
        rank[order] = np.cumsum(np.diff(key[order], prepend=key[order[:1]]) != 0)
        if int(rank[order[-1]]) == size - 1:
            return order
        step *= 2
