"""Schema: a Pydantic model or a JSON Schema → a graph of shapes, with references resolved and keywords intersected."""

from engine.schema.reader import read_json_schema
from engine.schema.schema import Schema

__all__ = ["Schema", "read_json_schema"]
