"""Finite set: any number of strings as one node."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from engine.regular import charset
from engine.regular.charset import CharSet
from engine.regular.expression.algebra import char_class, concat
from engine.regular.expression.node import EMPTY_SET, Expression, intern

_CHAINED = 64  # characters up to which a single string is a chain of classes, which shares its remainders with others


class FiniteSet(Expression):
    """The remainders, from `offset` on, of `table[low:high]`: sorted distinct strings that share their first `offset`
    characters, but for those whose indices are in `gone`. A dictionary of any size is one node; a step is a bisection.
    Where the word that was read must be known in the end (`labelled`), a single word stays such a node too."""

    __slots__ = ("gone", "high", "labelled", "low", "offset", "table")

    def __init__(
        self, table: tuple[str, ...], low: int, high: int, offset: int, gone: tuple[int, ...], labelled: bool
    ) -> None:
        super().__init__(len(table[low]) == offset and low not in gone, True)
        self.table, self.low, self.high, self.offset = table, low, high, offset
        self.gone, self.labelled = gone, labelled

    @property
    def word(self) -> str:
        """The word that ends here; only where `nullable`."""
        return self.table[self.low]

    @property
    def _first(self) -> int:
        """The first word that goes on."""
        return self.low + (len(self.table[self.low]) == self.offset)

    def _end(self, low: int, code_point: int) -> int:
        """The first index from `low` on whose character is beyond `code_point`."""
        return bisect_right(self.table, code_point, low, self.high, key=lambda word: ord(word[self.offset]))

    def _partition(self) -> tuple[CharSet, ...]:
        firsts = []
        low = self._first
        while low < self.high:
            firsts.append(ord(self.table[low][self.offset]))
            low = self._end(low, firsts[-1])
        rest = charset.invert(charset.normalise((c, c) for c in firsts))
        return (*(((c, c),) for c in firsts), *((rest,) if rest else ()))

    def _derivative(self, code_point: int) -> Expression:
        begin = self._end(self._first, code_point - 1)
        end = self._end(begin, code_point)
        return _words(self.table, begin, end, self.offset + 1, self.gone, self.labelled)

    def without(self, words: Iterable[str]) -> Expression:
        """The same dictionary without some of its words; what it has in common with others is shared."""
        lost = {bisect_left(self.table, word, self.low, self.high) for word in words}
        return _words(self.table, self.low, self.high, self.offset, tuple(sorted(lost | set(self.gone))), self.labelled)

    def left(self) -> Iterator[str]:
        """The words that may still come of this."""
        gone = frozenset(self.gone)
        return (self.table[i] for i in range(self.low, self.high) if i not in gone)

    def _nearest(self) -> str:
        return min(self.left(), key=len)

    def _short(self) -> str:
        return self._nearest()[self.offset :]

    def _measure(self) -> int:
        return len(self._nearest()) - self.offset


def finite_set(values: Iterable[str], *, labelled: bool = False) -> Expression:
    """Exactly these strings."""
    table = tuple(sorted(set(values)))
    return _words(table, 0, len(table), 0, (), labelled)


def _words(
    table: tuple[str, ...], low: int, high: int, offset: int, gone: tuple[int, ...], labelled: bool
) -> Expression:
    gone = gone[bisect_left(gone, low) : bisect_left(gone, high)]
    if len(gone) == high - low:
        return EMPTY_SET
    if high - low == 1 and not labelled and len(table[low]) - offset <= _CHAINED:
        return text(table[low][offset:])
    key = (FiniteSet, id(table), low, high, offset, gone, labelled)
    return intern(key, lambda: FiniteSet(table, low, high, offset, gone, labelled))


def text(value: str) -> Expression:
    """Exactly this string."""
    if len(value) > _CHAINED:
        return finite_set([value])
    return concat(*(char_class(((ord(c), ord(c)),)) for c in value))
