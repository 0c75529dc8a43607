"""What holds a schema is told from what is one, with the pointer of the schema inside."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import SchemaEnveloped
from engine.schema import read_json_schema
from engine.schema.envelopes import find_envelope

INNER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "weather", "description": "The weather", "parameters": INNER}


@pytest.mark.parametrize(
    ("document", "pointer", "kind"),
    [
        ({"type": "function", "function": FUNCTION}, "/function/parameters", "a tool"),
        (FUNCTION, "/parameters", "a function"),
        ({"type": "function", **FUNCTION}, "/parameters", "a function"),
        ({"name": "w", "inputSchema": INNER}, "/inputSchema", "a tool of MCP"),
        ({"name": "w", "input_schema": INNER}, "/input_schema", "a tool of Anthropic's API"),
        (
            {"type": "json_schema", "json_schema": {"name": "w", "strict": True, "schema": INNER}},
            "/json_schema/schema",
            "",
        ),
        ({"name": "w", "schema": INNER, "strict": True}, "/schema", "a response format"),
        ({"type": "json_schema", "name": "w", "schema": INNER}, "/schema", "a response format"),
        ({"response_format": {"json_schema": {"schema": INNER}}}, "/response_format/json_schema/schema", "a request"),
        ({"model": "m", "messages": [], "format": INNER}, "/format", "a request to Ollama or OpenAI's API"),
        ({"text": {"format": {"type": "json_schema", "schema": INNER}}}, "/text/format/schema", "a request"),
        ({"tools": [{"type": "function", "function": FUNCTION}]}, "/tools/0/function/parameters", "a list of tools"),
        ([{"type": "function", "function": FUNCTION}], "/0/function/parameters", "a list of tools"),
        ({"functionDeclarations": [FUNCTION]}, "/functionDeclarations/0/parameters", "a list of functions"),
        ({"generationConfig": {"responseSchema": INNER}}, "/generationConfig/responseSchema", ""),
        ({"guided_json": INNER}, "/guided_json", "a request to vLLM"),
        (
            {"openapi": "3.1.0", "components": {"schemas": {"A/b": INNER}}},
            "/components/schemas/A~1b",
            "an OpenAPI document",
        ),
    ],
)
def test_an_envelope_is_refused_with_the_place_of_the_schema(document: Any, pointer: str, kind: str) -> None:
    found = find_envelope(document)
    assert found is not None
    assert found.pointers == (pointer,)
    assert kind in found.kind
    assert found.schema(document) == INNER
    if isinstance(document, dict):
        with pytest.raises(SchemaEnveloped, match=pointer):
            read_json_schema(document)


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {},
        INNER,
        {"title": "anything"},
        {"properties": {"function": INNER, "parameters": INNER, "schema": INNER}},
        {"type": "string", "format": "date"},
        {"$ref": "#/parameters", "parameters": INNER},
        {"type": "object", "parameters": INNER},
        {"allOf": [INNER], "schema": INNER},
        {"$defs": {"A": INNER}, "schema": INNER},
        {"function": "f", "tools": [], "schema": "s"},
    ],
)
def test_a_schema_is_no_envelope(schema: Any) -> None:
    assert find_envelope(schema) is None


def test_several_schemas_are_all_named() -> None:
    found = find_envelope({"tools": [FUNCTION, FUNCTION]})
    assert found is not None
    assert found.pointers == ("/tools/0/parameters", "/tools/1/parameters")
