"""Hashable types: whether the items of a set can be hashed, which Pydantic needs when it makes the set.

In: the core schema of the items. Out: True where every value can be, False where none can, None where it depends on the
value: then the node that `hashable_values` makes judges each item.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_ALWAYS = frozenset(
    {"none", "bool", "int", "float", "decimal", "complex", "str", "bytes", "uuid", "url", "multi-host-url", "literal"}
    | {"date", "time", "datetime", "timedelta"}
)
_NEVER = frozenset({"list", "set", "dict", "typed-dict"})


def is_hashable(schema: Mapping[str, Any]) -> bool | None:
    """Whether the values of a core schema can be hashed."""
    kind = schema["type"]
    if kind in _ALWAYS:
        return True
    if kind in _NEVER:
        return False
    if kind in ("model", "dataclass"):
        return None if schema["cls"].__hash__ else False  # one that is frozen is hashed with its fields
    if kind == "enum":
        return True if schema["cls"].__hash__ and all(map(_has_hash, schema["members"])) else None
    if kind == "nullable":
        return is_hashable(schema["schema"]) or None
    if kind == "tuple":
        return _common(map(is_hashable, schema["items_schema"])) or None
    if kind == "union":
        return _common(is_hashable(one[0] if isinstance(one, tuple) else one) for one in schema["choices"])
    return None


def without_unhashable(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema without the members of unions none of whose values can be hashed: to begin one would lead nowhere."""
    if schema["type"] == "nullable":
        unhashable = is_hashable(schema["schema"]) is False
        return core_schema.none_schema() if unhashable else {**schema, "schema": without_unhashable(schema["schema"])}
    if schema["type"] != "union":
        return schema
    kept = [one for one in schema["choices"] if is_hashable(one[0] if isinstance(one, tuple) else one) is not False]
    return {**schema, "choices": kept} if kept else schema


def hashable_values(schema: CoreSchema) -> CoreSchema:
    """The node of those values of `schema` that can be hashed."""
    return core_schema.no_info_after_validator_function(_check, schema)


def _common(found: Iterable[bool | None]) -> bool | None:
    distinct = set(found)
    return distinct.pop() if len(distinct) == 1 else None


def _check(value: Any) -> Any:
    if not _has_hash(value):
        raise PydanticCustomError("unhashable", "an item of a set must be hashable")
    return value


def _has_hash(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True
