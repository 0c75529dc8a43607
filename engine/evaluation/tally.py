"""What one document adds to the figures: counts that can be summed over documents, in whole and by field.

A document with one object is compared field by field. Of several objects each wanted one is paired with the one that
shares most fields with it, greedily, the most alike first; what stays without a partner is missing or invented.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.evaluation.fields import Field
from engine.evaluation.values import folded, rightness, strings

JsonObject = Mapping[str, Any]


@dataclass(slots=True)
class FieldTally:
    """Of one field: wanted values that are right, wrong or missing; nulls that were kept, or filled with an invention."""

    right: float = 0.0
    wrong: float = 0.0
    missing: int = 0
    kept: int = 0
    invented: int = 0

    def add(self, other: FieldTally) -> None:
        self.right += other.right
        self.wrong += other.wrong
        self.missing += other.missing
        self.kept += other.kept
        self.invented += other.invented

    @property
    def wanted(self) -> float:
        return self.right + self.wrong + self.missing


@dataclass(slots=True)
class Tally:
    """Of one document, or of several."""

    fields: dict[str, FieldTally]
    documents: int = 0
    invalid: int = 0
    in_text: int = 0
    texts: int = 0
    objects_right: int = 0
    objects_wanted: int = 0
    objects_got: int = 0
    values_got: int = 0
    nulls: int = 0

    @classmethod
    def empty(cls, fields: Sequence[Field]) -> Tally:
        return cls({x.name: FieldTally() for x in fields})

    def add(self, other: Tally) -> None:
        for name, tally in other.fields.items():
            self.fields[name].add(tally)
        for name in ("documents", "invalid", "in_text", "texts", "objects_right", "objects_wanted", "objects_got"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.values_got += other.values_got
        self.nulls += other.nulls


def tally_one(fields: Sequence[Field], text: str, wanted: JsonObject, got: JsonObject | None) -> Tally:
    """The counts of a document with one object; `got` is None where nothing valid came out."""
    tally = Tally.empty(fields)
    tally.documents, tally.invalid = 1, int(got is None)
    for each in fields:
        if each.name in wanted:
            _count(tally.fields[each.name], each, wanted[each.name], got)
            tally.nulls += wanted[each.name] is None
    _look_up(tally, fields, text, [] if got is None else [got])
    return tally


def tally_many(
    fields: Sequence[Field], text: str, wanted: Sequence[JsonObject], got: Sequence[JsonObject] | None
) -> Tally:
    """The counts of a document with a list of objects."""
    tally = Tally.empty(fields)
    tally.documents, tally.invalid = 1, int(got is None)
    found = list(got or ())
    tally.objects_wanted, tally.objects_got = len(wanted), len(found)
    tally.values_got = sum(value is not None for x in found for value in x.values())
    partners = paired(fields, wanted, found)
    for i, each in enumerate(wanted):
        partner = found[partners[i]] if i in partners else None
        whole = partner is not None
        for x in fields:
            value = each.get(x.name)
            if partner is None:
                tally.fields[x.name].missing += value is not None
            else:
                _count(tally.fields[x.name], x, value, partner)
                whole &= rightness(value, partner.get(x.name), x.kind) == 1
        tally.objects_right += whole
    for j, surplus in enumerate(found):
        if j not in partners.values():
            for x in fields:
                tally.fields[x.name].invented += surplus.get(x.name) is not None
    _look_up(tally, fields, text, found)
    return tally


def _count(tally: FieldTally, each: Field, wanted: Any, got: JsonObject | None) -> None:
    value = None if got is None else got.get(each.name)
    if wanted is None:
        tally.kept += got is not None and value is None
        tally.invented += value is not None
    elif value is None:
        tally.missing += 1
    else:
        right = rightness(wanted, value, each.kind)
        tally.right += right
        tally.wrong += 1 - right


def paired(fields: Sequence[Field], wanted: Sequence[JsonObject], got: Sequence[JsonObject]) -> dict[int, int]:
    """Which wanted object is which of those that came out, by their places."""
    candidates = []
    for i, first in enumerate(wanted):
        for j, second in enumerate(got):
            right = {x.name: rightness(first.get(x.name), second.get(x.name), x.kind) for x in fields}
            filled = sum(value for name, value in right.items() if first.get(name) is not None)
            if filled:
                candidates.append((filled, sum(right.values()), -abs(i - j), i, j))
    partners: dict[int, int] = {}
    for *_, i, j in sorted(candidates, reverse=True):
        if i not in partners and j not in partners.values():
            partners[i] = j
    return partners


def _look_up(tally: Tally, fields: Sequence[Field], text: str, objects: Sequence[JsonObject]) -> None:
    """Counts the free texts, and those that stand in the document."""
    document = folded(text)
    for each in objects:
        for value in strings([each.get(x.name) for x in fields if x.free]):
            tally.texts += 1
            tally.in_text += folded(value) in document
