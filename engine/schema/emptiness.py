"""Emptiness: vertices that no finite value satisfies are removed, and the alternatives that need them.

A least fixpoint: a vertex has a value when one of its alternatives has, and that has when what it requires has. So a
schema that demands itself without end is empty. Patterns, formats and checks are taken as satisfiable: they are not
looked into here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from engine.errors import UnsatisfiableSchema
from engine.schema.schema import (
    Alternative,
    Array,
    Literals,
    Number,
    Object,
    Schema,
    SchemaId,
    Shape,
    Text,
    Vertex,
)


def without_empty(
    vertices: Mapping[SchemaId, Vertex],
    root: SchemaId,
    annotations: tuple[tuple[str, str], ...],
    unenforced: Iterable[tuple[str, str]],
) -> Schema:
    """The graph with only vertices that have values and are reached from the root."""
    full = _with_values(vertices)
    if root not in full:
        raise UnsatisfiableSchema("", "", "no value is valid under this schema")
    kept: dict[SchemaId, Vertex] = {}
    todo = [root]
    while todo:
        known = todo.pop()
        if known in kept:
            continue
        vertex = vertices[known]
        pruned = tuple(
            replace(one, shape=_pruned(one.shape, full)) if isinstance(one.shape, (Array, Object)) else one
            for one in vertex.alternatives
            if _has_value(one.shape, full)
        )
        kept[known] = replace(vertex, alternatives=pruned)
        for one in pruned:
            todo += _children(one.shape)
    return Schema(kept, root, annotations, tuple(dict.fromkeys(unenforced)))


def _with_values(vertices: Mapping[SchemaId, Vertex]) -> set[SchemaId]:
    """The vertices that have a value, by propagation from those that need no other."""
    users: dict[SchemaId, set[SchemaId]] = {}
    for known, vertex in vertices.items():
        for one in vertex.alternatives:
            for child in _needed(one.shape):
                users.setdefault(child, set()).add(known)
    full: set[SchemaId] = set()
    todo = list(vertices)
    waiting = set(todo)
    while todo:
        known = todo.pop()
        waiting.discard(known)
        if known not in full and _any(vertices[known].alternatives, full):
            full.add(known)
            new = users.get(known, set()) - full - waiting
            todo += new
            waiting |= new
    return full


def _any(alternatives: tuple[Alternative, ...], full: set[SchemaId]) -> bool:
    return any(_has_value(one.shape, full) for one in alternatives)


def _children(shape: Shape) -> list[SchemaId]:
    if isinstance(shape, Array):
        return [*shape.prefix, *((shape.rest,) if shape.rest is not None else ())]
    if isinstance(shape, Object):
        return [one.schema for one in shape.properties] + [keys.schema for keys in shape.others]
    return [shape.content] if isinstance(shape, Text) and shape.content is not None else []


def _needed(shape: Shape) -> list[SchemaId]:
    """The children that may decide whether it has a value."""
    if isinstance(shape, Array):
        return _children(shape) if shape.min_items else []
    if isinstance(shape, Object):
        required = [one.schema for one in shape.properties if one.required]
        return _children(shape) if shape.min_properties > len(required) else required
    return _children(shape)


def _has_value(shape: Shape, full: set[SchemaId]) -> bool:
    if isinstance(shape, Literals):
        return bool(shape.values)
    if isinstance(shape, Text):
        return (shape.content is None or shape.content in full) and (
            shape.max_length is None or shape.min_length <= shape.max_length
        )
    if isinstance(shape, Number):
        return _some_number(shape)
    if isinstance(shape, Array):
        return shape.min_items <= _most_items(shape, full)
    return _some_object(shape, full)


def _some_number(shape: Number) -> bool:
    low, high = shape.minimum, shape.maximum
    if low is None or high is None:
        return True
    if low > high or (low == high and (shape.exclusive_minimum or shape.exclusive_maximum)):
        return False
    steps = [one for one in shape.multiples_of if one == one.to_integral_value()]
    step = max(steps, default=Decimal(1) if shape.integer else None)
    if step is None or max(abs(low.adjusted()), abs(high.adjusted())) > 20:
        return True
    first = (low / step).to_integral_value(ROUND_CEILING)
    last = (high / step).to_integral_value(ROUND_FLOOR)
    first += first * step == low and shape.exclusive_minimum
    last -= last * step == high and shape.exclusive_maximum
    return first <= last


def _most_items(shape: Array, full: set[SchemaId]) -> float:
    limit = float("inf") if shape.max_items is None else shape.max_items
    for position, schema in enumerate(shape.prefix):
        if schema not in full:
            return min(limit, position)
    return limit if shape.rest in full else min(limit, len(shape.prefix))


def _some_object(shape: Object, full: set[SchemaId]) -> bool:
    if any(one.required and one.schema not in full for one in shape.properties):
        return False
    required = sum(one.required for one in shape.properties)
    most = float("inf") if shape.max_properties is None else shape.max_properties
    possible = sum(one.schema in full for one in shape.properties)
    if any(keys.schema in full for keys in shape.others):
        return max(required, shape.min_properties) <= most
    return max(required, shape.min_properties) <= min(most, possible)


def _pruned(shape: Array | Object, full: set[SchemaId]) -> Array | Object:
    if isinstance(shape, Array):
        most = _most_items(shape, full)
        length = len(shape.prefix) if most == float("inf") else min(len(shape.prefix), int(most))
        open_end = shape.rest in full and most > len(shape.prefix)
        return Array(
            prefix=shape.prefix[:length],
            rest=shape.rest if open_end else None,
            min_items=shape.min_items,
            max_items=int(most) if open_end and most != float("inf") else None,
        )
    others = tuple(keys for keys in shape.others if keys.schema in full)
    possible = sum(one.schema in full for one in shape.properties)
    most_members = shape.max_properties
    if most_members is not None and not others and possible <= most_members:
        most_members = None
    required = sum(one.required for one in shape.properties)
    return Object(
        properties=tuple(one for one in shape.properties if one.schema in full),
        others=others if most_members is None or most_members > required else (),
        min_properties=shape.min_properties if shape.min_properties > required else 0,
        max_properties=most_members,
        forbidden=Object(tuple(one for one in shape.properties if one.schema not in full)).names if others else (),
    )
