"""Compilation: a Pydantic type or a JSON Schema → Grammar, through the stages schema, guards and grammar.

Refuses what it cannot enforce with path and keyword, unless `allow_unenforced` names the exception.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from engine.errors import GrammarTooComplex, UsageError
from engine.grammar.grammar import Grammar
from engine.grammar.lowering import STYLES, Style, lower
from engine.guards.guard import ValueGuard
from engine.schema import Schema, read_json_schema, read_type
from engine.schema.schema import Alternative, Array, SchemaId, Vertex

DEFAULT_STYLE: Style = "spaced"


def read_schema(model: Any, *, allow_unenforced: Collection[str] = ()) -> Schema:
    """The Schema of a type, or of a JSON Schema given as a dict or a bool."""
    if isinstance(model, dict | bool):
        return read_json_schema(model, allow_unenforced=allow_unenforced)
    return read_type(model, allow_unenforced=allow_unenforced)


def compile_schema(model: Any, *, style: Style = DEFAULT_STYLE, allow_unenforced: Collection[str] = ()) -> Grammar:
    """The grammar of a Pydantic type or a JSON Schema (a dict or a bool).

    `style` is "spaced", "compact" or "any" (every spelling of every valid value). Raises `SchemaError`.
    """
    return lower_schema(read_schema(model, allow_unenforced=allow_unenforced), style)


def lower_schema(schema: Schema, style: Style) -> Grammar:
    if style not in STYLES:
        raise UsageError(f"style {style!r} is none of {', '.join(STYLES)}")
    try:
        return lower(schema, style, ValueGuard)
    except RecursionError as error:
        raise GrammarTooComplex("the nesting of this schema", 1000) from error


def array_of(schema: Schema, min_items: int, max_items: int | None) -> Schema:
    """The schema of an array whose items are those of `schema`."""
    root = SchemaId(max(schema.vertices) + 1)
    shape = Array(rest=schema.root, min_items=min_items, max_items=max_items)
    vertices = {root: Vertex((Alternative(shape),)), **schema.vertices}
    return Schema(vertices, root, schema.annotations)
