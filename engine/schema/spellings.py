"""Spellings: the canonical strings of Python types that JSON has no kind for, as regular expressions.

Each is a subset of what Pydantic accepts in which every value of the type has a spelling: ISO 8601 dates of the years 1 to
9999, times with at most six digits of fraction, durations in days to seconds, decimals without exponent.
"""

from __future__ import annotations

from engine.schema.schema import Pattern

_YEAR = "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)"
_LEAP_YEAR = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_DAY = "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
_DATE = f"(?:{_YEAR}-{_DAY}|{_LEAP_YEAR}-02-29)"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
_OFFSET = "(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
_HOURS, _SIXTY = "(?:[01]?[0-9]|2[0-3])H", "[0-5]?[0-9]"
_SECONDS = rf"{_SIXTY}(?:\.[0-9]{{1,6}})?S"
_SPAN = f"T(?:{_HOURS}(?:{_SIXTY}M)?(?:{_SECONDS})?|{_SIXTY}M(?:{_SECONDS})?|{_SECONDS})"


def _whole(source: str) -> Pattern:
    return Pattern(f"^(?:{source})$", "ecma")


def _offset(zone: str | None) -> str:
    return {"aware": _OFFSET, "naive": ""}.get(zone or "", f"{_OFFSET}?")


DATE = _whole(_DATE)
DURATION = _whole(f"P(?:[0-9]{{1,9}}D(?:{_SPAN})?|{_SPAN})|-P(?:[0-9]{{1,8}}D(?:{_SPAN})?|{_SPAN})")
INTEGER_KEY = _whole("0|-?[1-9][0-9]{0,99}")
NUMBER_KEY = _whole(r"-?(?:0|[1-9][0-9]{0,15})(?:\.[0-9]{1,16})?")
BOOLEAN_KEY = _whole("true|false")


def time(zone: str | None) -> Pattern:
    """`zone` is "aware", "naive" or None for either."""
    return _whole(_CLOCK + _offset(zone))


def date_time(zone: str | None) -> Pattern:
    """`zone` is "aware", "naive" or None for either."""
    return _whole(f"{_DATE}T{_CLOCK}{_offset(zone)}")


def decimal(max_digits: int | None, decimal_places: int | None) -> Pattern:
    """A decimal without exponent; leading zeros are not written."""
    if max_digits is None:
        return _whole(rf"-?(?:0|[1-9][0-9]*){_fraction(decimal_places)}")
    whole_digits = max_digits - (decimal_places or 0)
    if decimal_places is not None:
        whole = "0" if whole_digits < 1 else f"(?:0|[1-9][0-9]{{0,{whole_digits - 1}}})"
        return _whole(f"-?{whole}{_fraction(decimal_places)}")
    choices = [f"[1-9][0-9]{{{n - 1}}}{_fraction(max_digits - n)}" for n in range(1, max_digits + 1)]
    return _whole(f"-?(?:{'|'.join([f'0{_fraction(max_digits)}', *choices])})")


def _fraction(places: int | None) -> str:
    if places is None:
        return r"(?:\.[0-9]+)?"
    return rf"(?:\.[0-9]{{1,{places}}})?" if places > 0 else ""


def uuid(version: int | None) -> Pattern | None:
    """What a version demands of a UUID in its usual form."""
    if version is None:
        return None
    return Pattern(f"^[0-9A-Fa-f]{{8}}-[0-9A-Fa-f]{{4}}-{version}[0-9A-Fa-f]{{3}}-[89ABab]", "ecma")
