"""A day as a text states it, before it is decided how to read it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

DateOrder = Literal["DMY", "MDY", "YMD"]
ORDERS: tuple[DateOrder, ...] = ("DMY", "MDY", "YMD")
_FIRST_SHORT_YEAR = 69  # POSIX: 69 is 1969, 68 is 2068


@dataclass(frozen=True, slots=True)
class StatedDay:
    """`text[start:end]` of the folded text states one of `days`, each with the order that reads it so, if it matters.

    Where no year is stated, `days` is empty and `of_year` holds the candidates for (month, day).
    """

    start: int
    end: int
    days: tuple[tuple[DateOrder | None, date], ...]
    of_year: tuple[tuple[DateOrder | None, tuple[int, int]], ...] = ()


def day_of(year: int, month: int, day: int) -> date | None:
    """The day, or None where the calendar has none."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def full_year(digits: str) -> int:
    """The year that two or four digits name."""
    digits = digits.lstrip("'")
    if len(digits) != 2:
        return int(digits)
    return int(digits) + (1900 if int(digits) >= _FIRST_SHORT_YEAR else 2000)


def stated(start: int, end: int, days: Iterable[tuple[DateOrder | None, date | None]]) -> Iterable[StatedDay]:
    """One stated day, or none where no candidate is in the calendar. One day read in two orders depends on none."""
    real = [(order, day) for order, day in days if day is not None]
    if len({day for _, day in real}) == 1:
        real = [(real[0][0] if len(real) == 1 else None, real[0][1])]
    return [StatedDay(start, end, tuple(real))] if real else []


def stated_without_year(
    start: int, end: int, days: Iterable[tuple[DateOrder | None, tuple[int, int]]]
) -> Iterable[StatedDay]:
    """One (month, day) without its year, or none where no year has it."""
    real = tuple((order, (month, day)) for order, (month, day) in days if day_of(2000, month, day))
    return [StatedDay(start, end, (), real)] if real else []
