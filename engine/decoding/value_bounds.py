"""Value bounds: where a value of a JSON text has to end, so that one that runs away leaves room for the others.

Two things end a value: it has as many tokens as a value may have, or it repeats itself (see `repetition`). A loop is cut
off where it begins; a value that is too long ends where it is. This departs from the model's own choice, which would go on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from engine.automaton.tracker import Container, Tracker
from engine.decoding.repetition import looping_items, looping_text

# A double has 17 digits, a Decimal 28.
_NUMBER_TOKENS = 40


@dataclass(frozen=True, slots=True)
class ValueBounds:
    """`max_value_tokens` bounds each text and number; None: a number has at most 40 tokens, and a text three quarters of
    `max_tokens`, which is out of the way of long texts and leaves the other fields a quarter. `end_loops`: values that repeat
    themselves are ended."""

    max_value_tokens: int | None = None
    end_loops: bool = True

    def limit(self, tracker: Tracker, max_tokens: int) -> int:
        """How many tokens the value that is open may have."""
        if self.max_value_tokens is not None:
            return self.max_value_tokens
        return _NUMBER_TOKENS if tracker.in_scalar else max(1, max_tokens * 3 // 4)


@dataclass(frozen=True, slots=True)
class ValueEnd:
    """The value that begins at byte `start` has to end at byte `place` of the output; `loop`: because it repeats itself."""

    start: int
    place: int
    loop: bool

    def is_open(self, tracker: Tracker) -> bool:
        """Whether the value has not ended yet."""
        container: Container | None = tracker.container
        while container is not None and container.start > self.start:
            container = container.outer
        return self._is_scalar(tracker) or (container is not None and container.start == self.start)

    def is_ended_by(self, byte: bytes, tracker: Tracker) -> bool:
        """Whether the open value ends with this byte; its own last one or, for a number, the one behind it."""
        if not self._is_scalar(tracker):
            return byte == b"]"
        return byte != b"" and (tracker.in_scalar or byte == b'"') and not self.is_open(tracker.feed(byte))

    def path(self, tracker: Tracker) -> tuple[str | int, ...]:
        """The value's path, while it is open; an array stands at one of its items then."""
        return tracker.path if self._is_scalar(tracker) else tracker.path[:-1]

    def _is_scalar(self, tracker: Tracker) -> bool:
        return (tracker.in_string or tracker.in_scalar) and tracker.start == self.start


def _array_of_closed(before: Tracker, here: Tracker) -> Container | None:
    """The innermost open array of which an item has closed between the two."""
    array = here.container
    if array is not None and not array.is_object and here.closed != before.closed and here.closed[0] > array.start:
        return array
    known: dict[int, int] = {}
    container = before.container
    while container is not None:
        known[container.start] = container.index
        container = container.outer
    while array is not None:
        if not array.is_object and array.index > known.get(array.start, array.index):
            return array
        array = array.outer
    return None


def first_that_may_change(tracker: Tracker) -> int:
    """The byte from which on a loop that is found later may take the output back: where the outermost array that is open
    begins, else the open value."""
    place = tracker.start if tracker.in_string or tracker.in_scalar else tracker.end
    container = tracker.container
    while container is not None:
        place = place if container.is_object else container.start
        container = container.outer
    return place


@dataclass(slots=True)
class ValueWatch:
    """Watches one output of `max_tokens`. `prompt` is what the model was told, whose repetitions are not the model's.

    `tolerated` are the places where values begin that could not be ended.
    """

    bounds: ValueBounds
    max_tokens: int
    prompt: Callable[[], str] = str
    tolerated: set[int] = field(default_factory=set)

    def end_of(self, before: Tracker, here: Tracker, tokens: int) -> ValueEnd | None:
        """Where a value has to end after a token, None where none has to; the open one has so many `tokens`."""
        if not (here.in_string or here.in_scalar) or here.closed != before.closed:
            found = self._end_of_array(before, here)
            if found is not None or not (here.in_string or here.in_scalar):
                return found
        if here.start in self.tolerated:
            return None
        if here.in_string and self.bounds.end_loops:
            kept = looping_text(here.text.part(here.start + 1), self._stated)
            if kept is not None:
                return ValueEnd(here.start, here.start + 1 + kept, loop=True)
        if tokens >= self.bounds.limit(here, self.max_tokens):
            return ValueEnd(here.start, here.end, loop=False)
        return None

    def _end_of_array(self, before: Tracker, here: Tracker) -> ValueEnd | None:
        """Where an array has to end, an item of which has closed with the token; the token may have begun the next one."""
        array = _array_of_closed(before, here)
        if array is None or not self.bounds.end_loops or array.start in self.tolerated:
            return None
        end = here.start if here.in_string or here.in_scalar else here.end
        kept = looping_items(here.text.part(array.start, end), self._stated)
        return None if kept is None else ValueEnd(array.start, array.start + kept, loop=True)

    def _stated(self, text: str) -> int:
        return self.prompt().count(text)
