"""Metadata: what a core schema carries beside what it checks, of which a JSON Schema is rewritten.

In: a node of a core schema. Out: what it says for people, and whether the user, by hand, changes what its JSON Schema asserts:
that is then held under a guard, because it need not be what the node accepts.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import WithJsonSchema

from engine.schema.pydantic_names import ENUM_JSON_SCHEMA, is_named, is_of_pydantic
from engine.schema.schema import Json

_HARMLESS = frozenset({"title", "description", "examples", "deprecated", "default", "readOnly", "writeOnly"})


def described(schema: Any) -> Json:
    """What metadata says of a node for people."""
    said = (schema.get("metadata") or {}).get("pydantic_js_updates", {})
    return {key: said[key] for key in ("title", "description") if key in said}


def by_hand(schema: Any) -> bool:
    """Whether the user, and not Pydantic, changes the JSON Schema of the node."""
    metadata = schema.get("metadata") or {}
    functions = [*metadata.get("pydantic_js_functions", ()), *metadata.get("pydantic_js_annotation_functions", ())]
    extra = metadata.get("pydantic_js_extra")
    return (
        extra is not None
        or any(isinstance(getattr(one, "__self__", None), WithJsonSchema) for one in functions)
        or not all(map(is_of_pydantic, functions))
    )


def rewritten(schema: Any) -> bool:
    """Whether metadata changes the JSON Schema by hand in a way that asserts something."""
    metadata = schema.get("metadata") or {}
    if not metadata:
        return False
    functions = [*metadata.get("pydantic_js_functions", ()), *metadata.get("pydantic_js_annotation_functions", ())]
    extra = metadata.get("pydantic_js_extra")
    return (
        not all(map(_only_titles, functions))
        or not metadata.get("pydantic_js_updates", {}).keys() <= _HARMLESS
        or callable(extra)
        or (isinstance(extra, dict) and not {key for key in extra if not key.startswith("x-")} <= _HARMLESS)
    )


def _only_titles(function: Any) -> bool:
    """Whether a function of metadata is one of Pydantic's that says nothing but a title and a description."""
    inherited = BaseModel.__get_pydantic_json_schema__.__func__  # type: ignore[attr-defined]
    return getattr(function, "__func__", None) is inherited or is_named(function, ENUM_JSON_SCHEMA)
