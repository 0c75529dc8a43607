"""Unevaluated: what `unevaluatedProperties` and `unevaluatedItems` look at, where that can be known without a value.

A branch that was not chosen may hold too and evaluate more. So the answer is exact only where everything that the schema
applies to the same value is a reference or `allOf` (`not` evaluates nothing, nor does `dependentRequired`).
"""

from __future__ import annotations

from engine.schema.assertions import assertions_of
from engine.schema.disjunction import REFERENCES, branches_of, reference
from engine.schema.location import Location

_EVALUATES_NOTHING = frozenset({"not", "dependentRequired"})


def unevaluated(place: Location, keyword: str) -> list[Location] | None:
    """The schemas applied by `place`, itself included; None if that depends on the value."""
    found: dict[Location, None] = {}
    todo = [place]
    while todo:
        location = todo.pop()
        if location in found or isinstance(location.value, bool):
            continue
        found[location] = None
        facts = assertions_of(location)
        if keyword == "unevaluatedItems" and any(name == "contains" for name, _ in facts.residual):
            return None
        for applicator in facts.applicators:
            if applicator in REFERENCES:
                todo.append(reference(location, applicator))
            elif applicator == "allOf":
                todo += branches_of(location, applicator)
            elif applicator not in _EVALUATES_NOTHING:
                return None
    return list(found)
