"""Applicators: the schemas that one schema applies to the same value, as conjunctions and as disjunctions of branches.

In: a `Location` and its assertions. Out: locations that must hold too (`$ref`, `allOf`), disjunctions of which one
branch must hold (`anyOf`, `oneOf`, `if`, `not`, `dependent…`), and residuals: constraints that only the closed value
shows. A disjunction also carries its residual form, for the case that distributing it would be too large.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.schema.assertions import assertions_of
from engine.schema.disjunction import REFERENCES, Branch, Disjunction, Residual, branches_of, part, reference
from engine.schema.keyword_values import malformed_value, schema_map, string_list
from engine.schema.kind import OBJECT
from engine.schema.location import Location
from engine.schema.negation import flat_negation, negation
from engine.schema.schema import Json


@dataclass(slots=True, eq=False)
class Applicators:
    """What one schema applies to the value that it is applied to."""

    together: list[Location] = field(default_factory=list)
    choices: list[Disjunction] = field(default_factory=list)
    residuals: list[Residual] = field(default_factory=list)
    excluded: list[Json] = field(default_factory=list)

    def add(self, branch: Branch) -> None:
        """Demand a branch."""
        self.together.extend(branch.locations)
        self.residuals.extend(branch.residuals)
        self.excluded.extend(branch.excluded)

    def choose(self, choice: Disjunction) -> None:
        """Demand a choice; one with a single branch is none."""
        if len(choice.branches) == 1:
            self.add(choice.branches[0])
        else:
            self.choices.append(choice)


def read_applicators(location: Location) -> Applicators:
    """Follow the applicators of a schema object."""
    applied = Applicators()
    facts = assertions_of(location)
    for keyword in facts.applicators:
        if keyword in REFERENCES:
            applied.together.append(reference(location, keyword))
        elif keyword == "allOf":
            applied.together.extend(branches_of(location, keyword))
        elif keyword in ("anyOf", "oneOf"):
            _union(location, applied, keyword)
        elif keyword == "not":
            _negated(location, applied)
        elif keyword == "if":
            _conditional(location, applied)
        else:
            for choice in _dependent(location, keyword):
                applied.choose(choice)
    for keyword, kinds in facts.residual:
        if (made := _residual(location, keyword, kinds)) is not None:
            applied.residuals.append(made)
    return applied


def _union(location: Location, applied: Applicators, keyword: str) -> None:
    branches = branches_of(location, keyword)
    if keyword == "anyOf" and any(branch.value is True for branch in branches):
        return
    possible = tuple(Branch((branch,)) for branch in branches if branch.value is not False)
    residual = Residual(location, (keyword,), part(location, keyword))
    applied.choose(Disjunction(possible, residual, exclusive=keyword == "oneOf"))


def _negated(location: Location, applied: Applicators) -> None:
    residual = Residual(location, ("not",), part(location, "not"))
    branches = negation(location.child("not"))
    if branches is None:
        applied.residuals.append(residual)
    else:
        applied.choose(Disjunction(branches, residual, minor=True))


def _conditional(location: Location, applied: Applicators) -> None:
    then = (location.child("then"),) if "then" in location.value else ()
    otherwise = (location.child("else"),) if "else" in location.value else ()
    if not then and not otherwise:
        return
    condition = location.child("if")
    residual = Residual(location, ("if", "then", "else"), part(location, "if", "then", "else"))
    unmet = flat_negation(condition)
    if unmet is None:
        unmet = (Branch((), (Residual(location, ("if",), {"not": condition.value}),)),)
    branches = (
        Branch((condition, *then)),
        *(Branch((*branch.locations, *otherwise), branch.residuals, branch.excluded) for branch in unmet),
    )
    applied.choose(Disjunction(branches, residual))


def _dependent(location: Location, keyword: str) -> Iterator[Disjunction]:
    operand = location.value[keyword]
    if not isinstance(operand, dict):
        raise malformed_value(location, keyword, operand, "an object")
    for name, demand in operand.items():
        if keyword == "dependentRequired" and not isinstance(demand, list):
            raise malformed_value(location, keyword, demand, "a list of strings")
        if keyword == "dependencies" and isinstance(demand, str):
            demand = [demand]  # draft 3's spelling
        residual = Residual(location, (keyword,), {keyword: {name: demand}}, OBJECT)
        absent = location.derived(f"absent {name}", {"properties": {name: False}})
        if isinstance(demand, list) and keyword != "dependentSchemas":
            needed = [name, *string_list(location, keyword, demand)]
            if len(needed) == 1:
                continue
            present = location.derived(f"{keyword} {name}", {"type": "object", "required": needed})
            yield Disjunction((Branch((present,)), Branch((absent,))), residual, minor=True)
        else:
            target = schema_map(location, keyword)[name]
            present = location.derived(f"present {name}", {"type": "object", "required": [name]})
            yield Disjunction((Branch((present, target)), Branch((absent,))), residual, minor=True)


def _residual(location: Location, keyword: str, kinds: int) -> Residual | None:
    value = location.value
    if keyword == "contains":
        fewest = value.get("minContains", 1)
        if fewest == 0 and "maxContains" not in value:
            return None
        keywords = tuple(name for name in ("contains", "minContains", "maxContains") if name in value)
        location.child("contains")
        return Residual(location, keywords, part(location, *keywords), kinds)
    if keyword == "contentMediaType":
        return Residual(location, (keyword,), part(location, keyword, "contentEncoding"), kinds)
    return Residual(location, (keyword,), part(location, keyword), kinds)
