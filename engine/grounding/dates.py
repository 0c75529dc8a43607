"""Days that a text states, in digits and in words: `25/12/2018`, `25DEC18`, `the 23rd day of September, 1997`.

Comes in: a text, and as options the order of day and month, the languages, and today. Goes out: readings whose value
is a `date`. A day that can be read in two orders is read in the one that the document's other dates, or the
weekday before it, show; where nothing shows it all readings are given. A day without a year takes the year of the
document's other dates where they agree on one, else the one nearest to today, where that is given; else it has no
reading. A year of two digits is 1969 to 2068 (POSIX). Words such as `tomorrow` need a `today`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

from engine.grounding import month_names
from engine.grounding.folding import Folded, fold_text
from engine.grounding.numeric_dates import numeric_days
from engine.grounding.patterns import WORD_END, WORD_START, any_name
from engine.grounding.recogniser import Reading
from engine.grounding.stated_days import ORDERS, DateOrder, StatedDay, day_of
from engine.grounding.words import SMALL, TENS
from engine.grounding.written_dates import WrittenDays

_WEEKDAY_GAP = r"[ ,.\-\n(]{0,3}(?:(?:the|den|le|el|il)[ \n])?"
_WEEKDAY_WINDOW = 24
_AMOUNTS = {word: value for word, value in (SMALL | TENS | {"a": 1, "an": 1}).items() if value}
_AWAY = re.compile(
    rf"{WORD_START}(?P<in>in[ ])?(?:(?P<number>\d{{1,5}})|(?P<word>{any_name(_AMOUNTS)}))[ ](?P<unit>day|week)s?"
    rf"(?:[ ](?P<side>from[ ](?:now|today)|ago))?{WORD_END}"
)


class Dates:
    """Recognises days. `order` settles the ambiguous ones; `languages` limits the names (all seven by default).

    >>> [reading.value for reading in Dates().readings("paid on 25/12/2018")]
    [datetime.date(2018, 12, 25)]
    """

    def __init__(
        self, *, order: DateOrder | None = None, languages: Sequence[str] | None = None, today: date | None = None
    ) -> None:
        if order is not None and order not in ORDERS:
            raise ValueError(f"the order of a date is one of {', '.join(ORDERS)} or None, not {order!r}")
        self._order, self._today = order, today
        chosen = month_names.checked_languages(languages)
        self._written = WrittenDays(month_names.month_numbers(chosen))
        self._weekdays = month_names.weekday_numbers(chosen)
        self._relative = month_names.relative_days(chosen)
        self._before = re.compile(rf"{WORD_START}({any_name(self._weekdays)})\.?{_WEEKDAY_GAP}$")
        self._word = re.compile(rf"{WORD_START}(?:{any_name(self._relative)}){WORD_END}")
        names = any_name(name for name in self._weekdays if len(name) > 3)
        self._coming = re.compile(rf"{WORD_START}(?:(?P<which>next|this|coming|last)[ \n])?(?P<name>{names}){WORD_END}")

    def readings(self, text: str) -> list[Reading]:
        """The days that the text states, in its order. Linear in its length."""
        folded = fold_text(text)
        stated = list(numeric_days(folded.text, years=self._today is None))
        stated = [self._beside_weekday(folded.text, x) for x in (*stated, *self._written.find(folded.text))]
        orders, years = self._orders(stated), {day.year for x in stated for _, day in x.days}
        year = next(iter(years)) if len(years) == 1 else None
        found = {Reading(*folded.span(x.start, x.end), day) for x in stated for day in self._settled(x, orders, year)}
        if self._today is not None:
            found |= set(self._from_today(folded, self._today, stated))
        return sorted(found)

    def _beside_weekday(self, text: str, stated: StatedDay) -> StatedDay:
        """Takes the name of the weekday in, and believes it where it tells readings apart."""
        low = max(0, stated.start - _WEEKDAY_WINDOW)
        match = self._before.search(text[low : stated.start])
        if match is None:
            return stated
        weekdays = self._weekdays[match[1]]
        agreeing = tuple((order, day) for order, day in stated.days if day.weekday() in weekdays)
        return replace(stated, start=low + match.start(), days=agreeing or stated.days)

    def _orders(self, stated: Iterable[StatedDay]) -> frozenset[DateOrder]:
        """The orders in which the document may write its days: the one asked for, or those that its days show."""
        if self._order is not None:
            return frozenset({self._order})
        stated = list(stated)
        shown = {x.days[0][0] for x in stated if len(x.days) == 1}
        certain = {x.days[0][1] for x in stated if len(x.days) == 1}
        for x in stated:  # an ambiguous day that is also stated without doubt
            agreeing = {order for order, day in x.days if day in certain}
            shown |= agreeing if len(agreeing) == 1 else set()
        return frozenset(order for order in shown if order is not None)

    def _settled(self, stated: StatedDay, orders: frozenset[DateOrder], year: int | None) -> Iterator[date]:
        candidates = stated.days
        if not candidates:
            days = ((order, self._in_year(month_day, year)) for order, month_day in stated.of_year)
            candidates = tuple((order, day) for order, day in days if day is not None)
        fitting = [day for order, day in candidates if order is None or order in orders]
        # A year of two digits that comes first is rare: it needs a document, or an option, that says so.
        usual = [day for order, day in candidates if order != "YMD"]
        yield from dict.fromkeys(fitting or usual or [day for _, day in candidates])

    def _in_year(self, month_day: tuple[int, int], year: int | None) -> date | None:
        if year is not None:
            return day_of(year, *month_day)
        if self._today is None:
            return None
        today = self._today
        near = (day_of(y, *month_day) for y in range(max(1, today.year - 8), min(9999, today.year + 8) + 1))
        return min((day for day in near if day), key=lambda day: abs(day - today), default=None)

    def _from_today(self, folded: Folded, today: date, stated: Iterable[StatedDay]) -> Iterator[Reading]:
        """Words that name a day by its distance from today; a weekday that stands beside a date is a part of it."""
        for match in self._word.finditer(folded.text):
            yield from _reading(folded, match, today, self._relative[match[0]])
        for match in _AWAY.finditer(folded.text):
            if match["in"] or match["side"]:
                days = int(match["number"] or _AMOUNTS[match["word"]]) * (7 if match["unit"] == "week" else 1)
                yield from _reading(folded, match, today, -days if match["side"] == "ago" else days)
        taken = {x.start for x in stated}
        for match in self._coming.finditer(folded.text):
            if match.start("name") in taken:
                continue
            for weekday in self._weekdays[match["name"]]:
                ahead = (weekday - today.weekday()) % 7
                if match["which"] == "last":
                    yield from _reading(folded, match, today, ahead - 7)
                elif match["which"] == "next":  # the coming one, or the one of next week
                    yield from _reading(folded, match, today, ahead or 7)
                    yield from _reading(folded, match, today, weekday - today.weekday() + 7)
                else:
                    yield from _reading(folded, match, today, ahead)


def _reading(folded: Folded, match: re.Match[str], today: date, days: int) -> Iterator[Reading]:
    try:
        yield Reading(*folded.span(*match.span()), today + timedelta(days=days))
    except OverflowError:  # the first and the last days of the calendar
        return
