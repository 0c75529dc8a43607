"""Moments: the ISO 8601 texts of dates, times and date-times that are not before a given one.

Each language is right for texts of the usual shape only (YYYY-MM-DD, HH:MM:SS with at most six digits of fraction, joined by
T, then Z or ±HH:MM or nothing); the shape itself, month lengths and so on are left to whoever intersects. What is not after
a moment is the complement. As Pydantic compares: the instants where both sides have an offset, else the texts without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import groupby

from engine.regular.digits import DIGIT, POINT, one_of
from engine.regular.expression import EMPTY, NOTHING, Expression, concat, optional, repeat, text, union, words
from engine.regular.fraction import fraction_from, pointed

_MICROSECONDS = 6
_FRACTION = optional(concat(POINT, repeat(DIGIT, 1, _MICROSECONDS)))
_SECONDS = concat(text(":"), DIGIT, DIGIT, _FRACTION)
_DAY = 24 * 60  # minutes


def dates_from(bound: date) -> Expression:
    """Dates that are not before `bound`."""
    return _at_least(bound.isoformat(), EMPTY, EMPTY)


def times_from(bound: time, *, beyond: bool = False) -> Expression:
    """Times that are not before `bound`, or that are after it. Days are not crossed: 23:00-02:00 is later than any time
    without an offset."""
    offset = bound.utcoffset()
    at = timedelta(
        hours=bound.hour, minutes=bound.minute, seconds=bound.second, microseconds=bound.microsecond + beyond
    )
    clock = _clock_from(datetime.min + at) if at < timedelta(days=1) else NOTHING
    if offset is None:
        return concat(clock, optional(_OFFSET))
    return union(clock, _aware_from(at - offset, _DAY - 1, _clock_text))


def date_times_from(bound: datetime, *, beyond: bool = False) -> Expression:
    """Date-times that are not before `bound`, or that are after it."""
    offset = bound.utcoffset()
    naive = bound.replace(tzinfo=None)
    local = NOTHING
    if not (beyond and naive == datetime.max):
        naive += timedelta.resolution * beyond
        local = _at_least(naive.date().isoformat(), concat(text("T"), _clock_from(naive)), _ANY_CLOCK)
    if offset is None:
        return concat(local, optional(_OFFSET))
    at = bound.replace(tzinfo=None) - datetime.min + timedelta.resolution * beyond - offset
    return union(local, _aware_from(at, (datetime.max - datetime.min) // timedelta(minutes=1), _moment_text))


def _at_least(bound: str, equal: Expression, above: Expression) -> Expression:
    """Texts with digits where `bound` has some and its other characters: equal to it, then `equal`; or greater, then
    `above`."""
    found, rest = equal, above
    for character in reversed(bound):
        if character.isdigit():
            digit = int(character)
            found = union(concat(one_of(digit + 1, 9), rest), concat(text(character), found))
            rest = concat(DIGIT, rest)
        else:
            found, rest = concat(text(character), found), concat(text(character), rest)
    return found


def _clock_from(bound: datetime) -> Expression:
    return _at_least(f"{bound:%H:%M:%S}", _fraction_from(bound.microsecond), _FRACTION)


def _fraction_from(microsecond: int) -> Expression:
    return pointed(fraction_from(f"{microsecond:06}", False, _MICROSECONDS)) if microsecond else _FRACTION


# -- offsets


_UNSIGNED = concat(DIGIT, DIGIT, text(":"), DIGIT, DIGIT)
_OFFSET = union(text("Z"), concat(union(text("+"), text("-")), _UNSIGNED))
_ANY_CLOCK = concat(text("T"), DIGIT, DIGIT, text(":"), DIGIT, DIGIT, _SECONDS)


@cache
def _offsets_to(minutes: int) -> Expression:
    """Offsets of at most so many minutes."""
    bound = _clock_minutes(abs(minutes))
    if minutes < 0:
        return concat(text("-"), _at_least(bound, EMPTY, EMPTY))
    return union(concat(text("-"), _UNSIGNED), text("Z"), concat(text("+"), _at_most(bound)))


def _at_most(bound: str) -> Expression:
    found, rest = EMPTY, EMPTY
    for character in reversed(bound):
        same = text(character)
        if character.isdigit():
            found = union(concat(one_of(0, int(character) - 1), rest), concat(same, found))
            rest = concat(DIGIT, rest)
        else:
            found, rest = concat(same, found), concat(same, rest)
    return found


def _clock_minutes(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _aware_from(at: timedelta, last: int, written: Callable[[int], tuple[str, ...]]) -> Expression:
    """Local times with an offset whose instant is not before `at` (in UTC, since the first local minute).

    Local minutes run from 0 to `last`; `written` gives the parts of one's text. A local minute that is k after the bound's
    needs an offset below k, or of k if the seconds suffice.
    """
    minute, rest = divmod(at, timedelta(minutes=1))
    second = f"{rest.seconds:02}"
    enough = concat(text(":"), _at_least(second, _fraction_from(rest.microseconds), _FRACTION))
    near = range(max(0, minute + 1 - _DAY), min(last, minute + _DAY - 1) + 1)
    found = list(_nested([(written(local), _ending(local - minute, enough)) for local in near], 0))
    if minute + _DAY <= last:
        later = _at_least("".join(written(minute + _DAY)), EMPTY, EMPTY)
        found.append(concat(later, _SECONDS, _OFFSET))
    return union(*found)


def _ending(ahead: int, enough: Expression) -> Expression:
    """Seconds and offset behind a local minute."""
    any_second = concat(_SECONDS, _offsets_to(ahead - 1)) if ahead > 1 - _DAY else NOTHING
    return union(any_second, concat(enough, _offset(ahead)))


def _offset(minutes: int) -> Expression:
    if minutes == 0:
        return words(["Z", "+00:00", "-00:00"])
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
