"""Vertices that no finite value satisfies are removed, and what needs them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.errors import UnsatisfiableSchema
from engine.schema.emptiness import without_empty
from engine.schema.schema import (
    Alternative,
    Array,
    Literals,
    Number,
    Object,
    Property,
    Schema,
    SchemaId,
    Shape,
    Text,
    Vertex,
)

ROOT, OTHER = SchemaId(0), SchemaId(1)


def pruned(root: Shape, *others: Shape) -> Schema:
    vertices = {SchemaId(n): Vertex((Alternative(shape),)) for n, shape in enumerate((root, *others))}
    return without_empty(vertices, ROOT, (), ())


@pytest.mark.parametrize(
    "shape",
    [
        Literals(()),
        Text(min_length=3, max_length=2),
        Number(minimum=Decimal(2), maximum=Decimal(1)),
        Number(integer=True, minimum=Decimal("1.2"), maximum=Decimal("1.8")),
        Number(minimum=Decimal(1), maximum=Decimal(4), multiples_of=(Decimal(5),)),
        Array(rest=None, min_items=1),
        Object((Property("a", ROOT, required=True),)),
    ],
)
def test_a_shape_without_values_is_refused(shape: Shape) -> None:
    with pytest.raises(UnsatisfiableSchema, match="no value"):
        pruned(shape)


def test_an_array_ends_before_an_item_that_has_no_value() -> None:
    found = pruned(Array(prefix=(SchemaId(2), OTHER), rest=SchemaId(2)), Literals(()), Text())
    (alternative,) = found.vertices[ROOT].alternatives
    assert alternative.shape == Array(prefix=(SchemaId(2),), rest=None)
    assert OTHER not in found.vertices


def test_a_property_without_values_is_forbidden_only_where_others_are_allowed() -> None:
    found = pruned(Object((Property("a", OTHER, required=False),)), Literals(()))
    (alternative,) = found.vertices[ROOT].alternatives
    assert alternative.shape == Object()


def test_an_optional_recursion_ends() -> None:
    found = pruned(Object((Property("next", ROOT, required=False),)))
    assert found.vertices[ROOT].alternatives
