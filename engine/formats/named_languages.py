"""Named languages: a pattern in its dialect, or a spelling of a type that patterns cannot say well.

The dialect "spelling" names a language and its arguments, parted by blanks, for a whole text: the texts of a type (`date`,
`time aware`, `decimal 5 2`), those within a bound (`date >= 2024-01-01`, `duration < 86400` in seconds), `integer -5 5 1`
(bounds, `-` for none, and a divisor), `network 4`, `url http https`, `email`, `base64-text` (a text in base64). Bounds take the
shape of their type for granted: the type stands beside them. Only what this engine itself writes is read; anything else is a
KeyError or a ValueError.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache

from engine.formats import addresses, canonical_patterns, urls_and_mail
from engine.regular.datetimes import date_times_within, dates_within, times_within
from engine.regular.decimal_texts import decimals_equal, decimals_from
from engine.regular.durations import durations_from
from engine.regular.expression import URL_SAFE, Expression, base64_text, complement, intersection
from engine.regular.integers import integers
from engine.regular.pattern import parse_pattern

SPELLING = "spelling"
OPERATORS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}


@lru_cache(maxsize=1 << 12)
def pattern_language(source: str, dialect: str) -> Expression:
    """The whole texts that a pattern of the dialect is found in, or that the spelling names."""
    if dialect != SPELLING:
        return parse_pattern(source, dialect)
    kind, *arguments = source.split(" ")
    if arguments and arguments[0] in OPERATORS.values():
        operator, value = arguments
        return _ORDERED[kind](operator, value)
    if kind in _TEXTS:
        text = _TEXTS[kind]
        return parse_pattern(f"^(?:{text if isinstance(text, str) else text(*arguments)})$", "ecma")
    return _NAMED[kind](*arguments)


def _compared(at_least: Callable[[str, bool], Expression]) -> Callable[[str, str], Expression]:
    """What is smaller is not greater."""

    def found(operator: str, value: str) -> Expression:
        greater = at_least(value, operator in (">", "<="))
        return complement(greater) if operator[0] == "<" else greater

    return found


def _durations(value: str, beyond: bool) -> Expression:
    bound = timedelta(microseconds=int(Decimal(value) * 1_000_000))
    return durations_from(bound, beyond=beyond)


def _decimals(value: str, beyond: bool) -> Expression:
    bound = Decimal(value)
    found = decimals_from(bound)
    return intersection(found, complement(decimals_equal(bound))) if beyond else found


def _integers(low: str, high: str, step: str) -> Expression:
    return integers(
        None if low == "-" else int(low),
        None if high == "-" else int(high),
        multiple_of=None if step == "1" else int(step),
    )


def _urls(*schemes: str) -> Expression:
    flags = {one for one in schemes if one.startswith("+")}
    named = tuple(one for one in schemes if one not in flags)
    return urls_and_mail.urls(
        named, several_hosts="+hosts" in flags, host_required="+host" in flags, rooted="+slash" in flags
    )


_ORDERED: dict[str, Callable[[str, str], Expression]] = {
    "date": lambda operator, value: dates_within(operator, date.fromisoformat(value)),
    "time": lambda operator, value: times_within(operator, time.fromisoformat(value)),
    "date-time": lambda operator, value: date_times_within(operator, datetime.fromisoformat(value)),
    "duration": _compared(_durations),
    "decimal": _compared(_decimals),
}

_TEXTS: dict[str, str | Callable[..., str]] = {
    "date": canonical_patterns.DATE_PATTERN,
    "time": canonical_patterns.time_pattern,
    "date-time": canonical_patterns.date_time_pattern,
    "duration": canonical_patterns.DURATION_PATTERN,
    "decimal": canonical_patterns.decimal_pattern,
    "uuid": canonical_patterns.uuid_pattern,
    "base64url": canonical_patterns.BASE64_URL_PATTERN,
    "hexadecimal": canonical_patterns.HEXADECIMAL_PATTERN,
    "complex": canonical_patterns.COMPLEX_PATTERN,
    "fraction": canonical_patterns.FRACTION_PATTERN,
    "byte-size": canonical_patterns.byte_size_pattern,
    "integer-key": canonical_patterns.INTEGER_KEY_PATTERN,
    "number-key": canonical_patterns.NUMBER_KEY_PATTERN,
    "boolean-key": canonical_patterns.BOOLEAN_KEY_PATTERN,
}

_NAMED: dict[str, Callable[..., Expression]] = {
    "address": lambda version: addresses.address(int(version)),
    "interface": lambda version: addresses.interface(int(version)),
    "network": lambda version: addresses.network(int(version)),
    "integer": _integers,
    "url": _urls,
    "base64-text": base64_text,
    "base64url-text": lambda: base64_text(URL_SAFE),
    "email": urls_and_mail.mailboxes,
    "name-email": lambda: urls_and_mail.mailboxes(named=True),
}
