"""The pages about what is enforced say what is so."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import engine
from engine import Grammar, compile_schema
from engine.grammar.grammar import Guarded
from engine.schema.assertions import _READERS

PAGE = (Path(engine.__file__).parent / "docs" / "json_schema.md").read_text(encoding="utf-8")


def table(first: str) -> list[list[str]]:
    """The rows of the table whose first heading is `first`."""
    found = re.search(rf"^\| {re.escape(first)} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert found is not None
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in found[1].splitlines()]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


# One schema for each keyword of the table, and what the row says of it first.
EXAMPLES: dict[str, Any] = {
    "type": {"type": ["string", "integer"]},
    "enum": {"enum": [1, "a", {"b": None}]},
    "const": {"const": [1.5]},
    "properties": {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False},
    "required": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
    "additionalProperties": {"type": "object", "additionalProperties": {"type": "integer"}},
    "patternProperties": {"type": "object", "patternProperties": {"^a": {"type": "integer"}}},
    "propertyNames": {"type": "object", "propertyNames": {"maxLength": 3}},
    "minProperties": {"type": "object", "minProperties": 1},
    "maxProperties": {"type": "object", "maxProperties": 3},
    "prefixItems": {"type": "array", "prefixItems": [{"type": "integer"}]},
    "items": {"type": "array", "items": {"type": "integer"}},
    "additionalItems": {"type": "array", "items": [{"type": "integer"}], "additionalItems": False},
    "minItems": {"type": "array", "minItems": 2},
    "maxItems": {"type": "array", "maxItems": 5},
    "minLength": {"type": "string", "minLength": 2},
    "maxLength": {"type": "string", "maxLength": 9},
    "pattern": {"type": "string", "pattern": "^a+$"},
    "minimum": {"type": "number", "minimum": 0.25},
    "maximum": {"type": "integer", "maximum": 7},
    "exclusiveMinimum": {"type": "number", "exclusiveMinimum": 0.5},
    "exclusiveMaximum": {"type": "number", "exclusiveMaximum": 7},
    "multipleOf": {"type": "integer", "multipleOf": 7},
    "format": {"type": "string", "format": "date"},
    "contentEncoding": {"type": "string", "contentEncoding": "base64"},
    "contentMediaType": {"type": "string", "contentMediaType": "application/json"},
    "contentSchema": {"type": "string", "contentSchema": {"type": "integer"}},
    "allOf": {"type": "integer", "allOf": [{"minimum": 1}, {"maximum": 4}]},
    "anyOf": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
    "oneOf": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
    "$ref": {"$defs": {"a": {"type": "integer"}}, "$ref": "#/$defs/a"},
    "$dynamicRef": {"$dynamicAnchor": "a", "type": "array", "items": {"$dynamicRef": "#a"}},
    "$recursiveRef": {"type": "array", "items": {"$recursiveRef": "#"}},
    "dependencies": {"type": "object", "dependencies": {"a": ["b"]}},
    "dependentRequired": {"type": "object", "dependentRequired": {"a": ["b"]}},
    "dependentSchemas": {"type": "object", "dependentSchemas": {"a": {"required": ["b"]}}},
    "unevaluatedItems": {"allOf": [{"prefixItems": [{"type": "integer"}]}], "unevaluatedItems": False},
    "unevaluatedProperties": {"allOf": [{"properties": {"a": True}}], "unevaluatedProperties": False},
    "not": {"type": "string", "not": {"pattern": "a"}},
    "if": {"type": "string", "if": {"pattern": "a"}, "then": {"pattern": "b"}},
    "uniqueItems": {"type": "array", "uniqueItems": True},
    "contains": {"type": "array", "contains": {"const": 1}},
    "minContains": {"type": "array", "contains": {"const": 1}, "minContains": 2},
    "maxContains": {"type": "array", "contains": {"const": 1}, "maxContains": 2},
}


def has_guard(grammar: Grammar) -> bool:
    return any(isinstance(node, Guarded) for rule in grammar.rules.values() for node in nodes(rule))


def nodes(node: Any) -> Iterator[Any]:
    """A node of a grammar and all below it."""
    yield node
    for field in dataclasses.fields(node):
        value = getattr(node, field.name)
        for part in value if isinstance(value, tuple) else (value,):
            if dataclasses.is_dataclass(part) and type(part).__module__ == "engine.grammar.grammar":
                yield from nodes(part)


def test_table_of_keywords_has_every_keyword_that_is_read() -> None:
    named = {keyword for row in table("keyword") for keyword in quoted(row[0])}
    assert named == set(_READERS) | {"then", "else"}
    assert named == set(EXAMPLES) | {"then", "else"}


@pytest.mark.parametrize(
    ("keyword", "enforced"),
    [(keyword, row[1]) for row in table("keyword") for keyword in quoted(row[0]) if keyword not in ("then", "else")],
)
def test_keyword_is_enforced_as_the_table_says(keyword: str, enforced: str) -> None:
    assert ("guard" if has_guard(compile_schema(EXAMPLES[keyword])) else "grammar") == enforced
