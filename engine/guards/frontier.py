"""Frontier: where to go on when guards have refused every way.

Each place where the model chose leaves a `ChoicePoint`: what it took and what else it could have taken, with the probability that
this would give up. When no way is left, the choices that led there are spread out in a `Frontier`, and decoding goes on from
the best of them. First come the candidates that would have satisfied the guard had the rest stayed as it was: that is asked
of the guard itself and costs no forward pass. Then the others inside the refused value; then what is left of values that were
refused earlier, the latest first, since those were mended once; then what stands before. In each group best first by the
probability given up. It knows texts and guards; what an option is, a token or anything else, is the caller's.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, islice, pairwise, product
from typing import Any, Generic, NamedTuple, TypeVar

from engine.grammar.grammar import Guard
from engine.guards.containers import Containers

P = TypeVar("P")

PROBES = 1 << 17  # how often guards are asked about a text with other options in it, over all times that no way is left
# For each time that no way is left:
PROBES_AT_ONCE = 2048  # of these
WIDEST = 4  # how many choices in a row are changed at once
MANY = 10  # how many options each of them has then: a digit's
GUESSES = 256  # how many of what the guards would take are kept
DOUBT = 0.1  # nats that a guess is worth less for each choice behind it, since that is made anew

_PROMISING, _OTHER = range(2)
_BEFORE = -1  # the key of the choices before a refused value


@dataclass(frozen=True, slots=True)
class Refusal:
    """`guard` refused `text`, which stands at byte `start` of the output. None: the key was there before."""

    guard: Guard | None
    start: int
    text: bytes

    def sort_key(self) -> tuple[int, bytes, str, str]:
        """What tells it from others, to sort them."""
        return (
            self.start,
            self.text,
            "" if self.guard is None else self.guard.path,
            "" if self.guard is None else self.guard.name,
        )

    def would_hold(self, begin: int, end: int, piece: bytes) -> bool:
        """Whether the guard holds with `piece` in place of the output's bytes from `begin` to `end`."""
        if self.guard is None or begin < self.start or end > self.start + len(self.text):
            return False
        return self._holds(self.text[: begin - self.start] + piece + self.text[end - self.start :])

    def ends(self, containers: Containers, begin: int, piece: bytes) -> Iterator[int]:
        """With how much of `piece`, at byte `begin`, the guard holds, where that ends what is open of the value, or the value."""
        if self.guard is not None and self.start <= begin <= self.start + len(self.text):
            for length, text in containers.ended(self.text, begin - self.start, piece):
                if text != self.text and self._holds(text):
                    yield length

    def _holds(self, text: bytes) -> bool:
        assert self.guard is not None
        try:
            return self.guard.holds(text)
        except ValueError:  # no JSON any more
            return False


class Candidate(NamedTuple):
    """`loss` is how much less the model wanted it, in nats."""

    loss: float
    option: int
    piece: bytes


@dataclass(slots=True, eq=False)
class ChoicePoint(Generic[P]):
    """What could have been taken at byte `start` in the place of the bytes up to `end`; `alternatives` are best first.

    `closing` is a short way from there to the end of the output, or its beginning.

    `place` is where the caller goes back to, `loss` what was given up on the way there. `spread` are the heaps of a frontier
    that have it.
    """

    node: P
    start: int
    end: int
    loss: float
    alternatives: Sequence[Candidate]
    closing: Sequence[tuple[int, bytes]] = ()
    tried: set[tuple[int, ...]] = field(default_factory=set)
    spread: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Retry(Generic[P]):
    """Go on with `options`, one after the other, in the place of what `choice` took; `loss` is given up in sum."""

    choice: ChoicePoint[P]
    options: tuple[int, ...]
    piece: bytes
    loss: float


class _Entry(NamedTuple):
    """`number` is no other entry's; `next`: the index of the choice's next alternative, None for a guess by probing."""

    group: int
    loss: float
    number: int
    found: Retry[Any]
    next: int | None


@dataclass(slots=True)
class _Probes:
    """How often guards may still be asked."""

    left: int


class Frontier(Generic[P]):
    """Alternatives that have not been tried, over all branches of one output."""

    def __init__(self) -> None:
        # By the byte where the refused values begin, the value that was refused last at the end.
        self._inside: dict[int, list[_Entry]] = {}
        self._before: list[_Entry] = []
        self._numbers = count()
        self._probes = _Probes(PROBES)

    def spread(self, choices: Iterable[ChoicePoint[P]], refusals: Sequence[Refusal]) -> None:
        """Add the choices that led to where all of `refusals` stand in the way, latest first."""
        start = min((refusal.start for refusal in refusals), default=0)
        heap = self._inside[start] = self._inside.pop(start, [])
        every = list(choices)
        inside = [choice for choice in every if choice.start >= start]
        probes = _Probes(min(self._probes.left, PROBES_AT_ONCE))
        self._probes.left -= probes.left
        for found in islice(_guesses(inside, refusals, probes), GUESSES):
            doubt = DOUBT * sum(choice.start > found.choice.start for choice in inside)
            entry = _Entry(_PROMISING, found.loss + doubt, next(self._numbers), found, None)
            heapq.heappush(heap, entry)
        self._probes.left += probes.left
        for choice in every:
            key, target = (start, heap) if choice.start >= start else (_BEFORE, self._before)
            if key not in choice.spread:
                choice.spread.add(key)
                self._push_alternative(target, choice, 0)

    def add(self, start: int, found: Retry[P]) -> None:
        """Add a way on that the guards would take, for the value that was refused at byte `start`."""
        self._push(self._inside.setdefault(start, []), _PROMISING, found, None)

    def pop(self) -> Retry[P] | None:
        """The best one, which is then tried; None where nothing is left."""
        for heap in (*reversed(self._inside.values()), self._before):
            while heap:
                entry = heapq.heappop(heap)
                found = entry.found
                if entry.next is not None:
                    self._push_alternative(heap, found.choice, entry.next)
                if found.options not in found.choice.tried:
                    found.choice.tried.add(found.options)
                    return found
        return None

    def _push_alternative(self, heap: list[_Entry], choice: ChoicePoint[P], index: int) -> None:
        if index < len(choice.alternatives):
            loss, option, piece = choice.alternatives[index]
            self._push(heap, _OTHER, Retry(choice, (option,), piece, choice.loss + loss), index + 1)

    def _push(self, heap: list[_Entry], group: int, found: Retry[P], following: int | None) -> None:
        heapq.heappush(heap, _Entry(group, found.loss, next(self._numbers), found, following))


def _guesses(choices: list[ChoicePoint[P]], refusals: Sequence[Refusal], probes: _Probes) -> Iterator[Retry[P]]:
    """What the guards would take, if the rest stayed as it was: the value, or something inside of it, ended earlier; other
    options for one choice, or, if there are none, for some in a row."""
    # A guard that wants distinct items refused `[1, 2, 1]`, whose choices were the three digits and the commas.
    # First what ends earlier: with `]` for the second comma the text is `[1, 2]`, and the guard is asked about that.
    parts = [(one, Containers(one.text)) for one in refusals]
    for choice in choices:
        for loss, option, piece in choice.alternatives:
            if any(next(one.ends(inside, choice.start, piece), 0) for one, inside in parts):
                yield Retry(choice, (option,), piece, choice.loss + loss)
        for one, inside in parts:
            for length in one.ends(inside, choice.start, b"".join(piece for _, piece in choice.closing)):
                yield _closed(choice, length)
    # Then one digit changed: `[1, 2, 0]`, `[1, 0, 1]` (refused again) … Only if no single change is taken, two neighbours
    # at once, then three: a check digit needs one change, a date such as 2023-02-30 may need two. What follows the changed
    # choices is left as it was for the question alone; decoding makes it anew.
    any_found = False
    for width in range(1, WIDEST + 1):
        if any_found and width > 1:
            return
        for window in _windows(choices, width):
            first, last = window[0], window[-1]
            known = [choice.alternatives if width == 1 else choice.alternatives[:MANY] for choice in window]
            for chosen in product(*known):
                if probes.left <= 0 or not refusals:
                    return
                piece = b"".join(alternative.piece for alternative in chosen)
                probes.left -= len(refusals)
                if any(refusal.would_hold(first.start, last.end, piece) for refusal in refusals):
                    any_found = True
                    loss = first.loss + sum(alternative.loss for alternative in chosen)
                    yield Retry(first, tuple(alternative.option for alternative in chosen), piece, loss)


def _closed(choice: ChoicePoint[P], length: int) -> Retry[P]:
    """What is closed with so many bytes of the short way to the end."""
    options, text = [], b""
    for option, piece in choice.closing:
        if len(text) >= length:
            break
        options.append(option)
        text += piece
    loss = next((loss for loss, option, _ in choice.alternatives if option == options[0]), 0.0)
    return Retry(choice, tuple(options), text, choice.loss + loss)


def _windows(choices: list[ChoicePoint[P]], width: int) -> Iterator[list[ChoicePoint[P]]]:
    """Each run of `width` choices with nothing between them, in the order of the text; the latest run first."""
    for at in range(len(choices) - width + 1):
        window = choices[at : at + width][::-1]
        if all(one.end == other.start for one, other in pairwise(window)):
            yield window
