"""Moments that a text states: a day and a time side by side, `2018-12-25T19:30:00+01:00`, `25/12/2018 8:13:39 PM`.

Comes in: a text and the options of days. Goes out: readings whose value is a `datetime`, with a zone where one is
stated. The time may come before the day (`at 7 pm on 3 March 2023`). What is ambiguous in a part is ambiguous in the whole.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time

from engine.grounding.dates import Dates
from engine.grounding.recogniser import Reading
from engine.grounding.stated_days import DateOrder
from engine.grounding.times import Times

_MOST_BETWEEN = 16
_WORDS = r"(?:at|on|by|from|um|gegen|a|à|alle|a las|às|op|om|le|am|den|the|time|uhr|of)\b"
_BETWEEN = re.compile(rf"T|[\s,;|()\[\]/@·–-]{{0,4}}(?:{_WORDS})?:?[\s,.:|()\[\]-]{{0,3}}", re.IGNORECASE)


class Datetimes:
    """Recognises moments. The options are those of `Dates`.

    >>> [reading.value for reading in Datetimes().readings("on 3 March 2023 at 7 pm")]
    [datetime.datetime(2023, 3, 3, 19, 0)]
    """

    def __init__(
        self, *, order: DateOrder | None = None, languages: Sequence[str] | None = None, today: date | None = None
    ) -> None:
        self._dates = Dates(order=order, languages=languages, today=today)
        self._times = Times()

    def readings(self, text: str) -> list[Reading]:
        """The moments that the text states, in its order. Linear in its length."""
        days = sorted(self._dates.readings(text))
        times = sorted(self._times.readings(text))
        return sorted(set(_beside(text, days, times)) | set(_beside(text, times, days)))


def _beside(text: str, first: Sequence[Reading], second: Sequence[Reading]) -> Iterator[Reading]:
    """Pairs of which the second begins where the first ends, but for what usually stands between them."""
    starts = [x.start for x in second]
    for one in first:
        for index in range(bisect_left(starts, one.end), len(second)):
            other = second[index]
            if other.start - one.end > _MOST_BETWEEN:
                break
            if _BETWEEN.fullmatch(text, one.end, other.start):
                day, moment = (one.value, other.value) if isinstance(one.value, date) else (other.value, one.value)
                assert isinstance(day, date)
                assert isinstance(moment, time)
                yield Reading(one.start, other.end, datetime.combine(day, moment))
