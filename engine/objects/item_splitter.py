"""Item splitter: finished items out of a growing JSON text.

Takes bytes as they are decoded, in pieces of any size, even ones that split a character; gives the text of each item of
the outermost array the moment it closes, and of a single value when the text ends. Braces, brackets and quotes inside
strings are no matter: the same tracker that guards use knows where values start.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from engine.automaton.tracker import Tracker

_CLOSING = (b'"', b"]", b"}")


class ClosedItem(NamedTuple):
    """The place in the output of item `number`; byte `closes` is the one that ended it (a number ends with the byte after it)."""

    number: int
    start: int
    end: int
    closes: int


class ItemSplitter:
    """One output; `many` says whether its items are those of the outermost array or the output is one item."""

    def __init__(self, *, many: bool) -> None:
        self._many = many
        self._tracker = Tracker()
        self._count = 0

    @property
    def output(self) -> bytes:
        """All bytes so far."""
        return self._tracker.output

    def text(self, item: ClosedItem) -> bytes:
        """The bytes of an item."""
        return self._tracker.text.part(item.start, item.end)

    def feed(self, data: bytes) -> Iterator[ClosedItem]:
        """The items that `data` closes, in order."""
        self._tracker = self._tracker.feed(data)
        if self._many:
            for start, end in self._tracker.finished:
                self._count += 1
                yield ClosedItem(self._count - 1, start, end, end - (self._tracker.text.part(end - 1, end) in _CLOSING))

    def end(self) -> Iterator[ClosedItem]:
        """The output is complete: the item that only its end closes."""
        if not self._many:
            yield ClosedItem(0, 0, self._tracker.end, self._tracker.end)
