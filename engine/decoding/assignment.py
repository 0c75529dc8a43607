"""Assignment: one candidate for each field of an item, so that no piece of the document is used twice.

In: for each field its candidates with scores (natural logarithms) and the pieces that each may stand for. Out: one candidate a
field, the choice with the greatest sum of scores among those in which all pieces are apart. A candidate that stands for no
piece, null for example, is always free; one that may stand for several pieces needs one of them to be free. A beam of `WIDTH`
partial assignments, exact where there are no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 256

Span = tuple[int, int]  # half-open


@dataclass(frozen=True, slots=True)
class Candidate:
    """The JSON `text` of a value. `spans`: where it may stand; none if it need not stand anywhere."""

    text: bytes
    score: float
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class _Partial:
    score: float
    chosen: tuple[int, ...]
    taken: tuple[Span, ...]


def assign(fields: Sequence[Sequence[Candidate]], taken: Sequence[Span] = ()) -> list[int | None]:
    """The index of the candidate of each field; None for one all of whose candidates lose to others."""
    states = [_Partial(0.0, (), tuple(taken))]
    for candidates in fields:
        grown = [state for one in states for state in _extended(one, candidates)]
        grown.sort(key=lambda state: (-state.score, [index if index >= 0 else _LAST for index in state.chosen]))
        states = grown[:WIDTH]
    return [None if index < 0 else index for index in states[0].chosen]


_LAST = 1 << 30
_NOTHING = -1e3  # the score of a field that is left without a value


def _extended(state: _Partial, candidates: Sequence[Candidate]) -> list[_Partial]:
    out = [_Partial(state.score + _NOTHING, (*state.chosen, -1), state.taken)]
    for index, one in enumerate(candidates):
        chosen = (*state.chosen, index)
        if not one.spans:
            out.append(_Partial(state.score + one.score, chosen, state.taken))
            continue
        span = next((span for span in one.spans if is_free(span, state.taken)), None)
        if span is not None:
            out.append(_Partial(state.score + one.score, chosen, (*state.taken, span)))
    return out


def is_free(span: Span, taken: Sequence[Span]) -> bool:
    return not any(span[0] < high and low < span[1] for low, high in taken)
