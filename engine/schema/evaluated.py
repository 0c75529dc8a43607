"""Evaluated: what `unevaluatedProperties` and `unevaluatedItems` look at, where that can be known without a value.

Inside one clause every branch is chosen, but a branch that was not chosen may hold too and evaluate more. So the answer is
exact only where everything that the schema applies to the same value is `$ref` and `allOf`.
"""

from __future__ import annotations

from engine.schema.clause import Clause, applied_of
from engine.schema.facts import facts_of
from engine.schema.location import Location


def unevaluated(clause: Clause, place: Location, keyword: str) -> list[Location] | None:
    """The schemas applied by `place`, itself included; None if that depends on the value."""
    found: dict[Location, None] = {}
    todo = [place]
    while todo:
        location = todo.pop()
        if location in found or isinstance(location.value, bool):
            continue
        found[location] = None
        facts, applied = facts_of(location), applied_of(location)
        if applied.choices or (keyword == "unevaluatedItems" and any(name == "contains" for name, _ in facts.residual)):
            return None
        if "not" not in facts.applicators:
            todo += applied.together
        elif len(facts.applicators) > 1:
            return None
    return list(found)
