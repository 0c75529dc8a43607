"""Durations: the ISO 8601 texts of timedeltas, in days, hours, minutes and seconds, that are not shorter than a given one.

`P1DT2H3M4.5S`, with `-` in front of negative ones; parts that are zero may be left out, days are written without leading
zeros, the others in one or two digits. As in `engine.regular.datetimes`, the shape is left to whoever intersects.
"""

from __future__ import annotations

from datetime import timedelta

from engine.regular.charset import ANY
from engine.regular.digits import DIGIT, POINT
from engine.regular.expression import (
    EMPTY_SET,
    Expression,
    char_class,
    complement,
    concat,
    finite_set,
    nonempty,
    optional,
    repeat,
    text,
    union,
)
from engine.regular.fraction import fraction_from, pointed
from engine.regular.integers import integers

_DAYS = 999_999_999  # of timedelta
_FRACTION = optional(concat(POINT, repeat(DIGIT, 1, 6)))


def durations_from(bound: timedelta, *, beyond: bool = False) -> Expression:
    """Durations that are at least `bound`, or beyond it. Minus zero is less than zero, as Pydantic has it."""
    if beyond:
        return EMPTY_SET if bound == timedelta.max else _from(bound + timedelta.resolution)
    return complement(concat(text("-"), repeat(char_class(ANY), 0, None))) if bound == timedelta(0) else _from(bound)


def _from(bound: timedelta) -> Expression:
    if bound > timedelta(0):
        return concat(text("P"), _magnitude_from(bound))
    if bound == timedelta.min:
        return complement(concat(text("-P"), _days(_DAYS, _DAYS), text("T"), _ANYTHING))
    return complement(concat(text("-P"), _magnitude_from(-bound + timedelta.resolution)))


def _numbers(low: int, high: int, unit: str) -> Expression:
    """Whole numbers of one or two digits."""
    values = range(low, high + 1)
    return concat(finite_set([*(f"{value}" for value in values), *(f"{value:02}" for value in values)]), text(unit))


def _days(low: int, high: int) -> Expression:
    return concat(integers(low, high), text("D"))


_ANYTHING = repeat(union(DIGIT, *map(text, "HMS.")), 0, None)
_HOURS = optional(_numbers(0, 23, "H"))
_MINUTES = optional(_numbers(0, 59, "M"))
_SECONDS = optional(concat(_numbers(0, 59, ""), _FRACTION, text("S")))


def _timed(time: Expression) -> Expression:
    """With its T, which stands only before something."""
    beside = concat(text("T"), nonempty(time))
    return optional(beside) if time.nullable else beside


def _magnitude_from(bound: timedelta) -> Expression:
    """Days and time, at least one of them, of a bound above zero."""
    minutes, seconds = divmod(bound.seconds, 60)
    time = _time_from(*divmod(minutes, 60), seconds, bound.microseconds)
    found = [concat(_days(bound.days, bound.days), _timed(time))]
    if bound.days < _DAYS:
        found.append(concat(_days(bound.days + 1, _DAYS), _timed(concat(_HOURS, _MINUTES, _SECONDS))))
    if bound.days == 0:
        found.append(concat(text("T"), nonempty(time)))
    return union(*found)


def _time_from(hours: int, minutes: int, seconds: int, microseconds: int) -> Expression:
    longer_seconds = _numbers(seconds + 1, 59, "")
    fraction = pointed(fraction_from(f"{microseconds:06}", False, 6)) if microseconds else _FRACTION
    same = concat(_numbers(seconds, seconds, ""), fraction)
    found = concat(union(concat(longer_seconds, _FRACTION), same), text("S"))
    if seconds == microseconds == 0:
        found = optional(found)
    found = _part(minutes, 59, "M", found, _SECONDS)
    return _part(hours, 23, "H", found, concat(_MINUTES, _SECONDS))


def _part(value: int, most: int, unit: str, equal: Expression, above: Expression) -> Expression:
    """More of the unit, then `above`; or as much, then `equal`."""
    same = _numbers(value, value, unit)
    return union(concat(_numbers(value + 1, most, unit), above), concat(same if value else optional(same), equal))
