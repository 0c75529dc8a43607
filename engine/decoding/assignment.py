"""Assignment: one candidate for each field of an item, so that no piece of the document is used twice.

In: for each field its candidates with scores (natural logarithms) and the pieces that each may stand for. Out: one
candidate a field, the choice with the greatest sum of scores among those in which all pieces are apart. A candidate
that stands for no piece, null for example, is always free; one that may stand for several pieces needs one of them to
be free. A beam of `ASSIGNMENT_WIDTH` partial assignments, exact where there are no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ASSIGNMENT_WIDTH = 256

TextSpan = tuple[int, int]  # half-open


@dataclass(frozen=True, slots=True)
class ValueCandidate:
    """The JSON `text` of a value. `spans`: where it may stand; none if it need not stand anywhere."""

    text: bytes
    score: float
    spans: tuple[TextSpan, ...] = ()


@dataclass(frozen=True, slots=True)
class _Partial:
    score: float
    chosen: tuple[int, ...]
    taken: tuple[TextSpan, ...]


def assign(fields: Sequence[Sequence[ValueCandidate]], taken: Sequence[TextSpan] = ()) -> list[int | None]:
    """The index of the candidate of each field; None for one all of whose candidates lose to others."""
    states = [_Partial(0.0, (), tuple(taken))]
    for candidates in fields:
        grown = [state for one in states for state in _extended(one, candidates)]
        grown.sort(key=lambda state: (-state.score, [index if index >= 0 else _LAST for index in state.chosen]))
        states = grown[:ASSIGNMENT_WIDTH]
    return [None if index < 0 else index for index in states[0].chosen]


_LAST = 1 << 30
_NOTHING = -1e3  # the score of a field that is left without a value


def _extended(state: _Partial, candidates: Sequence[ValueCandidate]) -> list[_Partial]:
    out = [_Partial(state.score + _NOTHING, (*state.chosen, -1), state.taken)]
    for index, one in enumerate(candidates):
        chosen = (*state.chosen, index)
        if not one.spans:
            out.append(_Partial(state.score + one.score, chosen, state.taken))
            continue
        span = next((span for span in one.spans if is_unclaimed(span, state.taken)), None)
        if span is not None:
            out.append(_Partial(state.score + one.score, chosen, (*state.taken, span)))
    return out


def is_unclaimed(span: TextSpan, taken: Sequence[TextSpan]) -> bool:
    """Whether `span` overlaps none of those that are taken."""
    return not any(span[0] < high and low < span[1] for low, high in taken)


def rivals(candidates: Sequence[ValueCandidate | None]) -> list[int]:
    """Which of some candidates, one a field, want a piece for which another one has no alternative."""
    wanting = [
        {at, other}
        for at, one in enumerate(candidates)
        for other, second in enumerate(candidates)
        if other < at and one is not None and second is not None and _collide(one, second)
    ]
    return sorted(set().union(*wanting))


def _collide(one: ValueCandidate, second: ValueCandidate) -> bool:
    return bool(one.spans and second.spans) and not any(
        is_unclaimed(span, (other,)) for span in one.spans for other in second.spans
    )
