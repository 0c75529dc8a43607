"""Readings: how a value that was read in a document is spelled in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from engine.schema.schema import Json


def spellings(value: Any, *, is_text: bool) -> Iterator[tuple[bytes, Json]]:
    """The JSON of a value that was read, as text and as what the json module gives, the preferred spelling first."""
    for found in _texts(value) if is_text else _numbers(value):
        yield json.dumps(found, ensure_ascii=False).encode(), found


def _numbers(value: Any) -> Iterable[Json]:
    if not isinstance(value, Decimal):
        return ()
    return (int(value),) if value == value.to_integral_value() else (float(value),)


def _texts(value: Any) -> Iterable[str]:
    match value:
        case datetime() | date() | time():
            return (value.isoformat(),)
        case timedelta():
            return (duration(value),)
        case Decimal():
            return (f"{value:f}", f"{value.normalize():f}")
    return (str(value),)


def duration(value: timedelta) -> str:
    """ISO 8601 in days to seconds."""
    sign, value = ("-", -value) if value < timedelta(0) else ("", value)
    hours, rest = divmod(value.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    fraction = f"{seconds}.{value.microseconds:06}".rstrip("0") if value.microseconds else str(seconds)
    parts = [(hours, f"{hours}H"), (minutes, f"{minutes}M"), (seconds or value.microseconds, f"{fraction}S")]
    # A part may be left out at the ends only.
    used = [index for index, (amount, _) in enumerate(parts) if amount]
    clock = "".join(text for _, text in parts[used[0] : used[-1] + 1]) if used else ""
    days = f"{value.days}D" if value.days or not clock else ""
    return f"{sign}P{days}{'T' if clock else ''}{clock}"
