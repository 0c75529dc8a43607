"""Cutter: finished items out of a growing JSON text.

Takes bytes as they are decoded, in pieces of any size, even ones that split a character; gives the text of each item of
the outermost array the moment it closes, and of a single value when the text ends. Braces, brackets and quotes inside
strings are no matter: the same tracker that guards use knows where values start.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.automaton.tracker import Tracker


class Cutter:
    """One output; `many` says whether its items are those of the outermost array or the output is one item."""

    def __init__(self, *, many: bool) -> None:
        self._many = many
        self._tracker = Tracker()

    @property
    def output(self) -> bytes:
        return self._tracker.output

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The items that `data` closes, in order."""
        self._tracker = self._tracker.feed(data)
        if self._many:
            for start, end in self._tracker.finished:
                yield self._tracker.output[start:end]

    def end(self) -> Iterator[bytes]:
        """The output is complete: the item that only its end closes."""
        if not self._many:
            yield self._tracker.output
