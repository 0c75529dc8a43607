"""Enforcement: what the lowering made of each constraint, noted while it lowers.

An `Enforcement` names the place in the Schema graph (vertex and alternative), the keyword and what holds values to it: the
grammar, or a guard on the closed value. Where a spelling that only style "any" allows needs the guard, the whole constraint
counts as guarded, because the printed grammar alone would let a violation through.

Constraints that JSON Schema has no keyword for are called "key order" and "unique keys".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal as OneOf

from engine.formats.named_languages import OPERATORS, NamedLanguage
from engine.schema import schema as s

By = OneOf["grammar", "guard", "annotation", "nothing"]

_SHOWN = 400  # characters of a value or a list of names in a detail


@dataclass(frozen=True, slots=True)
class Enforcement:
    """`subject` is the pattern, the named language or the Check that it is about, where there is one."""

    vertex: s.SchemaId
    alternative: int
    keyword: str
    by: By
    detail: str = ""
    subject: s.Pattern | NamedLanguage | s.Check | None = None


Constraint = tuple[str, str]  # keyword and detail


def admits_anything(schema: s.Schema, vertex: s.SchemaId) -> bool:
    """Whether every JSON value is valid under a vertex, seen from its shapes alone."""
    shapes: list[s.Shape] = []
    for alternative in schema.vertices[vertex].alternatives:
        if alternative.checks or not _is_free(alternative.shape, vertex):
            return False
        shapes.append(alternative.shape)
    constants = [value for shape in shapes if isinstance(shape, s.Literals) for value in shape.values]
    kinds = {type(shape) for shape in shapes}
    return kinds == {s.Literals, s.Text, s.Number, s.Array, s.Object} and len(constants) == 3


def _is_free(shape: s.Shape, vertex: s.SchemaId) -> bool:
    match shape:
        case s.Literals(values):
            return all(value is None or isinstance(value, bool) for value in values)
        case s.Array():
            return shape == s.Array(rest=vertex)
        case s.Object():
            return shape == s.Object(others=(s.AdditionalProperties(vertex),))
        case s.Text():
            return shape == s.Text()
        case s.Number():
            return shape == s.Number()


def of_literals(shape: s.Literals) -> Iterator[Constraint]:
    """The keyword that says the same: `type` of null and of both booleans, else `const` or `enum`."""
    values = shape.values
    constants = [value for value in values if value is None or isinstance(value, bool)]
    if len(constants) == len(values) and (len([v for v in values if v is not None]) != 1):
        names = {None: "null", False: "boolean", True: "boolean"}
        yield "type", " or ".join(dict.fromkeys(names[value] for value in values))
    elif len(values) == 1:
        yield "const", _shortened(json.dumps(values[0], ensure_ascii=False))
    else:
        yield "enum", _shortened(", ".join(json.dumps(value, ensure_ascii=False) for value in values[:_SHOWN]))


def of_number(shape: s.Number) -> Iterator[Constraint]:
    """The type, the bounds and the divisors."""
    digits = ", in digits only" if shape.digits_only else ""
    yield "type", ("integer" if shape.integer else "number") + digits
    if shape.minimum is not None:
        yield "exclusiveMinimum" if shape.exclusive_minimum else "minimum", _shortened(f"{shape.minimum}")
    if shape.maximum is not None:
        yield "exclusiveMaximum" if shape.exclusive_maximum else "maximum", _shortened(f"{shape.maximum}")
    if shape.multiples_of:
        yield "multipleOf", ", ".join(f"{step}" for step in shape.multiples_of)


def of_pattern(pattern: s.Pattern | NamedLanguage) -> Constraint:
    """A pattern, a bound of a type's values, or the spelling of the type."""
    if isinstance(pattern, s.Pattern):
        return "pattern", pattern.source
    for name, operator in OPERATORS.items():
        if pattern.operator == operator:
            return name, str(pattern.arguments[0])
    return "spelling", str(pattern)


def of_lengths(shape: s.Text) -> Iterator[Constraint]:
    """The type and the bounds of the length."""
    yield "type", "string"
    if shape.min_length:
        yield "minLength", str(shape.min_length)
    if shape.max_length is not None:
        yield "maxLength", str(shape.max_length)


def of_array(shape: s.Array, schema: s.Schema) -> Iterator[Constraint]:
    """The type, the items that are not free, and how many there may be."""
    yield "type", "array"
    held = [index for index, item in enumerate(shape.prefix) if not admits_anything(schema, item)]
    if held:
        yield "prefixItems", _shortened(", ".join(str(index) for index in held))
    if shape.rest is not None and not admits_anything(schema, shape.rest):
        yield "items", f"from item {len(shape.prefix)} on" if shape.prefix else ""
    if shape.min_items:
        yield "minItems", str(shape.min_items)
    if shape.rest is None:
        yield "maxItems", f"{len(shape.prefix)}, no others"
    elif shape.max_items is not None:
        yield "maxItems", str(shape.max_items)


def of_object(
    shape: s.Object, schema: s.Schema, counted: tuple[int, int | None], *, every_spelling: bool
) -> Iterator[Constraint]:
    """The type and what is said of keys; `counted` are the bounds that the lowering keeps."""
    declared = [one.name for one in shape.properties]
    yield "type", "object"
    held = [one.name for one in shape.properties if not admits_anything(schema, one.schema)]
    if held:
        yield "properties", _shortened(", ".join(held))
    required = [one.name for one in shape.properties if one.required]
    if required:
        yield "required", _shortened(", ".join(required))
    for one in shape.properties:
        if one.aliases:
            others = " or ".join(one.aliases)
            yield "aliases", _shortened(f"{one.name} or {others}" if every_spelling else f"{one.name}, never {others}")
    yield from _of_others(shape, schema)
    low, high = counted
    if low:
        yield "minProperties", str(low)
    if high is not None:
        yield "maxProperties", str(high)
    if not every_spelling and high != 1 and (len(declared) > 1 or (declared and shape.others)):
        yield "key order", "as declared, others last" if shape.others else "as declared"
    if declared and high != 1:
        yield "unique keys", "declared keys"


def _of_others(shape: s.Object, schema: s.Schema) -> Iterator[Constraint]:
    if not any(not keys.matching for keys in shape.others):
        yield "additionalProperties", "no others"
    if shape.forbidden:
        yield "properties", _shortened("never " + ", ".join(shape.forbidden))
    for keys in shape.others:
        if keys.matching and not admits_anything(schema, keys.schema):
            yield "patternProperties", _shortened(" and ".join(pattern.source for pattern in keys.matching))
        elif not keys.matching and not admits_anything(schema, keys.schema):
            yield "additionalProperties", "each by its schema"
    names = dict.fromkeys(name for keys in shape.others for name in keys.names)
    if names:
        yield "propertyNames", "; ".join(_of_name(name) for name in names)


def _of_name(name: s.Text | s.Literals) -> str:
    if isinstance(name, s.Literals):
        return next(of_literals(name))[1]
    said = [f"{keyword} {detail}" for keyword, detail in of_lengths(name)][1:]
    said += [" ".join(of_pattern(pattern)) for pattern in name.patterns]
    said += [f"format {one}" for one in name.formats]
    return _shortened(", ".join(said))


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 2] + " …"
