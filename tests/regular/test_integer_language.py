"""Integers in ranges, against Python's integers and its reading of JSON."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import GrammarTooComplex
from engine.regular.expression import EMPTY_SET
from engine.regular.integers import EXACT, INTEGER_DIGITS
from engine.regular.numbers import integers

WHOLE = st.one_of(st.integers(-200, 200), st.integers(-(10**6), 10**6), st.integers(-(10**40), 10**40))
BOUND = st.one_of(st.none(), WHOLE)
STEP = st.one_of(st.none(), st.integers(1, 40), st.sampled_from([60, 100, 120, 1000, 3600, 2500]))
NOT_CANONICAL = ["", "-", "-0", "00", "01", "-01", "+1", "1.0", "1e2", " 1", "1 ", "1_0", "١"]


def len_of(bound: int) -> str:
    return f"{bound.bit_length()} bits"


def inside(value: int, low: int | None, high: int | None, step: int | None = None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high) and (step is None or value % step == 0)


@given(BOUND, BOUND, st.lists(WHOLE, max_size=30), st.integers(-3, 3))
def test_a_range_holds_exactly_its_integers(
    low: int | None, high: int | None, values: list[int], distance: int
) -> None:
    language = integers(low, high)
    near = [bound + distance for bound in (low, high) if bound is not None]
    for value in values + near + [0, 9, 10, 99, 100, -9, -10]:
        assert language.matches(str(value)) == inside(value, low, high), value
    assert not any(map(language.matches, NOT_CANONICAL))


@given(BOUND, BOUND, STEP, st.lists(WHOLE, max_size=20))
def test_multiples_are_exact_below_zero_too(
    low: int | None, high: int | None, step: int | None, values: list[int]
) -> None:
    language = integers(low, high, multiple_of=step)
    for value in values + [value * (step or 1) for value in values] + list(range(-30, 30)):
        assert language.matches(str(value)) == inside(value, low, high, step), value


@given(BOUND, BOUND, STEP, st.lists(WHOLE, max_size=10), st.integers(0, 4))
def test_other_spellings_have_the_same_values(
    low: int | None, high: int | None, step: int | None, values: list[int], zeros: int
) -> None:
    language = integers(low, high, multiple_of=step, fraction_zeros=True)
    for value in [*values, 0, 1, -1, *(v * (step or 1) for v in values)]:
        text = f"{value}." + "0" * zeros if zeros else str(value)
        expected = inside(value, low, high, step) and (not zeros or abs(value) <= EXACT)
        assert language.matches(text) == expected, text
        assert not language.matches(f"{value}.01")
        assert not language.matches(f"{value}.")
    assert language.matches("-0") == language.matches("-0.00") == inside(0, low, high, step)


@given(BOUND, BOUND, STEP, st.randoms(use_true_random=False))
def test_what_can_be_written_is_in_range(
    low: int | None, high: int | None, step: int | None, rng: random.Random
) -> None:
    language = integers(low, high, multiple_of=step)
    if not language.alive:
        assert low is not None
        assert high is not None
        assert low > high or -(-low // (step or 1)) * (step or 1) > high
        return
    text, state = "", language
    while not (state.nullable and rng.random() < 0.3) and state.transitions and len(text) < 60:
        members, state = rng.choice(state.transitions)
        text += chr(rng.randint(*rng.choice(members)))
    text += state.shortest
    value = json.loads(text)
    assert type(value) is int
    assert str(value) == text
    assert inside(value, low, high, step)


@pytest.mark.parametrize(
    ("low", "high"),
    [(5, 3), (10**INTEGER_DIGITS, None), (None, -(10**INTEGER_DIGITS)), (10**5000, 10**5001)],
    ids=["empty", "too high", "too low", "both too high"],
)
def test_ranges_without_an_integer_that_can_be_read(low: int | None, high: int | None) -> None:
    assert integers(low, high) is EMPTY_SET


@pytest.mark.parametrize("bound", [10**308, 10**308 + 7, 3 * 10**400 - 1, 10**4299, 10**INTEGER_DIGITS - 1], ids=len_of)
def test_bounds_of_any_size(bound: int) -> None:
    above, below = integers(bound, None), integers(None, bound)
    for value in (bound - 1, bound, bound + 1, bound // 2, bound * 3):
        if value >= 10**INTEGER_DIGITS:
            continue
        assert above.matches(str(value)) == (value >= bound)
        assert below.matches(str(value)) == (value <= bound)
    assert json.loads(above.shortest) >= bound
    assert not above.matches("1" * (INTEGER_DIGITS + 1))
    assert above.matches("9" * INTEGER_DIGITS)


def test_a_step_that_is_too_large_is_refused_unless_its_multiples_are_few() -> None:
    with pytest.raises(GrammarTooComplex):
        integers(0, None, multiple_of=999_983)
    with pytest.raises(GrammarTooComplex):
        integers(0, None, multiple_of=10**5000 + 1)
    language = integers(0, 10**7, multiple_of=999_983)
    assert [n for n in range(0, 10**7, 999_983) if not language.matches(str(n))] == []
    assert not language.matches("999984")


def test_powers_of_ten_cost_nothing() -> None:
    language = integers(1, None, multiple_of=10**30)
    assert language.matches("7" + "0" * 30)
    assert not language.matches("70" + "0" * 28)


@pytest.mark.parametrize(("low", "high"), [(None, None), (-(10**20), 10**20)])
def test_a_point_is_written_only_where_doubles_are_exact(low: int | None, high: int | None) -> None:
    language = integers(low, high, fraction_zeros=True)
    for sign in (1, -1):
        for value in (EXACT - 1, EXACT, EXACT + 1, EXACT + 2, 10**19):
            assert language.matches(str(sign * value))
            assert language.matches(f"{sign * value}.0") == (value <= EXACT)
