"""Schema: a Pydantic model or a JSON Schema → a graph of shapes, with references resolved and keywords intersected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.schema.reader import read_json_schema
from engine.schema.schema import Schema

if TYPE_CHECKING:
    from engine.schema.type_reader import read_type

__all__ = ["Schema", "read_json_schema", "read_type"]


def __getattr__(name: str) -> Any:
    if name == "read_type":  # Pydantic takes a while to import, and a bare JSON Schema does not need it
        from engine.schema.type_reader import read_type

        return read_type
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
