"""Subschemas of checks: everything that a check will look into is read now, so that errors show at once.

A residual is judged by jsonschema on the closed value; nobody else reads its inner schemas. Here each of them is read as any
other: operands are validated, references resolved, patterns parsed, annotations noted.
"""

from __future__ import annotations

from engine.errors import UnsupportedSchema
from engine.regular.python_pattern import PatternUnknown
from engine.schema.assertions import assertions_of
from engine.schema.disjunction import REFERENCES, Residual, reference
from engine.schema.location import Location, subschemas
from engine.schema.pattern_match import language_of
from engine.schema.validation import portable


def check_subschemas(residual: Residual) -> None:
    """Read the schemas inside; raises SchemaError or UnsupportedSchema with their paths."""
    place = residual.location
    checked_subschemas = place.document.checked_subschemas
    todo: list[Location] = []
    if isinstance(place.value, dict):
        parts = {keyword: place.value[keyword] for keyword in residual.keywords if keyword in place.value}
        todo = [place.child(*tokens) for _, tokens in subschemas(parts, ())]
    _patterns(place, residual.schema)
    while todo:
        location = todo.pop()
        if location in checked_subschemas or isinstance(location.value, bool):
            continue
        checked_subschemas.add(location)
        facts = assertions_of(location)
        for pattern in facts.text.patterns if facts.text else ():
            try:
                language_of(pattern)
            except PatternUnknown as error:
                raise UnsupportedSchema(location.path, "pattern", str(error)) from None
        todo += [reference(location, keyword) for keyword in facts.applicators if keyword in REFERENCES]
        if not (location.dialect.reference_stands_alone and "$ref" in location.value):
            todo += [location.child(*tokens) for _, tokens in subschemas(location.value, ()) if not _named(tokens)]


def _named(tokens: tuple[str, ...]) -> bool:
    """Definitions are read only when they are referred to."""
    return tokens[0] in ("$defs", "definitions", "contentSchema")


def _patterns(place: Location, schema: object) -> None:
    try:
        portable(schema, place.document.pattern_dialect)
    except PatternUnknown as error:
        raise UnsupportedSchema(place.path, "pattern", str(error)) from None
