"""Days in digits: `25/12/2018`, `2018-12-25`, `20181225`, `25 12 2018`, `2018年12月25日`, and `25/12` where asked for.

Reads a folded text. Refused: what goes on with the same separator (`1.2.3.4`), and what is in no calendar.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date

from engine.grounding.stated_days import DateOrder, StatedDay, day_of, full_year, stated, stated_without_year

_SEPARATED = re.compile(
    r"(?<!\d)(?P<a>\d{4}|\d{1,2})(?P<gap>[ \n]{0,2}(?P<by>[-./\\])[ \n]{0,2}|[ ])(?P<b>\d{1,2})"
    r"(?(by)[ \n]{0,2}(?P=by)[ \n]{0,2}|[ ])(?P<c>\d{4}|\d{1,2})(?!\d)"
)
_COMPACT = re.compile(r"(?<![^\W_])(?<!\d[.,-])(\d{4})(\d{2})(\d{2})(?=t\d|[\W_]|$)(?![.,-]\d)")
_HAN_DIGITS = "〇零一二三四五六七八九"
_HAN = re.compile(
    rf"(?<!\d)(?:(?P<y>\d{{4}}|\d{{2}}|[{_HAN_DIGITS}]{{4}}) ?[年년] ?)?"
    rf"(?P<m>\d{{1,2}}|[{_HAN_DIGITS}十]{{1,2}}) ?[月월] ?(?P<d>\d{{1,2}}|[{_HAN_DIGITS}十廿卅]{{1,3}}) ?[日号號일]"
)
_SHORT = re.compile(r"(?<![\d/.,-])(\d{1,2})([/.])(\d{1,2})(?![\d/-]|[.,]\d)")


def numeric_days(text: str, *, years: bool = True) -> Iterator[StatedDay]:
    """The days in digits; with `years=False` those without a year too."""
    for match in _SEPARATED.finditer(text):
        if not _goes_on(text, match):
            yield from stated(*match.span(), _separated(match))
    for match in _COMPACT.finditer(text):
        year, month, day = map(int, match.groups())
        if 1900 <= year < 2100:
            yield from stated(*match.span(), [(None, day_of(year, month, day))])
    for match in _HAN.finditer(text):
        yield from _han(match)
    if not years:
        for match in _SHORT.finditer(text):
            first, second = int(match[1]), int(match[3])
            orders: list[tuple[DateOrder | None, tuple[int, int]]] = [
                ("DMY", (second, first)),
                ("MDY", (first, second)),
            ]
            yield from stated_without_year(*match.span(), orders)


def _goes_on(text: str, match: re.Match[str]) -> bool:
    """Whether the same separator joins more digits: a version, an address, a number."""
    by = match["by"]
    if by is None:
        return False
    before, after = text[max(0, match.start() - 2) : match.start()], text[match.end() : match.end() + 2]
    return (before[-1:] == by and before[:1].isdigit()) or (after[:1] == by and after[1:].isdigit())


def _separated(match: re.Match[str]) -> Iterable[tuple[DateOrder | None, date | None]]:
    first, second, third, blank = match["a"], match["b"], match["c"], match["by"] is None
    if len(first) == 4:
        plausible = len(third) < 3 and not (blank and not 1900 <= int(first) < 2100)
        return [(None, day_of(int(first), int(second), int(third)))] if plausible else []
    if len(third) == 1 or (blank and (len(third) == 2 or not 1900 <= int(third) < 2100)):
        return []
    year = full_year(third)
    days: list[tuple[DateOrder | None, date | None]] = [
        ("DMY", day_of(year, int(second), int(first))),
        ("MDY", day_of(year, int(first), int(second))),
    ]
    if len(first) == len(third) == 2:
        days.append(("YMD", day_of(full_year(first), int(second), int(third))))
    return days


def _han(match: re.Match[str]) -> Iterable[StatedDay]:
    month, day = _han_number(match["m"]), _han_number(match["d"])
    if match["y"] is None:
        return stated_without_year(*match.span(), [(None, (month, day))])
    digits = "".join(str(max(0, _HAN_DIGITS.find(x) - 1)) if x in _HAN_DIGITS else x for x in match["y"])
    return stated(*match.span(), [(None, day_of(full_year(digits), month, day))])


def _han_number(digits: str) -> int:
    """1 to 99 in ASCII or Han digits, 0 for what is no number."""
    if digits.isascii():
        return int(digits)
    value = {x: max(0, i - 1) for i, x in enumerate(_HAN_DIGITS)}
    digits = digits.replace("廿", "二十").replace("卅", "三十")
    tens, ten, ones = digits.rpartition("十")
    if not ten:
        return value[digits] if len(digits) == 1 else 0
    if len(tens) > 1 or len(ones) > 1 or "十" in tens:
        return 0
    return 10 * (value[tens] if tens else 1) + (value[ones] if ones else 0)
