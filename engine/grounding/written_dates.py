"""Days with the name of their month: `25 DEC 2018`, `25DEC18`, `the 23rd day of September, 1997`, `Dec. 25, 2018`.

Reads a folded text around each name of a month, within a few dozen characters, so the cost is linear. The names
are data (`month_names`); the words between the parts are those that their languages put there.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.grounding.patterns import LETTER, WORD_END, WORD_START, any_name
from engine.grounding.stated_days import StatedDay, day_of, full_year, stated, stated_without_year
from engine.grounding.words import DAY_WORDS, spelled_year

_WINDOW = 48  # characters before a month that can hold its day


_GAP = r"[ ,.\-/\n]{0,4}"
_SUFFIX = r"(?:[ ]?(?:s ?t|n ?d|r ?d|t ?h|er|ter|ten|te|\.|º|ª|°)|[eoa])?"
_DAY = rf"(?:(?P<day>\d{{1,2}}){_SUFFIX}{WORD_END}|(?P<word>{any_name(DAY_WORDS)}){WORD_END})"
_DAY_BEFORE = rf"(?:(?P<day>\d{{1,2}}){_SUFFIX}|(?P<word>{any_name(DAY_WORDS)}))"
_NO_YEAR = r"(?!\d|[:.,/-]\d| ?(?:am|pm|a\.m|p\.m|h|hrs|hours|uhr|%|o'clock)\b)"
_YEAR = (
    rf"(?:(?P<year>\d{{4}}(?!\d)|'?\d{{2}}{_NO_YEAR})|(?P<spelled>(?:one|two|nineteen|eighteen|twenty)[a-z -]{{0,48}}))"
)
_BEFORE_DAY = re.compile(
    rf"{WORD_START}(?<!\d[:.,])(?:the[ \n])?{_DAY_BEFORE}(?:[ \n]day)?"
    rf"(?:{_GAP}(?:of|de|del|di|van)(?:[ \n]the[ \n]month[ \n]of)?)?{_GAP}$"
)
_BEFORE_YEAR = re.compile(rf"{WORD_START}(?<!\d[.,])(?P<year>\d{{4}}){_GAP}$")
_AFTER_YEAR = re.compile(
    rf"{_GAP}(?:(?:of|de|del)[ \n]|(?:in[ \n])?the[ \n]year[ \n](?:of[ \n]our[ \n]lord[ \n])?(?:of[ \n])?)?{_YEAR}"
)
_AFTER_DAY = re.compile(rf"{_GAP}(?:the[ \n])?{_DAY}(?!:\d|[.,]\d{{1,2}}(?!\d)|[ ]?(?:am|pm|a\.m|p\.m|%){WORD_END})")
_RANGE = re.compile(rf"[ ]?-[ ]?\d{{1,2}}{WORD_END}")


@dataclass(frozen=True, slots=True)
class _Part:
    """A number of a date and where it ends."""

    value: int
    end: int
    short: bool = False  # a year of two digits after nothing but a blank


class WrittenDays:
    """Finds the days around the names of months."""

    def __init__(self, months: Mapping[str, int]) -> None:
        self._numbers = months
        self._month = re.compile(rf"(?<!{LETTER})(?:{any_name(months)})(?!{LETTER})")

    def find(self, text: str) -> Iterator[StatedDay]:
        """The days of a folded text, with and without a year."""
        for match in self._month.finditer(text):
            with_year = list(self._with_year(text, match))
            yield from with_year or self._without_year(text, match)

    def _with_year(self, text: str, match: re.Match[str]) -> Iterator[StatedDay]:
        month, start, end = self._numbers[match[0]], match.start(), match.end()
        low = max(0, start - _WINDOW)
        before, after = _BEFORE_DAY.search(text[low:start]), _AFTER_DAY.match(text, end)
        if before and (written := _year_after(text, end)):
            yield from stated(low + before.start(), written.end, [(None, day_of(written.value, month, _day(before)))])
        if not after:
            return
        year = _year_after(text, after.end())
        if year is None and (tail := _RANGE.match(text, after.end())):
            year = _year_after(text, tail.end())
        if year and not year.short:
            yield from stated(start, year.end, [(None, day_of(year.value, month, _day(after)))])
        elif first := _BEFORE_YEAR.search(text[low:start]):
            day = day_of(int(first["year"]), month, _day(after))
            yield from stated(low + first.start(), _end_of_day(after), [(None, day)])

    def _without_year(self, text: str, match: re.Match[str]) -> Iterator[StatedDay]:
        month, start, end = self._numbers[match[0]], match.start(), match.end()
        low = max(0, start - _WINDOW)
        if before := _BEFORE_DAY.search(text[low:start]):
            yield from stated_without_year(low + before.start(), end, [(None, (month, _day(before)))])
        if after := _AFTER_DAY.match(text, end):
            yield from stated_without_year(start, _end_of_day(after), [(None, (month, _day(after)))])


def _day(match: re.Match[str]) -> int:
    return int(match["day"]) if match["day"] else DAY_WORDS[match["word"]]


def _end_of_day(match: re.Match[str]) -> int:
    """Without the full stop that ends a sentence rather than an ordinal."""
    return match.end() - (1 if match[0].endswith(".") else 0)


def _year_after(text: str, position: int) -> _Part | None:
    match = _AFTER_YEAR.match(text, position)
    if match is None:
        return None
    if match["spelled"]:
        found = spelled_year(match["spelled"])
        return _Part(found[0], match.start("spelled") + found[1]) if found else None
    short = len(match["year"]) == 2 and text[position : match.start("year")].isspace()
    return _Part(full_year(match["year"]), match.end(), short)
