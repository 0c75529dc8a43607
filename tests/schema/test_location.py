"""Locations: the schemas of a document, the paths to them, and what references lead to."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import SchemaError, UnsupportedSchema
from engine.schema.disjunction import reference
from engine.schema.location import SchemaDocument, subschemas


def test_a_path_is_a_json_pointer() -> None:
    document = SchemaDocument({"properties": {"a/b~c": {"items": True}}})
    assert document.root.child("properties", "a/b~c", "items").path == "/properties/a~1b~0c/items"


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("#/$defs/a~1b", 1),
        ("#anchor", 2),
        ("#/$defs/%C3%A9", 3),
        ("nested", 4),
        ("nested#/$defs/x", 5),
    ],
)
def test_a_reference_leads_to_its_schema(pointer: str, value: int) -> None:
    schema = {
        "$id": "http://example.org/root",
        "$ref": pointer,
        "$defs": {
            "a/b": {"const": 1},
            "b": {"$anchor": "anchor", "const": 2},
            "é": {"const": 3},
            "c": {"$id": "nested", "const": 4, "$defs": {"x": {"const": 5}}},
        },
    }
    assert reference(SchemaDocument(schema).root, "$ref").value["const"] == value


@pytest.mark.parametrize(
    ("pointer", "kind"), [("#/$defs/absent", SchemaError), ("http://example.org/other", UnsupportedSchema)]
)
def test_a_reference_that_leads_nowhere_names_its_place(pointer: str, kind: type[SchemaError]) -> None:
    root = SchemaDocument({"properties": {"a": {"$ref": pointer}}}).root
    with pytest.raises(kind) as caught:
        reference(root.child("properties", "a"), "$ref")
    assert caught.value.path == "/properties/a"


def test_subschemas_are_those_of_keywords_and_not_of_values() -> None:
    schema: dict[str, Any] = {"properties": {"a": True}, "anyOf": [{"x": 1}], "not": False, "const": {"not": True}}
    assert sorted(tokens for _, tokens in subschemas(schema, ())) == [("anyOf", "0"), ("not",), ("properties", "a")]
