"""The normal form is a union of conjunctions that is as valid as the schema, and no larger than its bounds."""

from __future__ import annotations

from typing import Any

import pytest

from engine.schema.dnf import MOST_MINOR, disjoint, to_dnf
from engine.schema.location import SchemaDocument


def conjunctions(schema: Any) -> list[Any]:
    return to_dnf([SchemaDocument(schema).root])


@pytest.mark.parametrize(
    ("schema", "count"),
    [
        ({"type": "integer"}, 1),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, 2),
        ({"anyOf": [{"minimum": 1}, {"maximum": 0}], "allOf": [{"anyOf": [{"multipleOf": 2}, {"multipleOf": 3}]}]}, 4),
        ({"type": "string", "anyOf": [{"type": "string"}, {"type": "integer"}]}, 1),
        ({"type": "string", "allOf": [{"type": "integer"}]}, 0),
        (False, 0),
    ],
)
def test_disjunctions_are_distributed_and_contradictions_left_out(schema: Any, count: int) -> None:
    found = conjunctions(schema)
    assert len(found) == count
    assert not any(one.pending for one in found)


def test_a_branch_of_one_of_says_that_no_other_holds() -> None:
    schema = {"type": "number", "oneOf": [{"minimum": 3}, {"maximum": 5}]}
    first, second = conjunctions(schema)
    assert (first.number.minimum, first.number.exclusive_minimum) == (5, True)
    assert (second.number.maximum, second.number.exclusive_maximum) == (3, True)


def test_what_would_be_too_much_stays_a_residual() -> None:
    dependent = {f"n{n}": {"required": [f"m{n}"]} for n in range(MOST_MINOR)}
    found = conjunctions({"type": "object", "dependentSchemas": dependent})
    assert len(found) <= MOST_MINOR
    assert any(one.residuals for one in found)


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ({"type": "string"}, {"type": "integer"}, True),
        ({"const": 1}, {"const": 2}, True),
        ({"type": "string", "maxLength": 2}, {"type": "string", "minLength": 3}, True),
        ({"type": "string", "pattern": "^a"}, {"type": "string", "pattern": "^b"}, True),
        ({"type": "number", "maximum": 1}, {"type": "number", "exclusiveMinimum": 1}, True),
        ({"type": "number", "maximum": 1}, {"type": "number", "minimum": 1}, False),
        ({"type": "array", "maxItems": 1}, {"type": "array", "minItems": 2}, True),
        (
            {"type": "object", "required": ["k"], "properties": {"k": {"const": "a"}}},
            {"type": "object", "properties": {"k": {"const": "b"}}},
            True,
        ),
        ({"type": "object"}, {"type": "object"}, False),
    ],
)
def test_what_surely_shares_no_value(one: Any, other: Any, apart: bool) -> None:
    ((a,), (b,)) = conjunctions(one), conjunctions(other)
    assert disjoint(a, b) is disjoint(b, a) is apart
