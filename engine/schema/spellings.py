"""Spellings: the canonical strings of Python types that JSON has no kind for, as named languages.

Those of `engine.formats.canonical_patterns` have a spelling for every value.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.formats.named_languages import NamedLanguage

DATE = NamedLanguage("date")
DURATION = NamedLanguage("duration")
BASE64_URL = NamedLanguage("base64url")
BASE64_TEXT = NamedLanguage("base64-text")
BASE64_URL_TEXT = NamedLanguage("base64url-text")
HEXADECIMAL = NamedLanguage("hexadecimal")
COMPLEX = NamedLanguage("complex")
FRACTION = NamedLanguage("fraction")
INTEGER_KEY = NamedLanguage("integer-key")
NUMBER_KEY = NamedLanguage("number-key")
BOOLEAN_KEY = NamedLanguage("boolean-key")
EMAIL = NamedLanguage("email")
NAME_EMAIL = NamedLanguage("name-email")


def time(zone: str | None) -> NamedLanguage:
    """`zone` is "aware", "naive" or None for either."""
    return NamedLanguage("time", (zone or "any",))


def date_time(zone: str | None) -> NamedLanguage:
    """`zone` is "aware", "naive" or None for either."""
    return NamedLanguage("date-time", (zone or "any",))


def decimal(max_digits: int | None, decimal_places: int | None) -> NamedLanguage:
    """A decimal without exponent; leading zeros are not written."""
    return NamedLanguage("decimal", (max_digits, decimal_places))


def uuid(version: int | None) -> NamedLanguage:
    """A UUID in its usual form."""
    return NamedLanguage("uuid", (version,))


def byte_size(units: Iterable[str]) -> NamedLanguage:
    """A number with a unit in any case."""
    return NamedLanguage("byte-size", tuple(units))
