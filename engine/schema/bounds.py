"""Bounds: `ge`, `gt`, `le` and `lt` of a core schema as languages of its canonical spelling.

In: a core schema of a date, a time, a date-time, a timedelta, a Decimal or an int. Out: named languages, and
the names of the bounds that are of another type than the values, which only the type itself can compare.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from engine.formats.named_languages import OPERATORS, NamedLanguage

_MOST_DIGITS = 400


def ordered(kind: str, schema: Mapping[str, Any]) -> tuple[list[NamedLanguage], list[str]]:
    """The bounds of the schema as languages of texts of that kind, and the names of those that are left over."""
    patterns, left = [], []
    for name, operator in OPERATORS.items():
        if name in schema:
            text = _text(kind, schema[name])
            if text is None:
                left.append(name)
            else:
                patterns.append(NamedLanguage(kind, (text,), operator))
    return patterns, left


def integer_key(schema: Mapping[str, Any]) -> NamedLanguage | None:
    """The whole numbers that the schema allows, as keys; None where a bound is not a whole number."""
    numbers = [schema[name] for name in (*OPERATORS, "multiple_of") if name in schema]
    if any(type(number) is not int for number in numbers):
        return None
    low = max([*_of("ge", schema, 0), *_of("gt", schema, 1)], default=None)
    high = min([*_of("le", schema, 0), *_of("lt", schema, -1)], default=None)
    step = schema.get("multiple_of", 1)
    return NamedLanguage("integer", (low, high, step)) if step > 0 else None


def _of(name: str, schema: Mapping[str, Any], more: int) -> list[int]:
    return [schema[name] + more] if name in schema else []


def _text(kind: str, bound: Any) -> str | None:
    match kind, bound:
        case "date", date() if type(bound) is date:
            return bound.isoformat()
        case ("date-time", datetime()) | ("time", time()):
            offset = bound.utcoffset()
            return bound.isoformat() if offset is None or not offset.microseconds else None
        case "duration", timedelta():
            return f"{Decimal(bound // timedelta.resolution).scaleb(-6).normalize():f}"
        case "decimal", Decimal() | int() if not isinstance(bound, bool):
            exact = Decimal(bound)
            short = (
                exact.is_finite()
                and abs(exact.adjusted()) <= _MOST_DIGITS
                and len(exact.as_tuple().digits) <= _MOST_DIGITS
            )
            return f"{exact:f}" if short else None
        case "decimal", float() if math.isfinite(bound):
            return f"{Decimal(repr(bound)):f}"  # Pydantic reads it from its shortest text
    return None
