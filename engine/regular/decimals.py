"""JSON numbers without exponent: in an exact range, with so many digits after the point, multiples of a decimal.

Soundness under doubles, which readers turn decimals into. Rounding is monotonic, so a decimal on the right side of an
inclusive bound stays there. Beyond an exclusive bound b it could round onto b; there the decimals begin at the next
double after b (written shortly), beyond zero at 1e-301. Whole bounds that are no doubles (over 2**53) are handled
likewise. Nothing reaches infinity: the integral part has at most 308 digits, or a bound below infinity.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from engine.errors import GrammarTooComplex
from engine.regular.digits import POINT, RESIDUES, ZERO, ZEROS, congruent
from engine.regular.expression import (
    EMPTY_SET,
    Expression,
    concat,
    finite_set,
    intersection,
    optional,
    repeat,
    text,
    union,
)
from engine.regular.fraction import FLOAT_DIGITS, LEAST, Magnitude, magnitudes
from engine.regular.integers import EXACT, integers

_LISTED = 2000
_STEP_DIGITS = 30

_LARGEST = Decimal(int(sys.float_info.max))


@lru_cache(maxsize=1 << 10)
def decimals(
    minimum: Decimal | None,
    maximum: Decimal | None,
    *,
    exclusive_minimum: bool = False,
    exclusive_maximum: bool = False,
    fraction_digits: int | None = None,
    multiple_of: Decimal | None = None,
) -> Expression:
    """JSON numbers without exponent in the range, exact as decimals; of any number of digits after the point, zeros at
    the end included, or of at most `fraction_digits`. Zero may have a minus sign where zero is in range.

    A bound that is a whole number is taken as it is, any other one is meant as the double it names. Beyond an exclusive
    bound the numbers begin at the next double (see the module's text), so that none is rounded onto the bound.
    Without a maximum the integral part has at most FLOAT_DIGITS digits.
    """
    single = minimum == maximum and not (exclusive_minimum or exclusive_maximum or fraction_digits or multiple_of)
    if single and minimum is not None and abs(minimum) < EXACT and fraction_digits is None:
        return exactly((minimum,))
    low, low_strict = beginning(minimum, exclusive_minimum)
    mirrored, high_strict = beginning(None if maximum is None else maximum.copy_negate(), exclusive_maximum)
    high = None if mirrored is None else mirrored.copy_negate()
    if (low is not None and low > _LARGEST) or (high is not None and high < -_LARGEST):
        return EMPTY_SET
    found = _signed(low, low_strict, high, high_strict, fraction_digits)
    if any(bound is not None and EXACT <= bound.copy_abs() <= _LARGEST for bound in (minimum, maximum)):
        found = union(found, _integers_between(minimum, maximum, exclusive_minimum, exclusive_maximum))
    if multiple_of is None:
        return found
    return _multiple_decimals(found, low, high, multiple_of, fraction_digits)


def exactly(values: Iterable[Decimal]) -> Expression:
    """These numbers below 2**53, or zero where a double does not tell one from that; with any zeros at the end."""
    whole: list[str] = []
    broken: list[str] = []
    for value in values:
        shown = Decimal(0) if float(value) == 0 else value
        digits, _, behind = f"{abs(shown):f}".partition(".")
        behind = behind.rstrip("0")
        signs = ("", "-") if shown == 0 else ("-",) if shown < 0 else ("",)
        (broken if behind else whole).extend(f"{sign}{digits}" + (f".{behind}" if behind else "") for sign in signs)
    return _with_zeros(whole, broken)


def _with_zeros(whole: list[str], broken: list[str]) -> Expression:
    """Texts without and with digits behind the point, zeros at the end."""
    return union(
        concat(finite_set(whole), optional(concat(POINT, repeat(ZERO, 1, None)))), concat(finite_set(broken), ZEROS)
    )


def beginning(bound: Decimal | None, exclusive: bool) -> tuple[Decimal | None, bool]:
    """Where the decimals begin that a double keeps on the right side of a lower bound; and whether strictly."""
    if bound is None or (bound < -_LARGEST):
        return None, False
    if bound > _LARGEST:
        return bound, exclusive
    double = float(bound)
    if double == 0:
        return Decimal(0), exclusive
    exact = Decimal(double) if bound == int(bound) else bound
    if not exclusive and exact == bound:
        return bound, False
    if bound != int(bound) or exact < bound or (exclusive and exact == bound):
        double = math.nextafter(double, math.inf)
    return Decimal(int(double)) if double.is_integer() else Decimal(repr(double)), False


def _integers_between(
    minimum: Decimal | None, maximum: Decimal | None, exclusive_minimum: bool, exclusive_maximum: bool
) -> Expression:
    """The integers in range, which readers do not round."""
    low = high = None
    if minimum is not None and minimum >= -_LARGEST:
        low = math.floor(minimum) + 1 if exclusive_minimum else math.ceil(minimum)
    if maximum is not None and maximum <= _LARGEST:
        high = math.ceil(maximum) - 1 if exclusive_maximum else math.floor(maximum)
    cap = 10**FLOAT_DIGITS - 1
    return integers(-cap if low is None else low, cap if high is None else high)


def _signed(
    low: Decimal | None, low_strict: bool, high: Decimal | None, high_strict: bool, room: int | None
) -> Expression:
    positive = negative = EMPTY_SET
    if high is None or high > 0 or (high == 0 and not high_strict):
        begin = LEAST if low is None or low < 0 else Magnitude.of(low, low_strict)
        positive = magnitudes(begin, _ending(begin, high), room)
    if low is None or low < 0 or (low == 0 and not low_strict):
        begin = LEAST if high is None or high > 0 else Magnitude.of(high, high_strict)
        negative = magnitudes(begin, _ending(begin, low), room)
    return union(positive, concat(text("-"), negative))


def _ending(begin: Magnitude, bound: Decimal | None) -> Magnitude | None:
    """The upper bound of a magnitude; none is needed where FLOAT_DIGITS say enough."""
    if bound is None and len(begin.whole) <= FLOAT_DIGITS:
        return None
    return Magnitude.of(_LARGEST if bound is None or abs(bound) > _LARGEST else bound)


def _multiple_decimals(
    ranged: Expression, low: Decimal | None, high: Decimal | None, step: Decimal, room: int | None
) -> Expression:
    """Those of `ranged` that are multiples of `step`, judged as decimals."""
    if step <= 0:
        raise ValueError("multiple_of must be positive")
    if not -_STEP_DIGITS <= step.adjusted() <= FLOAT_DIGITS:
        raise GrammarTooComplex(f"a multiple of {step}", RESIDUES)
    fraction = Fraction(step)
    if low is not None and high is not None:
        first, last = math.ceil(Fraction(low) / fraction), math.floor(Fraction(high) / fraction)
        if last - first < _LISTED:
            return intersection(ranged, _listed(first, last, fraction))
    cycle = fraction.numerator  # the least whole number that is a multiple of `step`
    if cycle * fraction.denominator > RESIDUES:
        raise GrammarTooComplex(f"a multiple of {step}", RESIDUES)
    found = []
    for turn in range(fraction.denominator):
        whole, part = divmod(fraction * turn, 1)
        digits = _fraction_digits(part)
        tail = concat(POINT, text(digits), ZEROS) if digits else optional(concat(POINT, repeat(ZERO, 1, None)))
        found.append(concat(congruent(cycle, int(whole)), tail))
    return intersection(ranged, concat(optional(text("-")), union(*found)))


def _listed(first: int, last: int, step: Fraction) -> Expression:
    """These multiples, each with any number of zeros at the end."""
    whole: list[str] = []
    broken: list[str] = []
    for factor in range(first, last + 1):
        integral, part = divmod(abs(factor * step), 1)
        digits = _fraction_digits(part)
        signs = ("", "-") if factor == 0 else ("-",) if factor < 0 else ("",)
        (broken if digits else whole).extend(f"{sign}{integral}" + (f".{digits}" if digits else "") for sign in signs)
    return _with_zeros(whole, broken)


def _fraction_digits(part: Fraction) -> str:
    """The digits after the point of a decimal fraction below one."""
    digits = ""
    while part:
        digit, part = divmod(part * 10, 1)
        digits += str(digit)
    return digits
