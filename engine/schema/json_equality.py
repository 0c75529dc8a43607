"""Equality of JSON values: 1 equals 1.0, true does not equal 1, the order of members does not matter."""

from __future__ import annotations

from collections.abc import Hashable

from engine.schema.schema import Json


def literal_key(value: Json) -> Hashable:
    """A key that is equal for two JSON values exactly when JSON Schema calls them equal."""
    if value is None or isinstance(value, bool):
        return ("constant", str(value))
    if isinstance(value, list):
        return ("array", tuple(literal_key(item) for item in value))
    if isinstance(value, dict):
        return ("object", frozenset((name, literal_key(member)) for name, member in value.items()))
    hashable: Hashable = value  # strings and numbers; Python compares 1, 1.0 and big integers exactly
    return hashable
