"""Spellings: the canonical strings of Python types that JSON has no kind for, as patterns of the dialect "spelling".

`engine.formats.named_languages` says what each of them is; those of `engine.formats.canonical_patterns` have a spelling
for every value.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.formats.named_languages import SPELLING
from engine.schema.schema import Pattern


def named(*words: object) -> Pattern:
    """The language of a name and its arguments; None stands for no limit."""
    return Pattern(" ".join("-" if word is None else str(word) for word in words), SPELLING)


DATE = named("date")
DURATION = named("duration")
BASE64_URL = named("base64url")
BASE64_TEXT = named("base64-text")
BASE64_URL_TEXT = named("base64url-text")
HEXADECIMAL = named("hexadecimal")
COMPLEX = named("complex")
FRACTION = named("fraction")
INTEGER_KEY = named("integer-key")
NUMBER_KEY = named("number-key")
BOOLEAN_KEY = named("boolean-key")
EMAIL = named("email")
NAME_EMAIL = named("name-email")


def time(zone: str | None) -> Pattern:
    """`zone` is "aware", "naive" or None for either."""
    return named("time", zone or "any")


def date_time(zone: str | None) -> Pattern:
    """`zone` is "aware", "naive" or None for either."""
    return named("date-time", zone or "any")


def decimal(max_digits: int | None, decimal_places: int | None) -> Pattern:
    """A decimal without exponent; leading zeros are not written."""
    return named("decimal", max_digits, decimal_places)


def uuid(version: int | None) -> Pattern:
    """A UUID in its usual form."""
    return named("uuid", version or "any")


def byte_size(units: Iterable[str]) -> Pattern:
    """A number with a unit in any case."""
    return named("byte-size", *units)
