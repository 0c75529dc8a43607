"""Formats: the strings that JSON Schema's `format` names, each defined once, for the grammar and for guards.

A format is a regular language, or a check of the whole string, or both. The language is a GBNF file of the library where GBNF
can say it, else it stands here below the RFC that it follows; it is made at first use and kept. A check is what no regular
language says: IDNA, the syntax of patterns. `INEXACT` lists the formats whose language is wider than the format.

The languages of `time` and `date-time` hold a leap second for each offset, so they are exact, and printed they are long.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from engine.formats import international_names, references
from engine.formats.library_languages import library_language, whole
from engine.regular.charset import ANY
from engine.regular.expression import Expression, char_class, concat, finite_set, intersection, repeat, text, union
from engine.regular.pattern import InvalidPattern, UnsupportedPattern, parse_pattern
from engine.regular.python_pattern import PatternUnknown, to_python


@dataclass(frozen=True, slots=True)
class StringFormat:
    """`language`: the texts, None where no expression says much of them; `check`: what the language leaves open."""

    language: Callable[[], Expression] | None = None
    check: Callable[[str], bool] | None = None


def conforms(name: str, text: str) -> bool:
    """Whether the whole text is of a format that is in FORMATS."""
    language, check = format_language(name), FORMATS[name].check
    return (language is None or language.matches(text)) and (check is None or check(text))


@cache
def _made(name: str) -> Expression | None:
    make = FORMATS[name].language
    return None if make is None else make()


def format_language(name: str) -> Expression | None:
    """The strings of a format; None if it is unknown or not regular."""
    return _made(name) if name in FORMATS else None


def _file(name: str) -> StringFormat:
    return StringFormat(lambda: library_language(name))


def _pattern(source: str) -> StringFormat:
    return StringFormat(lambda: whole(source))


# Times: RFC 3339, section 5.6; the files leave leap seconds out.


def _time() -> Expression:
    """Second 60 exists only where it is 23:59 in UTC (RFC 3339, section 5.7 and appendix D)."""
    return union(library_language("time"), _leap_seconds())


def _date_time() -> Expression:
    leap = concat(library_language("date"), whole("[Tt]"), _leap_seconds())
    return union(library_language("date-time"), leap)


@cache
def _leap_seconds() -> Expression:
    return union(*(concat(text(f"{hour:02}:"), union(*_leap_seconds_of(hour))) for hour in range(24)))


def _leap_seconds_of(hour: int) -> Iterator[Expression]:
    """The minutes of a local hour, each with the two offsets under which a leap second may fall into it."""
    fraction = whole(r"(?:\.[0-9]+)?")
    for minute in range(60):
        ahead = (60 * hour + minute - 1439) % 1440
        behind = 1439 - 60 * hour - minute
        offsets = {f"+{ahead // 60:02}:{ahead % 60:02}", f"-{behind // 60:02}:{behind % 60:02}"}
        if ahead == 0:
            offsets |= {"Z", "z"}
        yield concat(text(f"{minute:02}:60"), fraction, finite_set(offsets))


def _hostname() -> Expression:
    """With the length of RFC 1035, section 2.3.4."""
    length = repeat(char_class(ANY), 1, international_names.HOSTNAME_LENGTH)
    return intersection(library_language("hostname"), length)


# Templates: RFC 6570, section 2, with the apostrophe among the literals (erratum 6937).

_VARIABLE_CHARACTER = "(?:[0-9A-Za-z_]|%[0-9A-Fa-f]{2})"
_VARIABLE = rf"{_VARIABLE_CHARACTER}(?:\.?{_VARIABLE_CHARACTER})*(?::[1-9][0-9]{{0,3}}|\*)?"
_TEMPLATE = "|".join(
    [
        f"[!#$&-;=?-\\[\\]_a-z~{references.UCSCHAR}{references.IPRIVATE}]",
        references.ESCAPED,
        rf"\{{[+#./;?&=,!@|]?{_VARIABLE}(?:,{_VARIABLE})*\}}",
    ]
)


def _relative_pointer() -> Expression:
    """Of draft-handrews-relative-json-pointer-01, section 3."""
    return concat(whole("0|[1-9][0-9]*"), union(text("#"), library_language("json-pointer")))


# Base 64 of RFC 4648, section 5; the padding may be left out, the bits that it leaves over are zero (section 3.5).
_BASE64_URL = "(?:[0-9A-Za-z_-]{4})*(?:[0-9A-Za-z_-][AQgw](?:==)?|[0-9A-Za-z_-]{2}[AEIMQUYcgkosw048]=?)?"


def _is_pattern(source: str) -> bool:
    """Whether it is a regular expression of ECMA 262."""
    try:
        parse_pattern(source, "ecma")
    except InvalidPattern:
        return False
    except UnsupportedPattern:
        try:
            # Python bounds what it looks back at; ECMA 262 does not.
            re.compile(to_python(source, "ecma").replace("(?<=", "(?=").replace("(?<!", "(?!"))
        except (PatternUnknown, re.error, OverflowError, RecursionError):
            return False
    return not re.search(r"(?<!\\)(?:\\\\)*\\a", source)  # a letter that is no escape; engines differ on the others


FORMATS: Mapping[str, StringFormat] = {
    "date": _file("date"),
    "time": StringFormat(_time),
    "date-time": StringFormat(_date_time),
    "duration": _file("duration"),
    "email": _file("email"),
    "idn-email": StringFormat(check=international_names.is_idn_email),
    "hostname": StringFormat(_hostname, check=international_names.has_valid_labels),
    "idn-hostname": StringFormat(check=international_names.is_idn_hostname),
    "ipv4": _file("ipv4"),
    "ipv6": _file("ipv6"),
    "uri": _file("uri"),
    "uri-reference": StringFormat(references.uri_reference),
    "iri": StringFormat(references.iri),
    "iri-reference": StringFormat(references.iri_reference),
    "uri-template": _pattern(f"(?:{_TEMPLATE})*"),
    "uuid": _file("uuid"),
    "json-pointer": _file("json-pointer"),
    "relative-json-pointer": StringFormat(_relative_pointer),
    "regex": StringFormat(check=_is_pattern),
    "byte": _file("base64"),
    "base64": _file("base64"),
    "base64url": _pattern(_BASE64_URL),
}

INEXACT = frozenset(name for name, one in FORMATS.items() if one.language is not None and one.check is not None)
