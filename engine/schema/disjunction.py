"""Disjunctions: ways in which a schema asks for one of several other schemas to hold for the same value."""

from __future__ import annotations

from dataclasses import dataclass

from engine.schema.keyword_values import malformed_value, schema_list
from engine.schema.kind import ANY_KIND
from engine.schema.location import Location
from engine.schema.schema import Json

REFERENCES = frozenset({"$ref", "$dynamicRef", "$recursiveRef"})


@dataclass(frozen=True, slots=True, eq=False)
class Residual:
    """`schema` (which resolves references from `location`) must hold for values of these kinds."""

    location: Location
    keywords: tuple[str, ...]
    schema: Json
    kinds: int = ANY_KIND


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """All of this holds; `excluded` are values that do not."""

    locations: tuple[Location, ...]
    residuals: tuple[Residual, ...] = ()
    excluded: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Disjunction:
    """At least one branch holds; exactly one if `exclusive`. `minor` ones are of little use to a grammar."""

    branches: tuple[Branch, ...]
    residual: Residual
    exclusive: bool = False
    minor: bool = False


def reference(location: Location, keyword: str) -> Location:
    """The target of a reference."""
    operand = location.value[keyword]
    if not isinstance(operand, str):
        raise malformed_value(location, keyword, operand, "a reference")
    return location.document.resolve(location, operand, keyword)


def branches_of(location: Location, keyword: str) -> tuple[Location, ...]:
    """The schemas that `anyOf` or `oneOf` lists; raises `SchemaError` where there is none."""
    found = schema_list(location, keyword)
    if not found:
        raise malformed_value(location, keyword, [], "at least one schema")
    return found


def part(location: Location, *keywords: str) -> Json:
    """The schema with only these keywords."""
    return {keyword: location.value[keyword] for keyword in keywords if keyword in location.value}
