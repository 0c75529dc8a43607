"""Assignment: one candidate for each field of an item, so that no piece of the document is used twice.

In: for each field its candidates with scores (natural logarithms) and the pieces that each may stand for. Out: one
candidate a field, the choice with the greatest sum of scores among those in which all pieces are apart. A candidate
that stands for no piece, null for example, is always free; one that may stand for several pieces needs one of them to
be free. Where a field's best piece holds another field's, what is left of it is worth nearly as much: of "12 Main St" for
the street, with "12" taken by the number, "Main St". A beam of `ASSIGNMENT_WIDTH` partial assignments, exact where there are no
more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ASSIGNMENT_WIDTH = 256
# How much less (natural logarithm) the rest of a piece is worth, another field having taken a part of it.
REST = 1.0
_BORDERS = " \t\r\n,"

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
    spans: tuple[TextSpan | None, ...]  # of the fields so far


def assign(fields: Sequence[Sequence[ValueCandidate]], text: str, taken: Sequence[TextSpan] = ()) -> list[int | None]:
    """The index of the candidate of each field, whose pieces stand in `text`; None for one all of whose candidates lose."""
    states = [_Partial(0.0, (), ())]
    for candidates in fields:
        grown = [state for one in states for state in _extended(one, fields, candidates, text, taken)]
        grown.sort(key=lambda state: (-state.score, [index if index >= 0 else _LAST for index in state.chosen]))
        states = grown[:ASSIGNMENT_WIDTH]
    return [None if index < 0 else index for index in states[0].chosen]


_LAST = 1 << 30
_NOTHING = -1e3  # the score of a field that is left without a value


def _extended(
    state: _Partial,
    fields: Sequence[Sequence[ValueCandidate]],
    candidates: Sequence[ValueCandidate],
    text: str,
    taken: Sequence[TextSpan],
) -> list[_Partial]:
    out = [_scored((*state.chosen, -1), (*state.spans, None), fields, text)]
    used = [*taken, *(span for span in state.spans if span is not None)]
    for index, one in enumerate(candidates):
        span = next((span for span in one.spans if is_unclaimed(span, used)), None)
        if span is not None or not one.spans:
            out.append(_scored((*state.chosen, index), (*state.spans, span), fields, text))
    return out


def _scored(
    chosen: tuple[int, ...],
    spans: tuple[TextSpan | None, ...],
    fields: Sequence[Sequence[ValueCandidate]],
    text: str,
) -> _Partial:
    score = 0.0
    for at, (index, span) in enumerate(zip(chosen, spans, strict=True)):
        if index < 0:
            score += _NOTHING
            continue
        own = fields[at][index].score
        if span is not None:
            others = [other for place, other in enumerate(spans) if place != at and other is not None]
            own = max([own, *(one.score - REST for one in fields[at] if _is_rest(span, one.spans, others, text))])
        score += own
    return _Partial(score, chosen, spans)


def _is_rest(span: TextSpan, wholes: Sequence[TextSpan], others: Sequence[TextSpan], text: str) -> bool:
    """Whether a piece is what another one leaves of a greater one, with a blank between the two."""
    for low, high in wholes:
        for begin, end in others:
            if (low, high) in ((begin, span[1]), (span[0], end)):
                between = text[end : span[0]] if begin == low else text[span[1] : begin]
                if between.strip(_BORDERS) != between and len(between.strip(_BORDERS)) == 0:
                    return True
    return False


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
