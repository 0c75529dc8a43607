"""Numbers with an exponent: in the language exactly when Python reads them as a number within the bounds."""

from __future__ import annotations

from decimal import Decimal
from math import isinf

from hypothesis import example, given
from hypothesis import strategies as st

from engine.regular.scientific import INTEGER_EXPONENTS, PLACES, scientific, scientific_integers

BOUNDS = st.none() | st.sampled_from(
    [*map(Decimal, ("0", "1", "0.1", "-3.5", "100", "1e-7", "12345.678", "-40", "1e20"))]
)
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**6), max_value=10**6)


def spelled(value: Decimal, exponent: int, zeros: int, capital: bool) -> str:
    """The value times a power of ten, which the exponent takes back."""
    mantissa = f"{value.scaleb(-exponent):f}"
    mantissa += ("." if "." not in mantissa and zeros else "") + "0" * zeros
    return f"{mantissa}{'E' if capital else 'e'}{exponent:+03d}"


@given(
    low=BOUNDS, high=BOUNDS, above=st.booleans(), below=st.booleans(), value=NUMBERS | st.sampled_from(
        [*map(Decimal, ("0", "0.1", "-3.5", "100", "1e-7", "12345.678", "1e-320", "1e-400", "1e308", "2e308"))]
    ), exponent=st.integers(-6, 9), zeros=st.integers(0, 2), capital=st.booleans(),
)  # fmt: skip
@example(
    low=Decimal(0), high=None, above=True, below=False, value=Decimal("1e-400"), exponent=-395, zeros=0, capital=False
)
def test_bounds_hold_for_what_a_reader_makes_of_it(
    *,
    low: Decimal | None,
    high: Decimal | None,
    above: bool,
    below: bool,
    value: Decimal,
    exponent: int,
    zeros: int,
    capital: bool,
) -> None:
    if abs(value.adjusted()) > PLACES and value:
        exponent = value.adjusted()
    text = spelled(value, exponent, zeros, capital)
    read = float(text)
    inside = not isinf(read)
    if low is not None:
        inside &= read > float(low) if above else read >= float(low)
    if high is not None:
        inside &= read < float(high) if below else read <= float(high)
    assert scientific(low, high, exclusive_minimum=above, exclusive_maximum=below).matches(text) == inside


@given(
    low=st.none() | st.sampled_from([-100, 0, 1, 50]),
    high=st.none() | st.sampled_from([-7, 0, 99, 12_345]),
    value=NUMBERS | st.integers(-300, 300).map(Decimal),
    exponent=st.sampled_from(INTEGER_EXPONENTS),
    zeros=st.integers(0, 2),
)
def test_whole_numbers_hold_to_their_bounds_exactly(
    low: int | None, high: int | None, value: Decimal, exponent: int, zeros: int
) -> None:
    text = spelled(value, exponent, zeros, capital=False)
    inside = value == int(value) and (low is None or value >= low) and (high is None or value <= high)
    assert scientific_integers(low, high).matches(text) == inside


def test_whole_numbers_stop_where_doubles_are_exact() -> None:
    assert scientific_integers(None, None).matches("9007199254740992e0")
    assert not scientific_integers(None, None).matches("9007199254740993e0")
    assert scientific_integers(0, None).matches("-0.0e-99")
    assert not scientific_integers(1, None).matches("0e0")
