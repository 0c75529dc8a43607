"""Canonical patterns: the texts of Python types that JSON has no kind for, in ECMAScript's dialect, for a whole text.

Each is a subset of what Pydantic accepts in which every value of the type has a spelling: ISO 8601 times with at most six
digits of fraction, durations in days to seconds, decimals without exponent, base 64 (RFC 4648) with its padding and no bits
left over, complex numbers and fractions as Python writes them.
"""

from __future__ import annotations

_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
_OFFSET = "(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
_OFFSETS = {"aware": _OFFSET, "naive": "", "any": f"{_OFFSET}?"}
_HOURS, _SIXTY = "(?:[01]?[0-9]|2[0-3])H", "[0-5]?[0-9]"
_SECONDS = rf"{_SIXTY}(?:\.[0-9]{{1,6}})?S"
_SPAN = f"T(?:{_HOURS}(?:{_SIXTY}M)?(?:{_SECONDS})?|{_SIXTY}M(?:{_SECONDS})?|{_SECONDS})"
_DAYS, _MOST_DAYS = "(?:0|[1-9][0-9]{0,8})D", "999999999D"  # of timedelta; the least one has no time beside its days
_FEWER_DAYS = "|".join(
    ["0", "[1-9][0-9]{0,7}", "[1-8][0-9]{8}", *(f"9{{{n}}}[0-8][0-9]{{{8 - n}}}" for n in range(1, 9))]
)
_DIGITS = "[0-9]{1,310}"
_FLOAT = rf"(?:{_DIGITS}(?:\.{_DIGITS})?(?:[eE][+-]?[0-9]{{1,3}})?)"

DURATION_PATTERN = f"P(?:{_DAYS}(?:{_SPAN})?|{_SPAN})|-P(?:(?:{_FEWER_DAYS})D(?:{_SPAN})?|{_MOST_DAYS}|{_SPAN})"
BASE64_URL_PATTERN = "(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-][AQgw]==|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048]=)?"
HEXADECIMAL_PATTERN = "(?:[0-9A-Fa-f]{2})*"
COMPLEX_PATTERN = rf"[+-]?{_FLOAT}(?:[+-]{_FLOAT}?[jJ])?|[+-]?{_FLOAT}?[jJ]"
FRACTION_PATTERN = "-?[0-9]{1,310}(?:/0{0,9}[1-9][0-9]{0,309})?"
INTEGER_KEY_PATTERN = "0|-?[1-9][0-9]{0,99}"
NUMBER_KEY_PATTERN = r"-?(?:0|[1-9][0-9]{0,15})(?:\.[0-9]{1,16})?"
BOOLEAN_KEY_PATTERN = "true|false"


def time_pattern(zone: str) -> str:
    """`zone` is "aware", "naive" or "any"."""
    return _CLOCK + _OFFSETS[zone]


def uuid_pattern(version: int) -> str:
    """RFC 9562, section 4: the usual form of one version, with the variant of section 4.1."""
    return f"[0-9A-Fa-f]{{8}}-[0-9A-Fa-f]{{4}}-{version}[0-9A-Fa-f]{{3}}-[89ABab][0-9A-Fa-f]{{3}}-[0-9A-Fa-f]{{12}}"


def byte_size_pattern(*units: str) -> str:
    """A number, and a unit in any case."""
    named = "|".join("".join(f"[{c}{c.upper()}]" for c in unit) for unit in units)
    return rf"[0-9]{{1,15}}(?:\.[0-9]{{1,15}})? ?(?:{named})?"


def decimal_pattern(digits: int | None, places: int | None) -> str:
    """A decimal without exponent and leading zeros, of so many digits; None is no limit."""
    if digits is None:
        return rf"-?(?:0|[1-9][0-9]*){_fraction(places)}"
    if places is not None:
        if digits <= places:  # no digit may stand before the point, and zero is one
            return "-?0\\.(?:" + "|".join(f"0{{{n}}}[1-9][0-9]{{0,{digits - n - 1}}}" for n in range(digits)) + ")"
        return f"-?(?:0|[1-9][0-9]{{0,{digits - places - 1}}}){_fraction(places)}"
    choices = [f"[1-9][0-9]{{{n - 1}}}{_fraction(digits - n)}" for n in range(1, digits + 1)]
    return f"-?(?:{'|'.join([f'0{_fraction(digits)}', *choices])})"


def _fraction(places: int | None) -> str:
    if places is None:
        return r"(?:\.[0-9]+)?"
    return rf"(?:\.[0-9]{{1,{places}}})?" if places > 0 else ""
