"""An evaluator of the Schema graph: whether a JSON value is valid, read off the shapes one by one.

Deliberately naive: it shares no code with the compiler, only the graph's documented meaning. Patterns go through key_match,
formats through the format predicates, checks through compile_check.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from engine.formats.formats import conforms
from engine.guards.check import compile_check
from engine.schema.pattern_match import matches
from engine.schema.schema import (
    AdditionalProperties,
    Alternative,
    Array,
    Literals,
    Number,
    Object,
    Schema,
    SchemaId,
    Shape,
    Text,
)


def accepts(schema: Schema, value: Any) -> bool:
    """Whether the value is valid under the graph's root."""
    return _Evaluation(schema).vertex(schema.root, value)


def json_equal(a: Any, b: Any) -> bool:
    """Equality as JSON Schema has it."""
    if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None:
        return a is b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(json_equal, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(json_equal(a[k], b[k]) for k in a)
    return type(a) in (int, float) and type(b) in (int, float) and a == b if not isinstance(a, str) else a == b


class _Evaluation:
    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    def vertex(self, known: SchemaId, value: Any) -> bool:
        return any(self.alternative(one, value) for one in self.schema.vertices[known].alternatives)

    def alternative(self, one: Alternative, value: Any) -> bool:
        if not self.shape(one.shape, value):
            return False
        text = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
        return all(compile_check(check).holds(text) for check in one.checks)

    def shape(self, shape: Shape, value: Any) -> bool:
        if isinstance(shape, Literals):
            return any(json_equal(literal, value) for literal in shape.values)
        if isinstance(shape, Text):
            return isinstance(value, str) and text_accepts(shape, value)
        if isinstance(shape, Number):
            return not isinstance(value, bool) and isinstance(value, (int, float)) and number_accepts(shape, value)
        if isinstance(shape, Array):
            return isinstance(value, list) and self.array(shape, value)
        return isinstance(value, dict) and self.object(shape, value)

    def array(self, shape: Array, value: list[Any]) -> bool:
        if len(value) < shape.min_items or (shape.max_items is not None and len(value) > shape.max_items):
            return False
        if len(value) > len(shape.prefix) and shape.rest is None:
            return False
        children = [*shape.prefix, *[shape.rest] * (len(value) - len(shape.prefix))]
        return all(self.vertex(child, item) for child, item in zip(children, value, strict=False))  # type: ignore[arg-type]

    def object(self, shape: Object, value: dict[str, Any]) -> bool:
        if len(value) < shape.min_properties:
            return False
        if shape.max_properties is not None and len(value) > shape.max_properties:
            return False
        declared = {one.name: one for one in shape.properties}
        if any(one.required and one.name not in value for one in shape.properties):
            return False
        for name, member in value.items():
            if name in declared:
                if not self.vertex(declared[name].schema, member):
                    return False
                continue
            classes = [keys for keys in shape.others if keys_accept(keys, name)]
            assert len(classes) <= 1, f"key classes overlap on {name!r}"
            if name in shape.forbidden or not classes or not self.vertex(classes[0].schema, member):
                return False
        return True


def keys_accept(keys: AdditionalProperties, name: str) -> bool:
    """Whether a name is in the class."""
    return (
        all(matches(pattern, name) for pattern in keys.matching)
        and not any(matches(pattern, name) for pattern in keys.excluding)
        and all(text_accepts(one, name) if isinstance(one, Text) else name in one.values for one in keys.names)
    )


def text_accepts(shape: Text, value: str) -> bool:
    """Whether a string is of the shape."""
    return (
        shape.min_length <= len(value)
        and (shape.max_length is None or len(value) <= shape.max_length)
        and all(matches(pattern, value) for pattern in shape.patterns)
        and all(conforms(name, value) for name in shape.formats)
    )


def number_accepts(shape: Number, value: float) -> bool:
    """Whether a number is of the shape."""
    if shape.digits_only and not isinstance(value, int):
        return False
    exact = Decimal(repr(value))
    if not exact.is_finite() or (shape.integer and exact != exact.to_integral_value()):
        return False
    if shape.minimum is not None and (exact < shape.minimum or (shape.exclusive_minimum and exact == shape.minimum)):
        return False
    if shape.maximum is not None and (exact > shape.maximum or (shape.exclusive_maximum and exact == shape.maximum)):
        return False
    return all(is_multiple(exact, step) for step in shape.multiples_of)


def is_multiple(value: Decimal, step: Decimal) -> bool:
    """Exact divisibility."""
    a, b = value.as_integer_ratio(), step.as_integer_ratio()
    return (a[0] * b[1]) % (a[1] * b[0]) == 0
