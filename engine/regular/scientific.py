"""JSON numbers with an exponent, within bounds.

A number is its digits S, the first of them not zero, and the power X of ten of the first digit. It is at least a bound with
S', X' when X > X', or X = X' and S >= S' as texts. Where the point stands among the digits only shifts the exponent, so a
range takes a few pieces for each place of the point: up to PLACES digits before it, or PLACES zeros behind it. Without bounds
every place is allowed: `engine.regular.numbers.exponents`. Doubles are kept on the right side as in `engine.regular.decimals`.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache

from engine.regular.decimals import beginning
from engine.regular.digits import DIGIT, DIGITS, NO_TAILS, NONZERO, POINT, ZERO, ZEROS, at_least, ranged, whole_part
from engine.regular.expression import (
    EMPTY_SET,
    Expression,
    char_class,
    concat,
    intersection,
    optional,
    repeat,
    text,
    union,
)
from engine.regular.fraction import FLOAT_DIGITS, Magnitude, fraction_from, fraction_to, magnitudes, pointed
from engine.regular.integers import EXACT

PLACES = 20
INTEGER_EXPONENTS = range(-6, 16)

_LETTER = char_class(((69, 69), (101, 101)))
_PLUS, _MINUS = optional(text("+")), text("-")
_SOME_ZEROS = optional(concat(POINT, ZERO, ZEROS))
_FRACTION = optional(concat(POINT, DIGIT, DIGITS))
_ZERO = concat(ZERO, _SOME_ZEROS, _LETTER, optional(union(text("+"), _MINUS)), DIGIT, DIGITS)
_TINIEST, _LARGEST = Decimal("5e-324"), Decimal("1.7976931348623157e308")  # of doubles, written shortly


@lru_cache(maxsize=1 << 10)
def scientific(
    minimum: Decimal | None,
    maximum: Decimal | None,
    *,
    exclusive_minimum: bool = False,
    exclusive_maximum: bool = False,
) -> Expression:
    """Numbers with an exponent in the range."""
    low, above_zero = beginning(minimum, exclusive_minimum)
    mirrored, below_zero = beginning(None if maximum is None else maximum.copy_negate(), exclusive_maximum)
    high = _LARGEST if mirrored is None else min(-mirrored, _LARGEST)
    low = -_LARGEST if low is None else max(low, -_LARGEST)
    if above_zero and low == 0:
        low = _TINIEST
    if below_zero and high == 0:
        high = -_TINIEST
    return union(_magnitudes(low, high), concat(_MINUS, _magnitudes(-high, -low)))


def _magnitudes(low: Decimal, high: Decimal) -> Expression:
    """Those between the bounds that have no minus sign."""
    if high < 0 or low > high:
        return EMPTY_SET
    zero = _ZERO if low <= 0 else EMPTY_SET
    if high == 0:
        return zero
    below = union(*_at_most(high))
    return union(zero, below if low <= 0 else intersection(below, union(*_at_least(low))))


def _digits(bound: Decimal) -> tuple[str, int]:
    digits = "".join(map(str, bound.as_tuple().digits))
    return digits.rstrip("0"), bound.adjusted()


def _at_least(bound: Decimal) -> Iterator[Expression]:
    digits, power = _digits(bound)
    for place in range(1, PLACES + 1):
        head, tail = digits[:place].ljust(place, "0"), digits[place:]
        enough = at_least(head, pointed(fraction_from(tail, False, None)), _FRACTION)
        yield concat(enough, _LETTER, _exponents_from(power - place + 1))
        yield concat(
            NONZERO, repeat(DIGIT, place - 1, place - 1), _FRACTION, _LETTER, _exponents_from(power - place + 2)
        )
    for zeros in range(PLACES + 1):
        before = text("0." + "0" * zeros)
        yield concat(before, fraction_from(digits, False, None), _LETTER, _exponents_from(power + zeros + 1))
        yield concat(before, NONZERO, DIGITS, _LETTER, _exponents_from(power + zeros + 2))


def _at_most(bound: Decimal) -> Iterator[Expression]:
    digits, power = _digits(bound)
    for place in range(1, PLACES + 1):
        head, tail = digits[:place].ljust(place, "0"), digits[place:]
        equal = pointed(fraction_to(tail, None))
        few = ranged("1" + "0" * (place - 1), head, (_FRACTION, equal, equal, _FRACTION))
        yield concat(few, _LETTER, _exponents_to(power - place + 1))
        yield concat(NONZERO, repeat(DIGIT, place - 1, place - 1), _FRACTION, _LETTER, _exponents_to(power - place))
    some = concat(NONZERO, DIGITS)
    for zeros in range(PLACES + 1):
        before = text("0." + "0" * zeros)
        yield concat(before, intersection(some, fraction_to(digits, None)), _LETTER, _exponents_to(power + zeros + 1))
        yield concat(before, some, _LETTER, _exponents_to(power + zeros))


def _from(value: int) -> Expression:
    return concat(ZEROS, whole_part(str(value), None, FLOAT_DIGITS, NO_TAILS))


def _to(value: int) -> Expression:
    return concat(ZEROS, whole_part("0", str(value), FLOAT_DIGITS, NO_TAILS))


def _exponents_from(least: int) -> Expression:
    if least > 0:
        return concat(_PLUS, _from(least))
    return union(concat(_PLUS, DIGIT, DIGITS), concat(_MINUS, _to(-least)))


def _exponents_to(most: int) -> Expression:
    if most < 0:
        return concat(_MINUS, _from(-most))
    return union(concat(_PLUS, _to(most)), concat(_MINUS, DIGIT, DIGITS))


@lru_cache(maxsize=1 << 10)
def scientific_integers(minimum: int | None, maximum: int | None) -> Expression:
    """Whole numbers in the range, up to 2**53 where a double is exact, with an exponent of INTEGER_EXPONENTS."""
    low = -EXACT if minimum is None else max(minimum, -EXACT)
    high = EXACT if maximum is None else min(maximum, EXACT)
    return union(_naturals(low, high), concat(_MINUS, _naturals(-high, -low)))


def _naturals(low: int, high: int) -> Expression:
    if high < 0 or low > high:
        return EMPTY_SET
    zero = _ZERO if low <= 0 else EMPTY_SET
    found = [zero]
    for exponent in INTEGER_EXPONENTS:
        begin, end = (Magnitude.of(Decimal(bound).scaleb(-exponent)) for bound in (max(low, 1), high))
        if begin.key <= end.key:
            written = concat(_MINUS if exponent < 0 else _PLUS, ZEROS, text(str(abs(exponent))))
            mantissa = intersection(magnitudes(begin, end, None), _whole(exponent))
            found.append(concat(mantissa, _LETTER, written))
    return union(*found)


def _whole(exponent: int) -> Expression:
    """What a power of ten makes whole."""
    if exponent > 0:
        return concat(DIGIT, DIGITS, optional(concat(POINT, DIGIT, repeat(DIGIT, 0, exponent - 1), ZEROS)))
    return concat(DIGITS, text("0" * -exponent), _SOME_ZEROS)
