"""Datetimes: the ISO 8601 texts of dates, times and date-times on one side of a given one.

Each language is right for texts of the usual shape only (YYYY-MM-DD, HH:MM:SS with at most six digits of fraction, joined by
T, then Z or ±HH:MM or nothing); the shape itself, month lengths and so on are left to whoever intersects. As Pydantic
compares: the instants where both sides have an offset, else the texts without it. Neither side is made as the complement of
the other, so that what has gone wrong is EMPTY_SET at once and the search for live states is short.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import groupby

from engine.regular.digits import DIGIT, POINT, one_of
from engine.regular.expression import (
    EMPTY_SET,
    EMPTY_STRING,
    Expression,
    concat,
    finite_set,
    optional,
    repeat,
    text,
    union,
)
from engine.regular.fraction import fraction_from, fraction_to, pointed

_MICROSECONDS = 6
_STEPS = {">=": 0, ">": 1, "<=": 0, "<": -1}
_FRACTION = optional(concat(POINT, repeat(DIGIT, 1, _MICROSECONDS)))
_SECONDS = concat(text(":"), DIGIT, DIGIT, _FRACTION)
_DAY = 24 * 60  # minutes


_LAST = (datetime.max - datetime.min) // timedelta(minutes=1)


def dates_within(operator: str, bound: date) -> Expression:
    """Dates that are `operator` (">=", ">", "<=", "<") the bound."""
    days = bound.toordinal() + _STEPS[operator]
    if not date.min.toordinal() <= days <= date.max.toordinal():
        return EMPTY_SET
    return _side(operator[0] == ">", date.fromordinal(days).isoformat(), EMPTY_STRING, EMPTY_STRING)


def times_within(operator: str, bound: time) -> Expression:
    """Times on one side of the bound. Days are not crossed: 23:00-02:00 is later than any time without an offset."""
    later, offset = operator[0] == ">", bound.utcoffset()
    at = timedelta(hours=bound.hour, minutes=bound.minute, seconds=bound.second, microseconds=bound.microsecond)
    at += timedelta.resolution * _STEPS[operator]
    clock = _clock(later, datetime.min + at) if timedelta(0) <= at < timedelta(days=1) else EMPTY_SET
    if offset is None:
        return concat(clock, optional(_OFFSET))
    return union(clock, _aware(later, at - offset, _DAY - 1, _clock_text))


def date_times_within(operator: str, bound: datetime) -> Expression:
    """Date-times on one side of the bound."""
    later, offset = operator[0] == ">", bound.utcoffset()
    at = bound.replace(tzinfo=None) - datetime.min + timedelta.resolution * _STEPS[operator]
    local = EMPTY_SET
    if timedelta(0) <= at <= datetime.max - datetime.min:
        naive = datetime.min + at
        local = _side(later, naive.date().isoformat(), concat(text("T"), _clock(later, naive)), _ANY_CLOCK)
    if offset is None:
        return concat(local, optional(_OFFSET))
    return union(local, _aware(later, at - offset, _LAST, _moment_text))


def _side(later: bool, bound: str, equal: Expression, beyond: Expression) -> Expression:
    """Texts with digits where `bound` has some and its other characters: equal to it, then `equal`; or greater (smaller if
    not `later`), then `beyond`."""
    found, rest = equal, beyond
    for character in reversed(bound):
        same = text(character)
        if character.isdigit():
            digit = int(character)
            others = one_of(digit + 1, 9) if later else one_of(0, digit - 1)
            found = union(concat(others, rest), concat(same, found))
            rest = concat(DIGIT, rest)
        else:
            found, rest = concat(same, found), concat(same, rest)
    return found


def _clock(later: bool, bound: datetime) -> Expression:
    return _side(later, f"{bound:%H:%M:%S}", _fraction(later, bound.microsecond), _FRACTION)


def _fraction(later: bool, microsecond: int) -> Expression:
    digits = f"{microsecond:06}"
    return pointed(fraction_from(digits, False, _MICROSECONDS) if later else fraction_to(digits, _MICROSECONDS))


# -- offsets


_UNSIGNED = concat(DIGIT, DIGIT, text(":"), DIGIT, DIGIT)
_OFFSET = union(text("Z"), concat(union(text("+"), text("-")), _UNSIGNED))
_ANY_CLOCK = concat(text("T"), DIGIT, DIGIT, text(":"), DIGIT, DIGIT, _SECONDS)


@cache
def _offsets(least: int | None, most: int | None) -> Expression:
    """Offsets of at least or at most so many minutes."""
    ahead, behind = concat(text("+"), _UNSIGNED), concat(text("-"), _UNSIGNED)
    if least is None:
        assert most is not None
        if most < 0:
            return concat(text("-"), _side(True, _clock_minutes(-most), EMPTY_STRING, EMPTY_STRING))
        return union(
            behind, text("Z"), concat(text("+"), _side(False, _clock_minutes(most), EMPTY_STRING, EMPTY_STRING))
        )
    if least > 0:
        return concat(text("+"), _side(True, _clock_minutes(least), EMPTY_STRING, EMPTY_STRING))
    return union(ahead, text("Z"), concat(text("-"), _side(False, _clock_minutes(-least), EMPTY_STRING, EMPTY_STRING)))


def _clock_minutes(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _aware(later: bool, at: timedelta, last: int, written: Callable[[int], tuple[str, ...]]) -> Expression:
    """Local times with an offset whose instant is not before `at` (not after it), in UTC since the first local minute.

    Local minutes run from 0 to `last`; `written` gives the parts of one's text. A local minute that is k after the bound's
    needs an offset below k (above k), or of k if the seconds suffice.
    """
    minute, rest = divmod(at, timedelta(minutes=1))
    enough = concat(text(":"), _side(later, f"{rest.seconds:02}", _fraction(later, rest.microseconds), _FRACTION))
    near = range(max(0, minute + 1 - _DAY), min(last, minute + _DAY - 1) + 1)
    found = list(_nested([(written(local), _ending(later, local - minute, enough)) for local in near], 0))
    far = minute + _DAY if later else minute - _DAY
    if 0 <= far <= last:
        found.append(concat(_side(later, "".join(written(far)), EMPTY_STRING, EMPTY_STRING), _SECONDS, _OFFSET))
    return union(*found)


def _ending(later: bool, ahead: int, enough: Expression) -> Expression:
    """Seconds and offset behind a local minute."""
    any_second = EMPTY_SET
    if later and ahead > 1 - _DAY:
        any_second = concat(_SECONDS, _offsets(None, ahead - 1))
    elif not later and ahead < _DAY - 1:
        any_second = concat(_SECONDS, _offsets(ahead + 1, None))
    return union(any_second, concat(enough, _offset(ahead)))


def _offset(minutes: int) -> Expression:
    if minutes == 0:
        return finite_set(["Z", "+00:00", "-00:00"])
    return text(("-" if minutes < 0 else "+") + _clock_minutes(abs(minutes)))


def _nested(rows: list[tuple[tuple[str, ...], Expression]], depth: int) -> Iterator[Expression]:
    """The rows, common beginnings written once."""
    for head, group in groupby(rows, lambda row: row[0][depth]):
        inside = list(group)
        if depth + 1 == len(inside[0][0]):
            yield concat(text(head), inside[0][1])
        else:
            yield concat(text(head), union(*_nested(inside, depth + 1)))


def _clock_text(minute: int) -> tuple[str, ...]:
    clock = _clock_minutes(minute)
    return clock[:3], clock[3:]


def _moment_text(minute: int) -> tuple[str, ...]:
    day, clock = (datetime.min + timedelta(minutes=minute)).isoformat(timespec="minutes").split("T")
    return f"{day}T", clock[:3], clock[3:]
