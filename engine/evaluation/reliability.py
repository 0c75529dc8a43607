"""Reliability: whether values are as often right as they say, and how many can be taken without a look at which risk.

In: rows with the confidence of their values. Out: pairs of a probability and whether the value is right, and figures of them.

The risk-coverage curve sorts values by their confidence: of the surest share (coverage), so many are right (one minus the risk).
The Brier score is the mean square of what a probability is off by: 0 where all are sure and right, 0.25 where all say one half.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from engine.basics.json_pointer import pointer_tokens
from engine.evaluation.fields import Field
from engine.evaluation.labelled import LabelledRow
from engine.evaluation.tally import paired
from engine.evaluation.values import rightness

COVERAGES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True, slots=True)
class JudgedValue:
    """How sure a value was, and whether it is right; null where null is wanted is right."""

    probability: float
    right: bool


@dataclass(frozen=True, slots=True)
class Reliability:
    """`right_of_surest` has, for each of `COVERAGES`, the share of right values among that share of the surest."""

    values: int
    brier: float
    right_of_surest: tuple[float, ...]

    def as_json(self) -> dict[str, Any]:
        """The figures by name."""
        curve = {f"{cover:g}": round(right, 4) for cover, right in zip(COVERAGES, self.right_of_surest, strict=True)}
        return {"values": self.values, "brier": round(self.brier, 4), "right_of_surest": curve}


def judged_values(fields: Sequence[Field], rows: Sequence[LabelledRow]) -> list[JudgedValue]:
    """Every value that said how sure it is. An object that nobody wanted is wrong in all of its values."""
    return [judged for row in rows for judged in _judged(fields, row)]


def reliability(judged: Sequence[JudgedValue]) -> Reliability | None:
    """None where no value said how sure it is."""
    if not judged:
        return None
    order = sorted(judged, key=lambda one: -one.probability)
    brier = sum((one.probability - one.right) ** 2 for one in order) / len(order)
    shares = []
    for coverage in COVERAGES:
        surest = order[: max(1, round(coverage * len(order)))]
        shares.append(sum(one.right for one in surest) / len(surest))
    return Reliability(len(order), brier, tuple(shares))


def _judged(fields: Sequence[Field], row: LabelledRow) -> Iterator[JudgedValue]:
    by_name = {field.name: field for field in fields}
    wanted = row.document.answer if isinstance(row.document.answer, list) else [row.document.answer]
    got = row.output if isinstance(row.output, list) else [row.output] if row.output is not None else []
    partners = {j: i for i, j in paired(fields, wanted, got).items()} if isinstance(row.output, list) else {0: 0}
    for pointer, probability in row.confidence.items():
        index, *path = pointer_tokens(pointer)
        if len(path) != 1 or path[0] not in by_name or int(index) >= len(got):
            continue  # a part of a field, which is judged as a whole
        name, partner = path[0], partners.get(int(index))
        if partner is None:
            yield JudgedValue(probability, False)
        elif name in wanted[partner]:
            value = got[int(index)].get(name)
            yield JudgedValue(probability, rightness(wanted[partner][name], value, by_name[name].kind) == 1)
