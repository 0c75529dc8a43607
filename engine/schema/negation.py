"""Negation: where a schema does not hold, as branches of schemas that do.

A schema is a conjunction, so its opposite is a choice between the opposites of its keywords. Many of those are schemas
again (`not required: [a]` is an object without `a`; `not minimum: 5` a number below 5). What is none becomes a residual,
which only the closed value shows. In: a `Location`. Out: branches, or None where that takes too many.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.schema.assertions import assertions_of
from engine.schema.disjunction import REFERENCES, Branch, Residual, branches_of, part, reference
from engine.schema.kind import ANY_KIND, ARRAY, NUMBER, OBJECT, STRING, names_of
from engine.schema.location import Location
from engine.schema.schema import Json

MOST_NEGATED_BRANCHES = 8
FEW = 3

_OPPOSITES = {  # keyword → its opposite, and by how much a count moves
    "minLength": ("maxLength", -1),
    "maxLength": ("minLength", 1),
    "minItems": ("maxItems", -1),
    "maxItems": ("minItems", 1),
    "minProperties": ("maxProperties", -1),
    "maxProperties": ("minProperties", 1),
    "minimum": ("exclusiveMaximum", 0),
    "maximum": ("exclusiveMinimum", 0),
    "exclusiveMinimum": ("maximum", 0),
    "exclusiveMaximum": ("minimum", 0),
}
_SHAPES = {  # kinds → type name, keywords without a simple opposite
    STRING: ("string", ("pattern", "format")),
    NUMBER: ("number", ("multipleOf",)),
    ARRAY: (
        "array",
        ("prefixItems", "items", "additionalItems", "contains", "minContains", "maxContains", "uniqueItems"),
    ),
    OBJECT: ("object", ("patternProperties", "additionalProperties", "propertyNames")),
}


def opposite(location: Location) -> Location:
    """The schema that holds exactly where this one does not."""
    value = location.value
    if isinstance(value, bool):
        return location.derived("not", not value)
    made = location.derived("not", {"not": value})
    made.graft(("not",), location)
    return made


def negation(location: Location) -> tuple[Branch, ...] | None:
    """Branches of which one holds exactly where the schema does not; None where that takes too many."""
    if isinstance(location.value, bool):
        return () if location.value else (Branch(()),)
    facts = assertions_of(location)
    if facts.guards or (facts.members and facts.members.unevaluated) or (facts.items and facts.items.unevaluated):
        return None
    branches = tuple(_failures(location))
    return branches if len(branches) <= MOST_NEGATED_BRANCHES else None


def flat_negation(location: Location) -> tuple[Branch, ...] | None:
    """The same, looked at through references; None where it takes more than FEW branches."""
    for _ in range(32):
        branches = negation(location)
        if branches is None or len(branches) > FEW:
            return None
        if len(branches) != 1 or branches[0].residuals or branches[0].excluded or len(branches[0].locations) != 1:
            return branches
        only = branches[0].locations[0]
        if not isinstance(only.value, dict) or only.value.keys() != {"not"}:
            return branches
        location = only.child("not")
    return None


def _failures(location: Location) -> Iterator[Branch]:
    """Each way in which a value can fail a schema."""
    facts = assertions_of(location)
    if facts.kinds != ANY_KIND:
        yield _typed(location, names_of(ANY_KIND & ~facts.kinds))
    if facts.values is not None:
        yield Branch((), excluded=facts.values)
    if not (location.dialect.reference_stands_alone and "$ref" in location.value):
        yield from _bounds(location)
        yield from _members(location)
        yield from _rest(location)
    yield from _applied(location)


def _typed(location: Location, names: list[str]) -> Branch:
    return Branch((location.derived(f"type {names}", {"type": names}),))


def _bounds(location: Location) -> Iterator[Branch]:
    for keyword, (flipped, step) in _OPPOSITES.items():
        bound = location.value.get(keyword)
        if bound is None or isinstance(bound, bool):
            continue
        kinds = next(kinds for kinds, stem in _STEMS.items() if any(keyword.endswith(end) for end in stem))
        if isinstance(location.value.get(f"exclusive{keyword[0].upper()}{keyword[1:]}"), bool):
            kind_name = _SHAPES[kinds][0]
            names = (keyword, f"exclusive{keyword[0].upper()}{keyword[1:]}")
            yield Branch(
                _typed(location, [kind_name]).locations,
                (Residual(location, ("not",), {"not": part(location, *names)}, kinds),),
            )
        elif bound + step >= 0 or step == 0:
            made = {"type": _SHAPES[kinds][0], flipped: bound + step if step else bound}
            yield Branch((location.derived(f"not {keyword}", made),))


_STEMS = {STRING: ("Length",), ARRAY: ("Items",), OBJECT: ("Properties",), NUMBER: ("imum",)}


def _members(location: Location) -> Iterator[Branch]:
    members = assertions_of(location).members
    if members is None:
        return
    for name in members.required:
        made = location.derived(f"no {name}", {"type": "object", "properties": {name: False}})
        yield Branch((made,))
    for name, sub in members.properties.items():
        if sub.value is True or (isinstance(sub.value, dict) and assertions_of(sub).asserts_nothing):
            continue
        made = location.derived(f"fails {name}", _failing_member(name, sub.value))
        made.graft(("properties", name), opposite(sub))
        yield Branch((made,))


def _failing_member(name: str, schema: Json) -> Json:
    return {"type": "object", "required": [name], "properties": {name: {"not": schema}}}


def _rest(location: Location) -> Iterator[Branch]:
    """The keywords of each kind that have no simple opposite, together."""
    for kinds, (type_name, keywords) in _SHAPES.items():
        names = [keyword for keyword in keywords if keyword in location.value]
        if not names or (names == ["uniqueItems"] and not location.value["uniqueItems"]):
            continue
        if kinds == OBJECT:
            names.append("properties")  # what is additional depends on it
        residual = Residual(location, ("not", *names), {"not": part(location, *names)}, kinds)
        yield Branch(_typed(location, [type_name]).locations, (residual,))


def _applied(location: Location) -> Iterator[Branch]:
    for keyword in assertions_of(location).applicators:
        if keyword in REFERENCES:
            yield Branch((opposite(reference(location, keyword)),))
        elif keyword == "allOf":
            yield from (Branch((opposite(sub),)) for sub in branches_of(location, keyword))
        elif keyword == "anyOf":
            yield Branch(tuple(opposite(sub) for sub in branches_of(location, keyword)))
        elif keyword == "not":
            yield Branch((location.child("not"),))
        else:
            names = ("if", "then", "else") if keyword == "if" else (keyword,)
            yield Branch((), (Residual(location, ("not", *names), {"not": part(location, *names)}),))
