"""Languages of types: a text is in one exactly when Pydantic, or the standard library, takes it within the bounds."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Annotated, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from named_texts import named
from pydantic import Field, KafkaDsn, TypeAdapter, ValidationError

from engine.formats.named_languages import OPERATORS
from engine.regular.expression import intersection

ZONES = st.none() | st.builds(lambda minutes: timezone(timedelta(minutes=minutes)), st.integers(-1439, 1439))
NEAR = st.sampled_from([0, 0, 1, -1, 59, 60, -60, 1439, -1440]) | st.integers(-3000, 3000)
MICROSECONDS = st.sampled_from([0, 1, -1, 500_000])


@cache
def adapter(tp: Any, operator: str, bound: Any) -> TypeAdapter[Any]:
    return TypeAdapter(Annotated[tp, Field(**{operator: bound})])


def takes(tp: Any, operator: str, bound: Any, text: str) -> bool:
    try:
        adapter(tp, operator, bound).validate_json(json.dumps(text))
    except ValidationError:
        return False
    return True


def check_agrees(shape: str, kind: str, tp: Any, bound: Any, written: str, text: str) -> None:
    """For each operator, the language within the bound says what Pydantic does of a text of the shape."""
    inside = named(shape).language()
    assert inside.matches(text)
    for name, operator in OPERATORS.items():
        language = intersection(inside, named(f"{kind} {operator} {written}").language())
        assert language.matches(text) == takes(tp, name, bound, text), (operator, bound, text)


@given(bound=st.dates(), days=st.integers(-400, 400))
def test_dates_within_a_bound(bound: date, days: int) -> None:
    assume(1 <= bound.toordinal() + days <= date.max.toordinal())
    check_agrees("date", "date", date, bound, bound.isoformat(), (bound + timedelta(days=days)).isoformat())


EAST, WEST = timezone(timedelta(hours=13)), timezone(timedelta(hours=-7, minutes=-30))
MOMENTS = (
    datetime(2020, 1, 1, 12, 30, 15, 500_000),
    datetime(2020, 2, 29, 0, 0, 30, tzinfo=WEST),
    datetime(2024, 12, 31, 23, 59, 59, 999_999, tzinfo=EAST),
)  # a bound with an offset takes a tenth of a second to read


@given(
    bound=st.sampled_from(MOMENTS),
    minutes=NEAR,
    more=MICROSECONDS,
    zone=ZONES,
)
def test_date_times_within_a_bound(bound: datetime, minutes: int, more: int, zone: timezone | None) -> None:
    value = (bound + timedelta(minutes=minutes, microseconds=more)).replace(tzinfo=zone)
    check_agrees("date-time any", "date-time", datetime, bound, bound.isoformat(), value.isoformat())


@given(bound=st.sampled_from([moment.timetz() for moment in MOMENTS]), minutes=NEAR, more=MICROSECONDS, zone=ZONES)
def test_times_within_a_bound(bound: time, minutes: int, more: int, zone: timezone | None) -> None:
    moment = datetime.combine(date(2024, 1, 1), bound.replace(tzinfo=None)) + timedelta(
        minutes=minutes, microseconds=more
    )
    check_agrees("time any", "time", time, bound, bound.isoformat(), moment.time().replace(tzinfo=zone).isoformat())


@given(bound=st.timedeltas(), seconds=NEAR, more=MICROSECONDS, days=st.integers(-2, 2), padded=st.booleans())
def test_durations_within_a_bound(bound: timedelta, seconds: int, more: int, days: int, padded: bool) -> None:
    assume(abs(bound) < timedelta(days=900_000_000))
    value = bound + timedelta(days=days, seconds=seconds, microseconds=more)
    written = f"{Decimal(bound // timedelta.resolution).scaleb(-6).normalize():f}"
    check_agrees("duration", "duration", timedelta, bound, written, duration(value, padded))


@pytest.mark.parametrize("microseconds", [0, 1, -1, 10**6])
@pytest.mark.parametrize("text", ["-P0D", "-PT0S", "P0D"])
def test_minus_zero_within_a_bound(microseconds: int, text: str) -> None:
    bound = timedelta(microseconds=microseconds)
    check_agrees("duration", "duration", timedelta, bound, f"{Decimal(microseconds).scaleb(-6):f}", text)


def duration(value: timedelta, padded: bool) -> str:
    """In days to seconds; parts that are zero are left out unless `padded`."""
    size = abs(value)
    minutes, seconds = divmod(size.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{size.microseconds:06}" if size.microseconds else ""
    parts = [(hours, f"{hours}H"), (minutes, f"{minutes}M"), (seconds or size.microseconds, f"{seconds}{fraction}S")]
    clock = "".join(text for number, text in parts if number or padded)
    days = f"{size.days}D" if size.days or not clock or padded else ""
    return f"{'-' if value < timedelta() else ''}P{days}{'T' * bool(clock)}{clock}"


DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**6), max_value=10**6)


@given(bound=DECIMALS, difference=st.sampled_from(["0", "0.0001", "-0.0001", "1", "-250"]), zeros=st.integers(0, 2))
def test_decimals_within_a_bound(bound: Decimal, difference: str, zeros: int) -> None:
    text = f"{bound + Decimal(difference):f}"
    text += ("." if "." not in text and zeros else "") + "0" * zeros
    check_agrees("decimal - -", "decimal", Decimal, bound, f"{bound:f}", text)
    check_agrees("decimal - -", "decimal", Decimal, bound, f"{bound:f}", text.removeprefix("-"))


@given(digits=st.integers(1, 6), places=st.none() | st.integers(0, 7), value=DECIMALS)
def test_digits_of_decimals_are_those_that_pydantic_counts(digits: int, places: int | None, value: Decimal) -> None:
    field = Field(max_digits=digits) if places is None else Field(max_digits=digits, decimal_places=places)
    limited: TypeAdapter[Decimal] = TypeAdapter(Annotated[Decimal, field])
    language = named(f"decimal {digits} {'-' if places is None else places}").language()
    whole, _, fraction = f"{value:f}".partition(".")
    text = whole + ("." + fraction.rstrip("0") if fraction.strip("0") else "")
    try:
        limited.validate_json(json.dumps(text))
    except ValidationError:
        assert not language.matches(text)
    else:
        assert language.matches(text)


@pytest.mark.parametrize("version", [4, 6])
@given(bits=st.data())
def test_networks_are_addresses_without_bits_behind_their_prefix(version: int, bits: st.DataObject) -> None:
    width = 32 if version == 4 else 128
    prefix = bits.draw(st.integers(0, width))
    kept = bits.draw(st.integers(0, width))
    number = bits.draw(st.integers(0, 2**width - 1)) >> (width - kept) << (width - kept)
    address = IPv4Address(number) if version == 4 else IPv6Address(number)
    text = f"{bits.draw(st.sampled_from([str(address), address.exploded, str(address).upper()]))}/{prefix}"
    try:
        IPv4Network(text) if version == 4 else IPv6Network(text)
    except ValueError:
        assert not named(f"network {version}").language().matches(text)
    else:
        assert named(f"network {version}").language().matches(text)


@pytest.mark.parametrize("kind", ["time", "date-time"])
def test_the_last_instant_has_none_after_it_but_in_other_zones(kind: str) -> None:
    last = "23:59:59.999999" if kind == "time" else datetime.max.isoformat()
    beyond = named(f"{kind} > {last}").language()
    shape = named(f"{kind} any").language()
    assert not intersection(shape, beyond).alive
    zoned = named(f"{kind} > {last}+00:00").language()
    assert zoned.matches(f"{last}-00:01")
    assert not zoned.matches(f"{last}Z")


@pytest.mark.parametrize("text", ["kafka:", "kafka:x", "kafka:/", "kafka:/x", "kafka:///x", "kafka://", "kafka://a:1"])
def test_a_url_that_is_given_a_default_host_has_a_slash(text: str) -> None:
    try:
        TypeAdapter(KafkaDsn).validate_json(json.dumps(text))
    except ValidationError:
        taken = False
    else:
        taken = True
    assert named("url kafka +slash").language().matches(text) == taken
