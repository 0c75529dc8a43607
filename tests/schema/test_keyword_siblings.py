"""Keywords beside each other: every one of them counts, whatever applies it. jsonschema is the oracle."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from schema_acceptance import accepts

from engine.errors import UnsatisfiableSchema
from engine.schema import read_json_schema

INTEGERS = {"items": {"type": "integer"}}
UNIQUE = {"uniqueItems": True}
REQUIRED_A, REQUIRED_B = {"required": ["a"]}, {"required": ["b"]}
STRING_A = {"properties": {"a": {"type": "string"}}}
TREE = {
    "type": "object",
    "properties": {"v": {"type": "integer"}, "l": {"$ref": "#/$defs/t"}},
    "additionalProperties": False,
}

SCHEMAS: list[Any] = [
    {"anyOf": [UNIQUE, INTEGERS]},
    {"type": "array", "anyOf": [UNIQUE, INTEGERS], "maxItems": 2},
    {"allOf": [UNIQUE, INTEGERS]},
    {"oneOf": [UNIQUE, INTEGERS]},
    {"not": {"anyOf": [UNIQUE, INTEGERS]}},
    {"anyOf": [UNIQUE, {"contains": {"type": "null"}}], "items": {"type": ["integer", "null"]}},
    {"contains": {"const": 1}, "minContains": 2, "maxContains": 2},
    {"contains": {"type": "string"}, "items": {"minLength": 1}},
    {"prefixItems": [{"type": "integer"}], "items": {"type": "string"}, "uniqueItems": True},
    {"prefixItems": [{"type": "integer"}], "items": False},
    {"prefixItems": [True, False]},
    {"allOf": [{"prefixItems": [{"type": "integer"}]}, {"items": {"minimum": 1}}]},
    {"allOf": [STRING_A, REQUIRED_A]},
    {"properties": {"a": {"type": "integer"}}, "anyOf": [REQUIRED_A, REQUIRED_B]},
    {"type": "object", "oneOf": [REQUIRED_A, REQUIRED_B]},
    {"type": "object", "oneOf": [STRING_A, REQUIRED_B]},
    {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "additionalProperties": False,
        "anyOf": [REQUIRED_A, REQUIRED_B],
    },
    {
        "properties": {"a": True},
        "patternProperties": {"^a": {"type": "string"}},
        "additionalProperties": {"type": "null"},
    },
    {"patternProperties": {"^a": {"type": "string"}, "b$": {"minLength": 2}}},
    {"patternProperties": {"a": {"type": "string"}}, "additionalProperties": False, "required": ["b"]},
    {"propertyNames": {"enum": ["a", "b"]}, "additionalProperties": {"type": "integer"}},
    {"propertyNames": {"pattern": "^a", "maxLength": 2}, "minProperties": 1},
    {"propertyNames": {"not": {"const": "a"}}, "maxProperties": 1},
    {"dependentRequired": {"a": ["b"]}, "type": "object"},
    {"dependentRequired": {"a": ["b"], "b": ["c"]}, "maxProperties": 2},
    {
        "dependentSchemas": {"a": {"properties": {"b": {"type": "integer"}}}},
        "properties": {"b": {"type": ["integer", "string"]}},
    },
    {
        "if": {"properties": {"a": {"const": 1}}, "required": ["a"]},
        "then": REQUIRED_B,
        "else": {"properties": {"b": False}},
    },
    {"if": {"type": "string"}, "then": {"minLength": 2}, "else": {"type": ["integer", "null"]}},
    {"if": UNIQUE, "then": {"maxItems": 1}, "else": {"minItems": 3}},
    {"not": {"type": ["string", "object"]}},
    {"not": {"required": ["a"]}, "type": "object"},
    {"not": {"required": ["a", "b"]}},
    {"not": {"properties": {"a": {"type": "string"}}}},
    {"type": "integer", "not": {"multipleOf": 2}},
    {"type": "string", "not": {"pattern": "^a"}, "maxLength": 2},
    {"enum": [1, "a", None, [1], {"a": 1}], "not": {"type": "string"}},
    {"enum": [1, 2, 3, 4, 5], "minimum": 2, "multipleOf": 2},
    {"enum": [[1, 1], [1, 2]], "uniqueItems": True},
    {"enum": [{"a": 1}, {"b": 1}, {"a": 1, "b": 2}, 3], "required": ["b"]},
    {"anyOf": [{"enum": [1, "a"]}, {"type": "string", "maxLength": 1}], "not": {"const": "b"}},
    {"$ref": "#/$defs/n", "minimum": 2, "$defs": {"n": {"type": "integer", "maximum": 5}}},
    {"$ref": "#/$defs/t", "required": ["l"], "$defs": {"t": TREE}},
    {"type": ["integer", "string"], "minimum": 3, "minLength": 2},
    {"oneOf": [{"type": "integer"}, {"type": "number", "minimum": 2}]},
    {"oneOf": [{"multipleOf": 2}, {"multipleOf": 3}], "type": "integer"},
    {"oneOf": [{"const": 1}, {"enum": [1, 2]}, {"type": "string"}]},
    {"allOf": [{"anyOf": [{"minimum": 2}, {"type": "string"}]}, {"anyOf": [{"maximum": 5}, {"minLength": 2}]}]},
    {"properties": {"a": {"type": "string"}}, "unevaluatedProperties": False},
    {"allOf": [STRING_A], "properties": {"b": True}, "unevaluatedProperties": {"type": "integer"}},
    {"anyOf": [STRING_A, {"properties": {"b": True}}], "unevaluatedProperties": False},
    {"prefixItems": [True], "allOf": [{"prefixItems": [True, {"type": "string"}]}], "unevaluatedItems": False},
    {"anyOf": [True, {"items": {"type": "string"}}], "unevaluatedItems": {"type": "null"}},
    {"allOf": [{"not": UNIQUE}, {"anyOf": [{"minItems": 3}, {"items": {"const": 1}}]}]},
]
VALUES: list[Any] = [
    None, True, False, 0, 1, 2, 3, 4, 6, 1.5, -1, "", "a", "b", "ab", "bb", "abc",
    [], [1], [1, 1], [1, 2], [1, 1, 1], [1, 2, 3], ["a"], ["a", "a"], ["a", "b"], [1, "a"], [1, "a", "a"], [None, 1],
    [None, None], [True, 1], [1, 1.0], ["", "a"], [1, None, "a"], [[1], [1]],
    {}, {"a": 1}, {"a": "x"}, {"a": 2}, {"b": 1}, {"b": "xx"}, {"a": 1, "b": 2}, {"a": "x", "b": "yy"}, {"a": 1, "b": "s"},
    {"c": None}, {"ab": "x"}, {"ab": "xy"}, {"a": 1, "c": 2}, {"b": 1, "c": 2}, {"a": 1, "b": 1, "c": 1}, {"v": 1},
    {"v": 1, "l": {"v": 2}}, {"v": 1, "l": {"w": 2}}, {"l": {}}, {"a": None},
]  # fmt: skip


@pytest.mark.parametrize("schema", SCHEMAS, ids=[str(schema)[:100] for schema in SCHEMAS])
def test_siblings_all_count(schema: Any) -> None:
    oracle, read = Draft202012Validator(schema), read_json_schema(schema)
    expected = [value for value in VALUES if oracle.is_valid(value)]
    assert expected
    assert len(expected) < len(VALUES)
    assert [value for value in VALUES if accepts(read, value)] == expected


def test_branches_keep_their_own_checks() -> None:
    read = read_json_schema({"anyOf": [UNIQUE, INTEGERS]})
    assert accepts(read, [1, 1])
    assert accepts(read, ["a", "b"])
    assert not accepts(read, ["a", "a"])


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"type": "integer", "minimum": 5, "maximum": 3},
        {"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 2},
        {"type": "string", "minLength": 3, "maxLength": 2},
        {"type": "string", "enum": [1, 2]},
        {"allOf": [{"type": "string"}, {"type": "null"}]},
        {"type": "object", "required": ["a"], "properties": {"a": False}},
        {"type": "object", "required": ["a"], "additionalProperties": False},
        {"type": "array", "minItems": 2, "prefixItems": [True, False]},
        {"type": "object", "required": ["next"], "properties": {"next": {"$ref": "#"}}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
        {"type": "object", "minProperties": 2, "properties": {"a": True}, "additionalProperties": False},
        {"enum": ["aa", "b"], "pattern": "c"},
        {"not": {}},
    ],
    ids=str,
)
def test_schemas_without_values_are_found(schema: Any) -> None:
    with pytest.raises(UnsatisfiableSchema):
        read_json_schema(schema)
