"""Decimals in ranges, against `decimal`, `fractions` and what Python's and Pydantic's readers make of the text."""

from __future__ import annotations

import json
import math
import random
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter

from engine.errors import GrammarTooComplex
from engine.regular.expression import EMPTY_SET, Expression
from engine.regular.numbers import FLOAT_DIGITS, decimals, exponents, numbers

SMALL = st.builds(lambda digits, places: Decimal(digits).scaleb(-places), st.integers(-4000, 4000), st.integers(0, 4))
FLOATS = st.floats(allow_nan=False, allow_infinity=False).map(lambda value: Decimal(repr(value)))
BOUND = st.one_of(st.none(), SMALL, SMALL)
ROOM = st.sampled_from([None, None, None, 0, 1, 2, 3])
STEP = st.sampled_from(
    ["0.01", "0.5", "0.25", "2.5", "0.3", "0.7", "1.5", "3", "7", "12", "0.12", "10", "0.001", "1.1"]
)


@st.composite
def spellings(draw: st.DrawFn) -> str:
    """JSON numbers without exponent, and a few that JSON does not allow."""
    whole = str(draw(st.one_of(st.integers(0, 12), st.integers(0, 5000))))
    digits = draw(st.text(st.sampled_from("0001259"), max_size=5))
    return draw(st.sampled_from(["", "", "-", "+", "0"])) + whole + draw(st.sampled_from(["." + digits, ""]))


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def near(bound: Decimal | None) -> list[str]:
    if bound is None:
        return []
    text = format(bound, "f")
    point = "" if "." in text else "."
    return [text, f"{text}{point}0", f"{text}{point}1", f"{text}{point}001", f"-{text}".replace("--", ""), text[:-1]]


def accepted(
    text: str, low: Decimal | None, high: Decimal | None, low_strict: bool, high_strict: bool, room: int | None
) -> bool:
    if not is_json(text):
        return False
    value = Decimal(text)
    above = low is None or (value > low if low_strict else value >= low)
    below = high is None or (value < high if high_strict else value <= high)
    return above and below and (room is None or len(text.partition(".")[2]) <= room)


@given(BOUND, BOUND, st.booleans(), st.booleans(), ROOM, st.lists(spellings(), max_size=30))
def test_a_range_holds_exactly_its_decimals(
    low: Decimal | None, high: Decimal | None, low_strict: bool, high_strict: bool, room: int | None, texts: list[str]
) -> None:
    language = decimals(low, high, exclusive_minimum=low_strict, exclusive_maximum=high_strict, fraction_digits=room)
    for text in [*texts, *near(low), *near(high), "0", "-0", "0.0", "-0.00", "", "-", ".", "1.", ".1", "1e0"]:
        expected = accepted(text, low, high, low_strict, high_strict, room) and "e" not in text
        assert language.matches(text) == expected, text


@given(BOUND, BOUND, STEP, st.lists(spellings(), max_size=10), st.lists(st.integers(-500, 500), max_size=20))
def test_multiples_of_a_decimal_are_exact(
    low: Decimal | None, high: Decimal | None, step: str, texts: list[str], factors: list[int]
) -> None:
    language = decimals(low, high, multiple_of=Decimal(step))
    multiples = [format(Decimal(step) * factor, "f") for factor in factors]
    for text in [*texts, *multiples, *(f"{m}0" if "." in m else f"{m}.00" for m in multiples), "0", "-0.0"]:
        expected = accepted(text, low, high, False, False, None) and Fraction(text) % Fraction(step) == 0
        assert language.matches(text) == expected, text


@given(
    st.one_of(st.none(), SMALL, FLOATS),
    st.one_of(st.none(), SMALL, FLOATS),
    st.booleans(),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_no_reader_of_doubles_sees_a_number_out_of_range(
    low: Decimal | None, high: Decimal | None, low_strict: bool, high_strict: bool, rng: random.Random
) -> None:
    # beyond a whole bound that large, integers count as they are written
    assume(not any(b is not None and s and abs(b) >= 2**53 for b, s in ((low, low_strict), (high, high_strict))))
    language = decimals(low, high, exclusive_minimum=low_strict, exclusive_maximum=high_strict)
    assume(language.alive)
    limits = Field(
        gt=float(low) if low is not None and low_strict else None,
        ge=float(low) if low is not None and not low_strict else None,
        lt=float(high) if high is not None and high_strict else None,
        le=float(high) if high is not None and not high_strict else None,
    )
    adapter: TypeAdapter[float] = TypeAdapter(Annotated[float, limits])
    for _ in range(5):
        text = walk(language, rng)
        value = adapter.validate_json(text)
        assert math.isfinite(value)
        assert value == float(text)


def walk(language: Expression, rng: random.Random) -> str:
    text, state = "", language
    while not (state.nullable and rng.random() < 0.1) and state.transitions and len(text) < 400:
        members, state = rng.choice(state.transitions)
        text += chr(rng.choice([members[0][0], members[-1][1], rng.randint(*rng.choice(members))]))
    return text + state.shortest


@pytest.mark.parametrize("bound", ["1", "0.1", "0", "-0.3", "1e-300", "5e-324", "123456.789", "9007199254740992"])
def test_beyond_an_exclusive_bound_begins_the_next_double(bound: str) -> None:
    language = decimals(Decimal(bound), None, exclusive_minimum=True)
    following = math.nextafter(float(bound), math.inf)
    if float(bound) == 0:
        following = 1e-300
    assert language.matches(format(Decimal(repr(following)), "f"))
    assert not language.matches(format(Decimal(bound), "f"))
    assert Decimal(language.shortest) > Decimal(bound)
    almost = format(Decimal(bound), "f")
    almost += ("." if "." not in almost else "") + "0" * 340 + "1"
    assert not language.matches(almost)
    assert float(almost) == float(bound)


@pytest.mark.parametrize("bound", [2**53 + 1, 10**23, 10**23 - 1, 2**70 + 3, 10**308 + 1])
@pytest.mark.parametrize("strict", [True, False])
def test_whole_bounds_that_are_no_doubles_hold_for_integers_and_doubles(bound: int, strict: bool) -> None:
    language = decimals(Decimal(bound), None, exclusive_minimum=strict)
    mirrored = decimals(None, Decimal(-bound), exclusive_maximum=strict)
    for distance in (-(2**20), -2, -1, 0, 1, 2, 2**20):
        for text in (str(bound + distance), f"{bound + distance}.0", f"{bound + distance}.5"):
            value = json.loads(text)
            valid = value > bound if strict else value >= bound
            assert valid or not language.matches(text), text
            assert language.matches(text) == mirrored.matches("-" + text)
            if valid and "." not in text and len(text) <= FLOAT_DIGITS:
                assert language.matches(text), text


def test_bounds_beyond_all_doubles() -> None:
    assert decimals(Decimal("1e309"), None) is EMPTY_SET
    assert decimals(None, Decimal("-1e400")) is EMPTY_SET
    assert decimals(Decimal("1e999999999"), None) is EMPTY_SET
    everything = decimals(Decimal("-1e999999999"), Decimal("1e999999999"))
    assert everything.matches("9" * FLOAT_DIGITS)
    assert decimals(Decimal("1e-999999999"), None).matches("0.1")
    assert decimals(Decimal(1), Decimal(0)) is EMPTY_SET


@pytest.mark.parametrize("high", ["0.5", "0.005", "1", "7.25"])
@pytest.mark.parametrize("room", [None, 2, 5])
def test_above_zero_means_not_zero(high: str, room: int | None) -> None:
    language = decimals(Decimal(0), Decimal(high), exclusive_minimum=True, fraction_digits=room)
    mirrored = decimals(Decimal("-" + high), Decimal(0), exclusive_maximum=True, fraction_digits=room)
    for text in ("0", "0.0", "0.00", "-0", "0.01", "0.001", "0.005", "0.0049", "0.5", "0.51", "1", "1.00", "7.25", "8"):
        places = len(text.partition(".")[2])
        expected = 0 < Decimal(text) <= Decimal(high) and (room is None or places <= room)
        assert language.matches(text) == expected, text
        assert mirrored.matches("-" + text) == expected, text
    assert decimals(Decimal(0), Decimal(0), exclusive_minimum=True) is EMPTY_SET
    assert decimals(Decimal(0), Decimal(0), exclusive_maximum=True) is EMPTY_SET
    assert decimals(Decimal(0), Decimal(0)).matches("-0.0")


@pytest.mark.parametrize("step", ["0.00123", "1e-40", "1e-999999999", "1e999999999", "123.457"])
def test_a_step_with_too_many_remainders_is_refused(step: str) -> None:
    with pytest.raises(GrammarTooComplex):
        decimals(None, None, multiple_of=Decimal(step))


def test_few_multiples_of_any_step_are_listed() -> None:
    language = decimals(Decimal(1), Decimal(2), multiple_of=Decimal("0.00123"))
    assert language.matches("1.00122")
    assert language.matches("1.9987500")
    assert not language.matches("1.00121")
    assert not language.matches("1")


NUMBER = st.from_regex(r"-?(0|[1-9][0-9]{0,5})(\.[0-9]{1,4})?([eE][+-]?[0-9]{1,4})?", fullmatch=True)


@given(NUMBER)
def test_numbers_are_those_of_json_that_do_not_overflow(text: str) -> None:
    has_exponent = "e" in text.lower()
    assert numbers().matches(text) or exponents_too_large(text)
    assert exponents().matches(text) == (has_exponent and numbers().matches(text))
    if numbers().matches(text):
        assert math.isfinite(float(text))


def exponents_too_large(text: str) -> bool:
    mantissa, _, exponent = text.lower().partition("e")
    return int(exponent or 0) + len(mantissa.lstrip("-").partition(".")[0]) > 250


@given(st.randoms(use_true_random=False))
def test_what_can_be_written_as_a_number_is_finite_for_python_and_pydantic(rng: random.Random) -> None:
    adapter = TypeAdapter(float)
    for language in (numbers(), exponents()):
        text = walk(language, rng)
        assert math.isfinite(float(json.loads(text)))
        assert adapter.validate_json(text) == float(text)


@pytest.mark.parametrize(
    "text", ["", "-", "01", "1.", ".5", "+1", "1e", "1e+", "NaN", "Infinity", "0x1", "1 ", "1e1.0", "--1", "1e309", "٣"]
)
def test_what_is_no_finite_json_number_is_not_written(text: str) -> None:
    assert not numbers().matches(text)
    assert not exponents().matches(text)


@pytest.mark.parametrize("text", ["0e99999", "-0.0E+7", "1e-99999", "9e307", "1e00000005", "12345678E300", "1e0"])
def test_exponents_reach_far(text: str) -> None:
    assert exponents().matches(text)
    assert math.isfinite(TypeAdapter(float).validate_json(text))
