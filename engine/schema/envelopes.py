"""Envelopes: what a JSON Schema travels in to a model's API, and where the schema is inside.

A tool, a function, a response format, a whole request or an OpenAPI document is an object without one keyword that asserts
something, so as a schema it would allow any JSON. In: a JSON document. Out: what it is, and the pointers of the schemas in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.basics.json_pointer import json_pointer, pointer_tokens
from engine.schema.schema import Json

# Where a schema stands in what has the first key and no keyword of a schema; the rest says what that is.
_SCHEMA_IN: tuple[tuple[str, str], ...] = (
    ("inputSchema", "a tool of MCP"),
    ("outputSchema", "a tool of MCP"),
    ("input_schema", "a tool of Anthropic's API"),
    ("parameters", "a function"),
    ("parametersJsonSchema", "a function of Gemini's API"),
    ("schema", "a response format"),
    ("responseSchema", "a request to Gemini's API"),
    ("responseJsonSchema", "a request to Gemini's API"),
    ("response_schema", "a request to Gemini's API"),
    ("guided_json", "a request to vLLM"),
    ("format", "a request to Ollama or OpenAI's API"),
)
# What holds another envelope, or a list of them.
_ENVELOPE_IN: tuple[tuple[str, str], ...] = (
    ("function", "a tool"),
    ("json_schema", "a response format"),
    ("response_format", "a request"),
    ("text", "a request"),
    ("generationConfig", "a request to Gemini's API"),
    ("generation_config", "a request to Gemini's API"),
    ("tools", "a list of tools"),
    ("functions", "a list of functions"),
    ("functionDeclarations", "a list of functions"),
    ("function_declarations", "a list of functions"),
)
_OF_SCHEMAS = frozenset(
    (
        *(
            "$ref",
            "$dynamicRef",
            "properties",
            "patternProperties",
            "additionalProperties",
            "required",
            "items",
            "prefixItems",
        ),
        *("allOf", "anyOf", "oneOf", "not", "if", "enum", "const", "$schema", "$defs", "definitions"),
        *("minimum", "maximum", "minLength", "maxLength", "pattern", "minItems", "maxItems"),
    )
)
_TYPES = frozenset(["object", "array", "string", "number", "integer", "boolean", "null"])
_DEEPEST = 6


@dataclass(frozen=True, slots=True)
class Envelope:
    """`kind` says what the document is; `pointers` lead to the schemas in it, at least one."""

    kind: str
    pointers: tuple[str, ...]

    def schema(self, document: Json) -> Json:
        """The schema at the first pointer."""
        for token in pointer_tokens(self.pointers[0]):
            document = document[int(token)] if isinstance(document, list) else document[token]
        return document


def find_envelope(document: Json) -> Envelope | None:
    """What a JSON document is where it only holds schemas; None for a schema, and for what has none inside."""
    found = list(_found(document, (), 0))
    if not found or not all(path for _, path in found):
        return None
    return Envelope(found[0][0], tuple(json_pointer(path) for _, path in found))


def _found(value: Json, path: tuple[str | int, ...], depth: int) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """What holds a schema, by the outermost that is known, with the schema's path."""
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from (
                ("a list of tools" if not path else kind, at) for kind, at in _found(one, (*path, index), depth + 1)
            )
    elif isinstance(value, dict) and not _is_schema(value):
        for key, kind in _SCHEMA_IN:
            if isinstance(value.get(key), dict) and _is_schema(value[key]):
                yield kind, (*path, key)
        for key, kind in _ENVELOPE_IN:
            for _, at in _found(value.get(key), (*path, key), depth + 1):
                yield kind, at
        if depth == 0 and ("openapi" in value or "swagger" in value):
            yield from _of_openapi(value)
        elif isinstance(value.get("format"), dict):  # of a Responses request's text
            yield from _found(value["format"], (*path, "format"), depth + 1)


def _of_openapi(value: dict[str, Json]) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    for keys in (("components", "schemas"), ("definitions",)):
        schemas: Json = value
        for key in keys:
            schemas = schemas.get(key) if isinstance(schemas, dict) else None
        if isinstance(schemas, dict):
            yield from (("an OpenAPI document", (*keys, name)) for name in schemas)


def _is_schema(value: dict[str, Json]) -> bool:
    """Whether something in it asserts, as keywords of a schema do."""
    kind = value.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    if any(isinstance(one, str) and one in _TYPES for one in kinds):
        return True
    return bool(_OF_SCHEMAS & value.keys()) and not ("openapi" in value or "swagger" in value)
