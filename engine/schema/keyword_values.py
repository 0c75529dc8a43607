"""Keyword values: what stands behind keywords, validated as it is read."""

from __future__ import annotations

from decimal import Decimal

from engine.errors import SchemaError
from engine.schema.kind import KINDS, kind_of
from engine.schema.location import Location
from engine.schema.schema import Json


def kind_name(value: Json) -> str:
    """The name of the value's JSON type."""
    return next(name for name, kind in KINDS.items() if kind & kind_of(value))


def malformed_value(location: Location, keyword: str, operand: Json, expected: str) -> SchemaError:
    """The error for an operand that is not what its keyword takes."""
    shown = repr(operand)
    return SchemaError(location.path, keyword, f"expected {expected}, found {shown[:60]}")


def number_value(location: Location, keyword: str, operand: Json) -> Decimal:
    """A number of the schema, exactly as it is spelled."""
    if isinstance(operand, bool) or not isinstance(operand, (int, float, Decimal)):
        raise malformed_value(location, keyword, operand, "a number")
    number = Decimal(repr(operand)) if isinstance(operand, float) else Decimal(operand)
    if not number.is_finite():
        raise malformed_value(location, keyword, operand, "a finite number")
    return number


def count_value(location: Location, keyword: str, operand: Json) -> int:
    """A length or a number of items."""
    number = number_value(location, keyword, operand)
    if number < 0 or number.adjusted() > 1000 or number != number // 1:
        raise malformed_value(location, keyword, operand, "a whole number that is not negative")
    return int(number)


def string_list(location: Location, keyword: str, operand: Json) -> tuple[str, ...]:
    """A list of strings, without repetitions."""
    if not isinstance(operand, list) or not all(isinstance(item, str) for item in operand):
        raise malformed_value(location, keyword, operand, "a list of strings")
    return tuple(dict.fromkeys(operand))


def schema_map(location: Location, keyword: str) -> dict[str, Location]:
    """The schemas in a map of schemas."""
    operand = location.value[keyword]
    if not isinstance(operand, dict):
        raise malformed_value(location, keyword, operand, "an object of schemas")
    return {name: location.child(keyword, name) for name in operand}


def schema_list(location: Location, keyword: str) -> tuple[Location, ...]:
    """The schemas in a list of schemas."""
    operand = location.value[keyword]
    if not isinstance(operand, list):
        raise malformed_value(location, keyword, operand, "a list of schemas")
    return tuple(location.child(keyword, str(n)) for n in range(len(operand)))
