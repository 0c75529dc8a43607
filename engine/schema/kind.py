"""Kinds of JSON values as a bit set; numbers have two, whole ones and others."""

from __future__ import annotations

from decimal import Decimal

from engine.schema.schema import Json

NULL, BOOLEAN, INTEGER, NON_INTEGER, STRING, ARRAY, OBJECT = (1 << n for n in range(7))
NUMBER = INTEGER | NON_INTEGER
ANY_KIND = (1 << 7) - 1

KINDS = {
    "null": NULL,
    "boolean": BOOLEAN,
    "integer": INTEGER,
    "fraction": NON_INTEGER,  # not of JSON Schema: what is left of "number" without "integer"
    "number": NUMBER,
    "string": STRING,
    "array": ARRAY,
    "object": OBJECT,
}


def kind_of(value: Json) -> int:
    """The one kind that a JSON value has."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, str):
        return STRING
    if isinstance(value, int):
        return INTEGER
    if isinstance(value, (float, Decimal)):
        return INTEGER if value == value // 1 else NON_INTEGER
    return ARRAY if isinstance(value, list) else OBJECT


def names_of(kinds: int) -> list[str]:
    """The fewest type names that say this set."""
    names = [name for name, kind in KINDS.items() if kind & kinds == kind]
    if "number" in names:
        return [name for name in names if name not in ("integer", "fraction")]
    return names
