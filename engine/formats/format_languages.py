"""Formats: the languages of the strings that JSON Schema's `format` names, and of Pydantic's own spellings.

`format_language(name)` gives an expression over the decoded string, or None where a format is unknown or not regular:
`idn-hostname` and `idn-email` (IDNA validity), `regex`. A definition is a GBNF file of the library or stands here, as a pattern
in ECMAScript's dialect that must match the whole string, below the RFC that it follows. It is compiled at first use and kept.

Beyond regular: whether an A-label (`xn--…`) decodes to a valid name. `INEXACT` lists the formats whose language is
wider than the format for that reason. The languages of `time` and `date-time` hold a leap second for each offset, so
they are exact, and printed they are long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial

from engine.grammar.language import whole_language
from engine.grammar.library import load_library
from engine.regular.charset import ANY
from engine.regular.expression import (
    Expression,
    char_class,
    concat,
    finite_set,
    intersection,
    nonempty,
    optional,
    repeat,
    text,
    union,
)
from engine.regular.numbers import integers
from engine.regular.pattern import parse_pattern

INEXACT = frozenset({"hostname"})

HOSTNAME_LENGTH = 253


def format_language(name: str) -> Expression | None:
    """The strings of a format; None if the format is not known here."""
    return _language(name) if name in FORMAT_LANGUAGES else None


@cache
def _language(name: str) -> Expression:
    definition = FORMAT_LANGUAGES[name]
    return _whole(definition) if isinstance(definition, str) else definition()


def _from_library(name: str) -> Expression:
    """The language of the GBNF file of that name."""
    return whole_language(load_library(name))


def _whole(source: str) -> Expression:
    return parse_pattern(f"^(?:{source})$", "ecma")


def _either(*sources: str) -> str:
    return "(?:" + "|".join(sources) + ")"


# Times: RFC 3339, section 5.6.

_MINUTES = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_CLOCK = f"{_MINUTES}:[0-5][0-9]"
_TIME = rf"{_CLOCK}(?:\.[0-9]+)?(?:[Zz]|[+-]{_MINUTES})"


def _time() -> Expression:
    """Second 60 exists only where it is 23:59 in UTC (RFC 3339, section 5.7 and appendix D)."""
    hours = (concat(text(f"{hour:02}:"), union(*_leap_seconds(hour))) for hour in range(24))
    return union(_whole(_TIME), *hours)


def _leap_seconds(hour: int) -> Iterator[Expression]:
    """The minutes of a local hour, each with the two offsets under which a leap second may fall into it."""
    fraction = _whole(r"(?:\.[0-9]+)?")
    for minute in range(60):
        ahead = (60 * hour + minute - 1439) % 1440
        behind = 1439 - 60 * hour - minute
        offsets = {f"+{ahead // 60:02}:{ahead % 60:02}", f"-{behind // 60:02}:{behind % 60:02}"}
        if ahead == 0:
            offsets |= {"Z", "z"}
        yield concat(text(f"{minute:02}:60"), fraction, finite_set(offsets))


def _date_time() -> Expression:
    return concat(_language("date"), char_class(((84, 84), (116, 116))), _language("time"))


# Host names: RFC 1123, section 2.1; labels of at most 63 characters and 253 in all: RFC 1035, section 2.3.4.

_LABEL = "[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?"
_DOMAIN = rf"{_LABEL}(?:\.{_LABEL})*"


def _hostname() -> Expression:
    return intersection(_whole(_DOMAIN), repeat(char_class(ANY), 1, HOSTNAME_LENGTH))


# Addresses: RFC 2673, section 3.2 (dotted quads) and RFC 4291, section 2.2, as RFC 3986, section 3.2.2 writes them.

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_H16 = "[0-9A-Fa-f]{1,4}"
_LS32 = f"(?:{_H16}:{_H16}|{_IPV4})"
_IPV6 = _either(
    f"(?:{_H16}:){{6}}{_LS32}",
    f"::(?:{_H16}:){{5}}{_LS32}",
    f"(?:{_H16})?::(?:{_H16}:){{4}}{_LS32}",
    f"(?:(?:{_H16}:){{0,1}}{_H16})?::(?:{_H16}:){{3}}{_LS32}",
    f"(?:(?:{_H16}:){{0,2}}{_H16})?::(?:{_H16}:){{2}}{_LS32}",
    f"(?:(?:{_H16}:){{0,3}}{_H16})?::{_H16}:{_LS32}",
    f"(?:(?:{_H16}:){{0,4}}{_H16})?::{_LS32}",
    f"(?:(?:{_H16}:){{0,5}}{_H16})?::{_H16}",
    f"(?:(?:{_H16}:){{0,6}}{_H16})?::",
)


# Mailboxes: RFC 5321, section 4.1.2, labels bounded as above; the only registered tag of an address literal is IPv6.

_ATOM = "[0-9A-Za-z!#$%&'*+/=?^_`{|}~\\-]+"
_QUOTED = r'"(?:[ !#-\[\]-~]|\\[ -~])*"'
_LITERAL = rf"\[(?:{_IPV4}|[Ii][Pp][Vv]6:{_IPV6})\]"
_EMAIL = rf"(?:{_ATOM}(?:\.{_ATOM})*|{_QUOTED})@(?:{_DOMAIN}|{_LITERAL})"


# URIs: RFC 3986, appendix A. IRIs: RFC 3987, section 2.2, which adds characters to the unreserved ones and to queries.

_UCSCHAR = "\\u00a0-\\ud7ff\\uf900-\\ufdcf\\ufdf0-\\uffef" + "".join(
    f"\\u{{{plane:x}{'1' if plane == 14 else '0'}000}}-\\u{{{plane:x}fffd}}" for plane in range(1, 15)
)
_IPRIVATE = "\\ue000-\\uf8ff\\u{f0000}-\\u{ffffd}\\u{100000}-\\u{10fffd}"


def _reference(more: str, private: str, *, relative: bool) -> str:
    """`more` are additional unreserved characters, `private` those of a query; relative references if asked."""
    unreserved, delimiters, escaped = f"0-9A-Za-z._~\\-{more}", "!$&'()*+,;=", "%[0-9A-Fa-f]{2}"
    character = f"(?:[{unreserved}{delimiters}:@]|{escaped})"
    future = f"[Vv][0-9A-Fa-f]+\\.[0-9A-Za-z._~\\-{delimiters}:]+"
    host = rf"(?:\[(?:{_IPV6}|{future})\]|(?:[{unreserved}{delimiters}]|{escaped})*)"
    authority = f"(?:(?:[{unreserved}{delimiters}:]|{escaped})*@)?{host}(?::[0-9]*)?"
    rest = f"(?:/{character}*)*"
    network, absolute, rootless = f"//{authority}{rest}", f"/(?:{character}+{rest})?", f"{character}+{rest}"
    tail = f"(?:\\?(?:{character}|[/?{private}])*)?(?:#(?:{character}|[/?])*)?"
    whole = f"[A-Za-z][0-9A-Za-z+.\\-]*:{_either(network, absolute, rootless, '')}{tail}"
    if not relative:
        return whole
    first = f"(?:[{unreserved}{delimiters}@]|{escaped})+{rest}"
    return _either(whole, f"{_either(network, absolute, first, '')}{tail}")


# Templates: RFC 6570, section 2, with the apostrophe among the literals (erratum 6937).

_VARIABLE_CHARACTER = "(?:[0-9A-Za-z_]|%[0-9A-Fa-f]{2})"
_VARIABLE = rf"{_VARIABLE_CHARACTER}(?:\.?{_VARIABLE_CHARACTER})*(?::[1-9][0-9]{{0,3}}|\*)?"
_TEMPLATE = _either(
    f"[!#$&-;=?-\\[\\]_a-z~{_UCSCHAR}{_IPRIVATE}]",
    "%[0-9A-Fa-f]{2}",
    rf"\{{[+#./;?&=,!@|]?{_VARIABLE}(?:,{_VARIABLE})*\}}",
)


# JSON Pointers: RFC 6901, section 3. Relative ones: draft-handrews-relative-json-pointer-01, section 3.

_POINTER = "(?:/(?:[^~/]|~[01])*)*"
_RELATIVE_POINTER = f"(?:0|[1-9][0-9]*)(?:#|{_POINTER})"


# UUIDs of one version: RFC 9562, section 4, with the variant of section 4.1.


def _uuid(version: int) -> str:
    return f"[0-9A-Fa-f]{{8}}-[0-9A-Fa-f]{{4}}-{version}[0-9A-Fa-f]{{3}}-[89ABab][0-9A-Fa-f]{{3}}-[0-9A-Fa-f]{{12}}"


# Base 64: RFC 4648, sections 4 and 5; the bits that the padding leaves over are zero, as section 3.5 demands.


def _base64(alphabet: str, padding: str) -> str:
    two, three = f"[{alphabet}][AQgw]", f"[{alphabet}]{{2}}[AEIMQUYcgkosw048]"
    return f"(?:[{alphabet}]{{4}})*(?:{two}(?:==){padding}|{three}={padding})?"


# Pydantic's: ISO 8601 as its readers take it, at most microseconds, offsets optional, no leap seconds, no years or
# months in durations (which it counts as 365 and 30 days), days up to timedelta's 999,999,999.

_PYDANTIC_TIME = rf"{_CLOCK}(?:\.[0-9]{{1,6}})?(?:Z|[+-]{_MINUTES})?"
_SIXTY = "[0-5]?[0-9]"
_SECONDS = rf"{_SIXTY}(?:\.[0-9]{{1,6}})?S"
_PYDANTIC_HOURS = _either(f"(?:[01]?[0-9]|2[0-3])H(?:{_SIXTY}M)?(?:{_SECONDS})?", f"{_SIXTY}M(?:{_SECONDS})?", _SECONDS)


def _pydantic_duration() -> Expression:
    """Down to timedelta.min, which has no time beside its days."""
    time = optional(_whole(f"T{_PYDANTIC_HOURS}"))
    days = _whole("(?:0|[1-9][0-9]{0,8})D")
    fewer_days = concat(integers(0, 999_999_998), text("D"))
    negative = union(concat(fewer_days, time), text("999999999D"), nonempty(time))
    return union(concat(text("P"), union(concat(days, time), nonempty(time))), concat(text("-P"), negative))


FORMAT_LANGUAGES: Mapping[str, str | Callable[[], Expression]] = {
    "date": partial(_from_library, "date"),
    "time": _time,
    "date-time": _date_time,
    "duration": partial(_from_library, "duration"),
    "email": _EMAIL,
    "hostname": _hostname,
    "ipv4": partial(_from_library, "ipv4"),
    "ipv6": partial(_from_library, "ipv6"),
    "uri": partial(_from_library, "uri"),
    "uri-reference": _reference("", "", relative=True),
    "iri": _reference(_UCSCHAR, _IPRIVATE, relative=False),
    "iri-reference": _reference(_UCSCHAR, _IPRIVATE, relative=True),
    "uri-template": f"{_TEMPLATE}*",
    "uuid": partial(_from_library, "uuid"),
    **{f"uuid{version}": _uuid(version) for version in range(1, 9)},
    "json-pointer": partial(_from_library, "json-pointer"),
    "relative-json-pointer": _RELATIVE_POINTER,
    "byte": _base64("0-9A-Za-z+/", ""),
    "base64": _base64("0-9A-Za-z+/", ""),
    "base64url": _base64("0-9A-Za-z_-", "?"),
    "pydantic-date": partial(_from_library, "date"),
    "pydantic-time": _PYDANTIC_TIME,
    "pydantic-datetime": lambda: concat(_language("date"), text("T"), _whole(_PYDANTIC_TIME)),
    "pydantic-duration": _pydantic_duration,
}
"""By name, a pattern for the whole string or what makes the expression."""
