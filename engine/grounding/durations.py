"""Lengths of time that a text states: `2 hours 30 minutes`, `90 min`, `1h30`, `an hour and a half`, `PT2H30M`.

Comes in: a text. Goes out: readings whose value is a `timedelta`. Months and years have no fixed length, so what names
them is no reading. `2 h 30 min` is one length, and its parts are readings too. Names of units are those of seven
languages.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from engine.grounding.folding import fold_text
from engine.grounding.numbers import Numbers
from engine.grounding.patterns import WORD_END, WORD_START, any_name
from engine.grounding.recogniser import Reading

_UNITS = {
    timedelta(milliseconds=1): "ms msec millisecond milliseconds millisekunden",
    timedelta(
        seconds=1
    ): "s sec secs second seconds sek sekunde sekunden seconde secondes segundo segundos secondo secondi seconden 秒",
    timedelta(minutes=1): "m min mins minute minutes minuten minuto minutos minuti minuut 分钟 分鐘",
    timedelta(
        hours=1
    ): "h hr hrs hour hours std stunde stunden heure heures hora horas ora ore uur uren 小时 小時 時間",
    timedelta(days=1): "d day days tag tage tagen jour jours dia dias giorno giorni dag dagen 天",
    timedelta(
        weeks=1
    ): "w wk wks week weeks woche wochen semaine semaines semana semanas settimana settimane weken 周 週",
}
_LENGTHS = {name: length for length, names in _UNITS.items() for name in names.split()}
_AND_PART = r"(?P<fraction>[ ]and[ ]a[ ](?P<of>half|quarter))?"
_UNIT = re.compile(rf"[ \n-]{{0,2}}(?P<unit>{any_name(_LENGTHS)})(?![^\W\d_]){_AND_PART}")
_ARTICLE = re.compile(
    rf"{WORD_START}(?:(?P<half>half[ ])?an?|(?P<part>three quarters of an|a quarter of an))[ ]"
    rf"(?P<unit>second|minute|hour|day|week){WORD_END}{_AND_PART}"
)
_ISO = re.compile(
    rf"{WORD_START}(?P<sign>-)?p(?=\d|t\d)(?:(?P<weeks>\d{{1,6}})w)?(?:(?P<days>\d{{1,9}}(?:[.,]\d{{1,6}})?)d)?"
    r"(?:t(?:(?P<hours>\d{1,9}(?:[.,]\d{1,6})?)h)?(?:(?P<minutes>\d{1,9}(?:[.,]\d{1,6})?)m)?"
    rf"(?:(?P<seconds>\d{{1,9}}(?:[.,]\d{{1,6}})?)s)?)?{WORD_END}"
)
_TIGHT = re.compile(rf"(?<![\w.,:])(?P<hours>\d{{1,3}})[ ]?h[ ]?(?P<minutes>[0-5]\d)(?:m|min)?{WORD_END}(?![ ](?:m|s))")
_BETWEEN = re.compile(r"(?:[ \n]|,[ ]|[ ](?:and|und|et|y|e|en)[ ]|,[ ]and[ ]|)")


class Durations:
    """Recognises lengths of time.

    >>> [str(reading.value) for reading in Durations().readings("bake for an hour and a half")]
    ['1:30:00']
    """

    def __init__(self) -> None:
        self._numbers = Numbers()

    def readings(self, text: str) -> list[Reading]:
        """The lengths that the text states, in its order. Linear in its length."""
        folded = fold_text(text)
        simple = sorted(set(self._simple(folded.text)))
        found = {*simple, *_joined(folded.text, simple), *_tight(folded.text), *_iso(folded.text)}
        return sorted(Reading(*folded.span(x.start, x.end), x.value) for x in found)

    def _simple(self, text: str) -> Iterator[Reading]:
        """A number, or an article, and a unit. The folded text is folded again to itself, so the offsets hold."""
        for number in self._numbers.readings(text):
            assert isinstance(number.value, Decimal)
            if match := _UNIT.match(text, number.end):
                yield from _reading(number.start, match, number.value)
        for match in _ARTICLE.finditer(text):
            amount = (
                Decimal("0.5")
                if match["half"]
                else {"t": Decimal("0.75"), "a": Decimal("0.25")}[match["part"][0]]
                if match["part"]
                else Decimal(1)
            )
            yield from _reading(match.start(), match, amount)


def _reading(start: int, match: re.Match[str], amount: Decimal) -> Iterator[Reading]:
    if match["fraction"]:
        amount += Decimal("0.5") if match["of"] == "half" else Decimal("0.25")
    value = _times(_LENGTHS[match["unit"]], amount)
    if value is not None:
        yield Reading(start, match.end(), value)


def _times(length: timedelta, amount: Decimal) -> timedelta | None:
    """The product to the microsecond, or None where it is longer than a `timedelta` can be."""
    microseconds = amount * (length // timedelta(microseconds=1))
    return timedelta(microseconds=int(microseconds.to_integral_value())) if abs(microseconds) < 8 * 10**19 else None


def _joined(text: str, simple: list[Reading]) -> Iterator[Reading]:
    """Lengths side by side, each of a smaller unit than the one before: `1 day, 2 hours and 5 minutes`."""
    starts = [x.start for x in simple]
    for first in simple:
        total, end, last = first.value, first.end, first
        while following := _following(text, simple, starts, last):
            assert isinstance(total, timedelta)
            assert isinstance(following.value, timedelta)
            total, end, last = total + following.value, following.end, following
        if end != first.end:
            yield Reading(first.start, end, total)


def _following(text: str, simple: list[Reading], starts: list[int], last: Reading) -> Reading | None:
    for index in range(bisect_left(starts, last.end), len(simple)):
        other = simple[index]
        if other.start - last.end > 8:
            return None
        assert isinstance(other.value, timedelta)
        assert isinstance(last.value, timedelta)
        if _BETWEEN.fullmatch(text, last.end, other.start) and timedelta() < other.value < last.value:
            return other
    return None


def _tight(text: str) -> Iterator[Reading]:
    for match in _TIGHT.finditer(text):
        yield Reading(*match.span(), timedelta(hours=int(match["hours"]), minutes=int(match["minutes"])))


def _iso(text: str) -> Iterator[Reading]:
    for match in _ISO.finditer(text):
        parts = {unit: Decimal(x.replace(",", ".")) for unit, x in match.groupdict().items() if x and unit != "sign"}
        lengths = [_times(timedelta(**{unit: 1}), amount) for unit, amount in parts.items()]
        if parts and match[0][-1] != "t" and None not in lengths:
            total = sum((x for x in lengths if x is not None), timedelta())
            yield Reading(*match.span(), -total if match["sign"] else total)
