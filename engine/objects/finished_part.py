"""Finished part: what is final of a JSON text that is still being written.

Of `{"name": "Ann", "tags": ["a", "ol` it is `{"name": "Ann", "tags": ["a"]}`: the text up to the last place at which a value
closed or a container opened, with the open containers closed. Scalars in it never change; objects gain members and arrays
items.
"""

from __future__ import annotations

import json
from typing import Any

from engine.automaton.tracker import Tracker


class FinishedPart:
    """One text. O(bytes) in all, and O(bytes so far) for each `value`."""

    def __init__(self) -> None:
        self._tracker = Tracker()
        self._end = 0
        self._closers = b""

    def feed(self, data: bytes) -> bool:
        """Take more of the text; whether more of it is finished now."""
        grown = False
        for index in range(len(data)):
            before, after = self._tracker, self._tracker.feed(data[index : index + 1])
            self._tracker = after
            opened = after.depth > before.depth
            closed = after.closed != before.closed and not (after.container is not None and _is_key(before, after))
            if opened or closed:
                self._end = after.end if opened else after.closed[1]
                self._closers = _closers(after)
                grown = True
        return grown

    @property
    def value(self) -> Any:
        """The finished part; None where nothing is."""
        if not self._end:
            return None
        return json.loads(self._tracker.text.part(0, self._end) + self._closers)


def _is_key(before: Tracker, after: Tracker) -> bool:
    """Whether what the byte between the two closed is a key."""
    return before.in_string and after.container is not None and after.container.at_key


def _closers(tracker: Tracker) -> bytes:
    closers, container = b"", tracker.container
    while container is not None:
        closers += b"}" if container.is_object else b"]"
        container = container.outer
    return closers
