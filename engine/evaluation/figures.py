"""Figures of an evaluation: shares of the sums, and intervals of their differences by the bootstrap.

The bootstrap (Efron 1979) draws documents with replacement, the same for both sides of a comparison, and takes the
middle 95 % of what comes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.evaluation.tally import Tally

DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Figures:
    """What a sum of tallies says. Shares are 0 to 1, and None where nothing of the kind was there."""

    tally: Tally
    many: bool

    @property
    def fields_right(self) -> float | None:
        """Right fields, nulls among them, of all fields; not for lists of objects."""
        if self.many:
            return None
        right = sum(x.right + x.kept for x in self.tally.fields.values())
        return _share(right, sum(x.wanted for x in self.tally.fields.values()) + self.tally.nulls)

    @property
    def filled_right(self) -> float | None:
        """Right fields of those that have a value; not for lists of objects."""
        if self.many:
            return None
        return _share(self._right, sum(x.wanted for x in self.tally.fields.values()))

    @property
    def nulls_kept(self) -> float | None:
        """Nulls that are null of those that have to be; not for lists of objects."""
        return None if self.many else _share(sum(x.kept for x in self.tally.fields.values()), self.tally.nulls)

    @property
    def fields_f1(self) -> float | None:
        """F1 of the values of lists of objects."""
        if not self.many:
            return None
        wanted = sum(x.wanted for x in self.tally.fields.values())
        return _share(2 * self._right, wanted + self.tally.values_got)

    @property
    def objects_f1(self) -> float | None:
        """F1 of whole objects."""
        tally = self.tally
        return _share(2 * tally.objects_right, tally.objects_wanted + tally.objects_got) if self.many else None

    @property
    def in_text(self) -> float | None:
        """Free texts that stand in their document."""
        return _share(self.tally.in_text, self.tally.texts)

    @property
    def wrong_but_valid(self) -> float | None:
        """Values that came out and are not right, of all that came out."""
        wrong = sum(x.wrong + x.invented for x in self.tally.fields.values())
        return _share(wrong, wrong + self._right)

    @property
    def headline(self) -> float:
        """The one figure that documents and settings are compared by."""
        return (self.fields_f1 if self.many else self.fields_right) or 0.0

    @property
    def _right(self) -> float:
        return sum(x.right for x in self.tally.fields.values())

    def as_json(self) -> dict[str, Any]:
        """Everything, as plain values."""
        names = ("fields_right", "filled_right", "nulls_kept", "objects_f1", "fields_f1", "in_text", "wrong_but_valid")
        shares = {name: _rounded(getattr(self, name)) for name in names if getattr(self, name) is not None}
        fields = {
            name: {"right": round(x.right, 3), "wrong": round(x.wrong, 3), "missing": x.missing, "null kept": x.kept,
                   "invented": x.invented, "share": _rounded(_share(x.right, x.wanted))}
            for name, x in self.tally.fields.items()
        }  # fmt: skip
        return {"documents": self.tally.documents, "invalid": self.tally.invalid, **shares, "fields": fields}


def summed(tallies: Sequence[Tally], *, many: bool) -> Figures:
    """The figures of all documents together; there is at least one."""
    total = Tally({name: type(x)() for name, x in tallies[0].fields.items()})
    for tally in tallies:
        total.add(tally)
    return Figures(total, many)


@dataclass(frozen=True, slots=True)
class Difference:
    """Second minus first in the headline figure, and the interval that holds it in 95 of 100 draws."""

    value: float
    low: float
    high: float

    @property
    def certain(self) -> bool:
        """Whether zero lies outside of the interval."""
        return not self.low <= 0 <= self.high


def difference(first: Sequence[Tally], second: Sequence[Tally], *, many: bool, seed: int = 0) -> Difference:
    """How much better the second is on the same documents, in the same order."""
    if len(first) != len(second) or not first:
        raise ValueError(f"a comparison needs the same documents on both sides, not {len(first)} and {len(second)}")
    a, b = (np.array([_parts(x, many=many) for x in side]) for side in (first, second))
    draws = np.random.default_rng(seed).integers(0, len(first), (DRAWS, len(first)))
    values = np.array([_ratio(b[draw].sum(0)) - _ratio(a[draw].sum(0)) for draw in draws])
    low, high = np.quantile(values, [0.025, 0.975])
    return Difference(_ratio(b.sum(0)) - _ratio(a.sum(0)), float(low), float(high))


def _parts(tally: Tally, *, many: bool) -> tuple[float, float]:
    """Numerator and denominator of the headline figure."""
    right, wanted = sum(x.right for x in tally.fields.values()), sum(x.wanted for x in tally.fields.values())
    if many:
        return 2 * right, wanted + tally.values_got
    return right + sum(x.kept for x in tally.fields.values()), wanted + tally.nulls


def _ratio(parts: np.ndarray[Any, Any]) -> float:
    return float(parts[0] / parts[1]) if parts[1] else 1.0


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)
