"""Named languages: the canonical texts of types that JSON has no kind for, by a name and what it is given.

The texts of a type (`date`, `time aware`, `decimal 5 2`), those on one side of a bound (`date >= 2024-01-01`, `duration < 86400`
in seconds), `integer -5 5 1` (bounds, None for none, and a divisor), `network 4`, `url http https`, `email`, `base64-text` (a
text in base64). Bounds take the shape of their type for granted: the type stands beside them. A name that is not known is a
KeyError.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache

from engine.formats import addresses, canonical_patterns, urls_and_mail
from engine.formats.library_languages import library_language, whole
from engine.regular.datetimes import date_times_within, dates_within, times_within
from engine.regular.decimal_texts import decimals_equal, decimals_from
from engine.regular.durations import durations_from
from engine.regular.expression import URL_SAFE, Expression, base64_text, complement, concat, intersection, text
from engine.regular.integers import integers

OPERATORS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}


@dataclass(frozen=True, slots=True)
class NamedLanguage:
    """A language that the whole text must be in. With an `operator`, a value of OPERATORS, the only argument is the bound.
    `flags` are those of URLs: `hosts` (several), `host` (one is required), `slash` (behind the colon)."""

    kind: str
    arguments: tuple[str | int | None, ...] = ()
    operator: str = ""
    flags: frozenset[str] = frozenset()

    def __str__(self) -> str:
        operator = (self.operator,) if self.operator else ()
        shown = ("-" if argument is None else str(argument) for argument in self.arguments)
        return " ".join((self.kind, *operator, *shown, *(f"+{flag}" for flag in sorted(self.flags))))

    def language(self) -> Expression:
        """The texts; the same object each time."""
        return _language(self)


@lru_cache(maxsize=1 << 12)
def _language(named: NamedLanguage) -> Expression:
    if named.operator:
        (bound,) = named.arguments
        return _ORDERED[named.kind](named.operator, str(bound))
    if named.kind == "url":
        return urls_and_mail.urls(
            tuple(map(str, named.arguments)),
            several_hosts="hosts" in named.flags,
            host_required="host" in named.flags,
            rooted="slash" in named.flags,
        )
    found = _NAMED[named.kind]
    return whole(found) if isinstance(found, str) else found(*named.arguments)


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


def _integers(low: int | None, high: int | None, step: int) -> Expression:
    return integers(low, high, multiple_of=None if step == 1 else step)


def _uuid(version: int | None) -> Expression:
    return library_language("uuid") if version is None else whole(canonical_patterns.uuid_pattern(version))


_ORDERED: dict[str, Callable[[str, str], Expression]] = {
    "date": lambda operator, value: dates_within(operator, date.fromisoformat(value)),
    "time": lambda operator, value: times_within(operator, time.fromisoformat(value)),
    "date-time": lambda operator, value: date_times_within(operator, datetime.fromisoformat(value)),
    "duration": _compared(_durations),
    "decimal": _compared(_decimals),
}

_NAMED: dict[str, str | Callable[..., Expression]] = {
    "date": lambda: library_language("date"),
    "time": lambda zone: whole(canonical_patterns.time_pattern(zone)),
    "date-time": lambda zone: concat(library_language("date"), text("T"), whole(canonical_patterns.time_pattern(zone))),
    "duration": canonical_patterns.DURATION_PATTERN,
    "decimal": lambda digits, places: whole(canonical_patterns.decimal_pattern(digits, places)),
    "uuid": _uuid,
    "base64url": canonical_patterns.BASE64_URL_PATTERN,
    "hexadecimal": canonical_patterns.HEXADECIMAL_PATTERN,
    "complex": canonical_patterns.COMPLEX_PATTERN,
    "fraction": canonical_patterns.FRACTION_PATTERN,
    "byte-size": lambda *units: whole(canonical_patterns.byte_size_pattern(*units)),
    "integer-key": canonical_patterns.INTEGER_KEY_PATTERN,
    "number-key": canonical_patterns.NUMBER_KEY_PATTERN,
    "boolean-key": canonical_patterns.BOOLEAN_KEY_PATTERN,
    "address": addresses.address,
    "interface": addresses.interface,
    "network": addresses.network,
    "integer": _integers,
    "base64-text": base64_text,
    "base64url-text": lambda: base64_text(URL_SAFE),
    "email": urls_and_mail.mailboxes,
    "name-email": lambda: urls_and_mail.mailboxes(named=True),
}
