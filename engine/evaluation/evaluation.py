"""Rows of a run → tallies by document, figures of all, and the documents that came out worst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.evaluation.fields import Field, evaluated_fields
from engine.evaluation.figures import Figures, summed
from engine.evaluation.labelled import LabelledRow
from engine.evaluation.reliability import Reliability, judged_values, reliability
from engine.evaluation.tally import Tally, tally_many, tally_one


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A run that was scored; `tallies` are those of `rows`, in their order."""

    rows: tuple[LabelledRow, ...]
    fields: tuple[Field, ...]
    tallies: tuple[Tally, ...]
    many: bool

    @property
    def figures(self) -> Figures:
        return summed(self.tallies, many=self.many)

    @property
    def reliability(self) -> Reliability | None:
        """Whether values are as often right as they say; None where none says it."""
        return reliability(judged_values(self.fields, self.rows))

    def worst(self, count: int) -> list[tuple[LabelledRow, Figures]]:
        """The documents with the lowest figure, the worst first; those that are right in all are left out."""
        scored = [(row, summed([tally], many=self.many)) for row, tally in zip(self.rows, self.tallies, strict=True)]
        wrong = [x for x in scored if x[1].headline < 1 and (x[0].document.answer or x[0].output)]
        return sorted(wrong, key=lambda x: x[1].headline)[:count]


def evaluate_rows(target: Any, rows: Sequence[LabelledRow]) -> Evaluation:
    """Scores a run. `target` is the type or the JSON Schema of one object; ValueError where it has no fields."""
    fields = evaluated_fields(target)
    many = bool(rows) and isinstance(rows[0].document.answer, list)
    tally = tally_many if many else tally_one
    tallies = tuple(tally(fields, row.document.text, row.document.answer, row.output) for row in rows)
    return Evaluation(tuple(rows), fields, tallies, many)
