"""Languages of JSON numbers: integers and decimals in exact ranges, multiples, and numbers with an exponent.

A range is built from the digits of its bounds: equal so far, already above, already below. Long bounds are split in the
middle, so that the expressions are shallow and derivatives cheap; a bound of 300 digits takes milliseconds.

Soundness under doubles, which readers turn decimals into. Rounding is monotonic, so a decimal on the right side of an
inclusive bound stays there. Beyond an exclusive bound b it could round onto b; there the decimals begin at the next double
after b (written shortly), beyond zero at 1e-300. Whole bounds that are no doubles (over 2**53) are handled likewise.
Nothing reaches infinity: the integral part has at most 308 digits, fewer before a positive exponent.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache, lru_cache

from engine.errors import GrammarTooComplex
from engine.regular.expression import (
    EMPTY,
    NOTHING,
    Expression,
    both,
    chars,
    concat,
    multiple,
    nonempty,
    optional,
    repeat,
    text,
    union,
    words,
)

INTEGER_DIGITS = 4300
"""Python's own limit for reading an integer."""
FLOAT_DIGITS = 308
"""So many digits of an integral part are always below the largest double."""
LEADING_ZEROS = 300

_EXACT = 2**53
_LISTED = 2000
_CHUNK = 24
_RESIDUES = 4000
_STEP_DIGITS = 30

_DIGIT = chars(((48, 57),))
_DIGITS = repeat(_DIGIT, 0, None)
_NONZERO = chars(((49, 57),))
_ZERO = text("0")
_ZEROS = repeat(_ZERO, 0, None)
_POINT = text(".")


def _digits(low: int, high: int) -> Expression:
    """One digit between these two values."""
    return chars(((48 + low, 48 + high),)) if low <= high else NOTHING


def _at_least(bound: str, equal: Expression, above: Expression) -> Expression:
    """As many digits as `bound` has: the same ones, then `equal`; or greater ones, then `above`."""
    if len(bound) > _CHUNK:
        middle = len(bound) // 2
        head, tail = bound[:middle], bound[middle:]
        greater = concat(_at_least(head, NOTHING, EMPTY), repeat(_DIGIT, len(tail), len(tail)), above)
        return union(greater, concat(text(head), _at_least(tail, equal, above)))
    found = equal
    for index in range(len(bound) - 1, -1, -1):
        digit, rest = int(bound[index]), len(bound) - index - 1
        greater = concat(_digits(digit + 1, 9), repeat(_DIGIT, rest, rest), above)
        found = union(greater, concat(_digits(digit, digit), found))
    return found


def _at_most(bound: str, equal: Expression, below: Expression) -> Expression:
    """As many digits as `bound` has: the same ones, then `equal`; or smaller ones, then `below`."""
    if len(bound) > _CHUNK:
        middle = len(bound) // 2
        head, tail = bound[:middle], bound[middle:]
        smaller = concat(_at_most(head, NOTHING, EMPTY), repeat(_DIGIT, len(tail), len(tail)), below)
        return union(smaller, concat(text(head), _at_most(tail, equal, below)))
    found = equal
    for index in range(len(bound) - 1, -1, -1):
        digit, rest = int(bound[index]), len(bound) - index - 1
        smaller = concat(_digits(0, digit - 1), repeat(_DIGIT, rest, rest), below)
        found = union(smaller, concat(_digits(digit, digit), found))
    return found


def _ranged(low: str, high: str, ends: tuple[Expression, Expression, Expression, Expression]) -> Expression:
    """Digits between two bounds of one length; then what must follow the low bound, the high one, both, or neither."""
    at_low, at_high, at_both, free = ends
    same = 0
    while same < len(low) and low[same] == high[same]:
        same += 1
    if same == len(low):
        return concat(text(low), at_both)
    rest = len(low) - same - 1
    first, last = int(low[same]), int(high[same])
    return concat(
        text(low[:same]),
        union(
            concat(_digits(first, first), _at_least(low[same + 1 :], at_low, free)),
            concat(_digits(first + 1, last - 1), repeat(_DIGIT, rest, rest), free),
            concat(_digits(last, last), _at_most(high[same + 1 :], at_high, free)),
        ),
    )


def _whole(
    low: str, high: str | None, limit: int, ends: tuple[Expression, Expression, Expression, Expression]
) -> Expression:
    """Digits without leading zeros between two bounds of any lengths, `high` being at least `low`; up to `limit`
    digits if there is no high bound."""
    at_low, at_high, _, free = ends
    if high is not None and len(low) == len(high):
        return _ranged(low, high, ends)
    longest = limit if high is None else len(high) - 1
    found = [_at_least(low, at_low, free)]
    if longest > len(low):
        found.append(concat(_NONZERO, repeat(_DIGIT, len(low), longest - 1), free))
    if high is not None:
        found.append(_ranged("1" + "0" * (len(high) - 1), high, (free, at_high, at_high, free)))
    return union(*found)


_PLAIN_ENDS = (EMPTY, EMPTY, EMPTY, EMPTY)


@lru_cache(maxsize=1 << 10)
def integers(
    minimum: int | None, maximum: int | None, *, multiple_of: int | None = None, fraction_zeros: bool = False
) -> Expression:
    """JSON integers in the range, as `str(int)` writes them, of at most INTEGER_DIGITS digits.

    `fraction_zeros` adds the other spellings of the same values: `-0`, and, up to 2**53, where a double is still exact,
    `1.0`, `1.00` and so on. A `multiple_of` too large for an automaton raises GrammarTooComplex.
    """
    if multiple_of is not None and multiple_of <= 0:
        raise ValueError("multiple_of must be positive")
    plain = _canonical_integers(minimum, maximum, multiple_of)
    if not fraction_zeros:
        return plain
    zero = (minimum is None or minimum <= 0) and (maximum is None or maximum >= 0)
    low = -_EXACT if minimum is None else max(minimum, -_EXACT)
    high = _EXACT if maximum is None else min(maximum, _EXACT)
    minus_zero = text("-0") if zero else NOTHING
    exact = union(_canonical_integers(low, high, multiple_of), minus_zero)
    return union(plain, minus_zero, concat(exact, _POINT, repeat(_ZERO, 1, None)))


def _canonical_integers(minimum: int | None, maximum: int | None, multiple_of: int | None) -> Expression:
    largest = 10**INTEGER_DIGITS - 1
    if minimum is not None and minimum < -largest:
        minimum = None
    if maximum is not None and maximum > largest:
        maximum = None
    if (minimum is not None and minimum > largest) or (maximum is not None and maximum < -largest):
        return NOTHING
    if minimum is not None and maximum is not None:
        if multiple_of is not None:
            first, last = -(-minimum // multiple_of), maximum // multiple_of
            if last - first < _LISTED:
                return words(str(factor * multiple_of) for factor in range(first, last + 1))
        if minimum > maximum:
            return NOTHING
    positive = _naturals(max(minimum or 0, 0), maximum, multiple_of)
    if minimum is not None and minimum >= 0:
        return positive
    high = None if minimum is None else -minimum
    negative = _naturals(1 if maximum is None else max(-maximum, 1), high, multiple_of)
    return union(positive, concat(text("-"), negative))


def _naturals(low: int, high: int | None, multiple_of: int | None) -> Expression:
    if high is not None and high < low:
        return NOTHING
    found = _whole(str(low), None if high is None else str(high), INTEGER_DIGITS, _PLAIN_ENDS)
    return found if multiple_of in (None, 1) else both(found, _multiples(multiple_of))


def _multiples(modulus: int) -> Expression:
    """Digits without leading zeros whose value is a multiple; the powers of ten in it need no counting."""
    zeros = 0
    while modulus % 10 == 0:
        modulus, zeros = modulus // 10, zeros + 1
    if modulus > _RESIDUES:
        raise GrammarTooComplex(f"a multiple of {modulus}", _RESIDUES)
    whole = concat(_NONZERO, _DIGITS)
    counted = whole if modulus == 1 else both(whole, multiple(modulus))
    return union(_ZERO, concat(counted, repeat(_ZERO, zeros, zeros)))


@dataclass(frozen=True, slots=True)
class _Magnitude:
    """A bound without its sign: the digits before and after the point; `strict`: the bound itself is out."""

    whole: str
    fraction: str
    strict: bool = False

    @classmethod
    def of(cls, bound: Decimal, strict: bool = False) -> _Magnitude:
        _, digits, exponent = bound.as_tuple()
        assert isinstance(exponent, int)
        written = "".join(map(str, digits)) + "0" * max(exponent, 0)
        point = len(written) + min(exponent, 0)
        whole, fraction = written[: max(point, 0)], "0" * -min(point, 0) + written[max(point, 0) :]
        return cls(whole.lstrip("0") or "0", fraction.rstrip("0"), strict)

    @property
    def key(self) -> tuple[int, str, str]:
        """Sorts as the value does."""
        return len(self.whole), self.whole, self.fraction


_LEAST = _Magnitude("0", "")


def _less(room: int | None, used: int) -> int | None:
    return None if room is None else room - used


def _runs(digits: str, room: int | None) -> Iterator[tuple[int, int]]:
    """Begin and end of each digit, from the last to the first; neighbouring zeros together if `room` has no limit."""
    end = len(digits)
    while end > 0:
        begin = end - 1
        while room is None and begin > 0 and digits[begin - 1 : end].strip("0") == "":
            begin -= 1
        yield begin, end
        end = begin


def _fraction_from(digits: str, strict: bool, room: int | None) -> Expression:
    """Fractions (without the point; none counts as zero) that are at least `digits`, or beyond them if `strict`."""
    digits = digits.rstrip("0")
    found = _positive_fraction(_less(room, len(digits))) if strict else repeat(_DIGIT, 0, _less(room, len(digits)))
    for begin, end in _runs(digits, room):
        if digits[begin] == "0":
            greater = concat(repeat(_ZERO, 0, end - begin - 1), _NONZERO)
        else:
            greater = _digits(int(digits[begin]) + 1, 9)
        rest = repeat(_DIGIT, 0, _less(room, begin + 1))
        found = union(concat(greater, rest), concat(text(digits[begin:end]), found))
    return found


def _positive_fraction(room: int | None) -> Expression:
    if room is None:
        return concat(repeat(_ZERO, 0, LEADING_ZEROS), _NONZERO, _DIGITS)
    found = NOTHING
    for left in range(room):
        found = union(concat(_NONZERO, repeat(_DIGIT, 0, left)), concat(_ZERO, found))
    return found


def _fraction_to(digits: str, strict: bool, room: int | None) -> Expression:
    """Fractions that are at most `digits`, or below them if `strict`."""
    digits = digits.rstrip("0")
    found = NOTHING if strict else repeat(_ZERO, 0, _less(room, len(digits)))
    for begin, end in _runs(digits, room):
        fewer = EMPTY if digits[begin] != "0" else repeat(_ZERO, 0, end - begin - 1)
        smaller = concat(_digits(0, int(digits[begin]) - 1), repeat(_DIGIT, 0, _less(room, begin + 1)))
        found = union(fewer, smaller, concat(text(digits[begin:end]), found))
    return found


def _fraction_within(low: _Magnitude, high: _Magnitude, room: int | None) -> Expression:
    """Fractions between those of two bounds with the same integral part."""
    length = max(len(low.fraction), len(high.fraction))
    least, most = low.fraction.ljust(length, "0"), high.fraction.ljust(length, "0")
    same = 0
    while same < length and least[same] == most[same]:
        same += 1
    short = len(low.fraction)
    early = NOTHING
    if short <= same and not low.strict:
        zeros = _less(room, short) if same == length else same - short
        early = concat(text(low.fraction), repeat(_ZERO, 0, zeros))
    if same == length:
        return NOTHING if high.strict else early
    first, last, left = int(least[same]), int(most[same]), _less(room, same + 1)
    later = union(
        concat(_digits(first, first), _fraction_from(least[same + 1 :], low.strict, left)),
        concat(_digits(first + 1, last - 1), repeat(_DIGIT, 0, left)),
        concat(_digits(last, last), _fraction_to(most[same + 1 :], high.strict, left)),
    )
    return union(early, concat(text(least[:same]), later))


def _pointed(fraction: Expression) -> Expression:
    """The fraction behind its point; nothing where the fraction may be empty."""
    return union(EMPTY if fraction.nullable else NOTHING, concat(_POINT, nonempty(fraction)))


def _magnitudes(low: _Magnitude, high: _Magnitude | None, room: int | None) -> Expression:
    """Numbers without sign and exponent between two bounds, with at most `room` digits after the point."""
    if room is not None:
        low, high = _rounded_up(low, room), None if high is None else _rounded_down(high, room)
    if high is not None and (low.key > high.key or (low.key == high.key and (low.strict or high.strict))):
        return NOTHING
    at_low = _pointed(_fraction_from(low.fraction, low.strict, room))
    free = _pointed(repeat(_DIGIT, 0, room))
    if high is None:
        return _whole(low.whole, None, FLOAT_DIGITS, (at_low, free, free, free))
    at_high = _pointed(_fraction_to(high.fraction, high.strict, room))
    at_both = NOTHING if low.whole != high.whole else _pointed(_fraction_within(low, high, room))
    return _whole(low.whole, high.whole, FLOAT_DIGITS, (at_low, at_high, at_both, free))


def _rounded_up(bound: _Magnitude, room: int) -> _Magnitude:
    """The least number of so many digits after the point that is not below the bound."""
    if len(bound.fraction) <= room:
        return bound
    digits = str(int(bound.whole + bound.fraction[:room]) + 1).rjust(room + 1, "0")
    return _Magnitude(digits[: len(digits) - room], digits[len(digits) - room :].rstrip("0"))


def _rounded_down(bound: _Magnitude, room: int) -> _Magnitude:
    if len(bound.fraction) <= room:
        return bound
    return _Magnitude(bound.whole, bound.fraction[:room].rstrip("0"))


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
    low, low_strict = _beginning(minimum, exclusive_minimum)
    mirrored, high_strict = _beginning(None if maximum is None else maximum.copy_negate(), exclusive_maximum)
    high = None if mirrored is None else mirrored.copy_negate()
    if (low is not None and low > _LARGEST) or (high is not None and high < -_LARGEST):
        return NOTHING
    found = _signed(low, low_strict, high, high_strict, fraction_digits)
    if any(bound is not None and _EXACT <= bound.copy_abs() <= _LARGEST for bound in (minimum, maximum)):
        found = union(found, _whole_between(minimum, maximum, exclusive_minimum, exclusive_maximum))
    if multiple_of is None:
        return found
    return _multiple_decimals(found, low, high, multiple_of, fraction_digits)


def _beginning(bound: Decimal | None, exclusive: bool) -> tuple[Decimal | None, bool]:
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


def _whole_between(
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
    positive = negative = NOTHING
    if high is None or high >= 0:
        begin = _LEAST if low is None or low < 0 else _Magnitude.of(low, low_strict)
        positive = _magnitudes(begin, _ending(begin, high, high_strict), room)
    if low is None or low <= 0:
        begin = _LEAST if high is None or high > 0 else _Magnitude.of(high, high_strict)
        negative = _magnitudes(begin, _ending(begin, low, low_strict), room)
    return union(positive, concat(text("-"), negative))


def _ending(begin: _Magnitude, bound: Decimal | None, strict: bool) -> _Magnitude | None:
    """The upper bound of a magnitude; none is needed where FLOAT_DIGITS say enough."""
    if bound is None and len(begin.whole) <= FLOAT_DIGITS:
        return None
    if bound is None or abs(bound) > _LARGEST:
        return _Magnitude.of(_LARGEST)
    return _Magnitude.of(bound, strict)


def _multiple_decimals(
    ranged: Expression, low: Decimal | None, high: Decimal | None, step: Decimal, room: int | None
) -> Expression:
    """Those of `ranged` that are multiples of `step`, judged as decimals."""
    if step <= 0:
        raise ValueError("multiple_of must be positive")
    if not -_STEP_DIGITS <= step.adjusted() <= FLOAT_DIGITS:
        raise GrammarTooComplex(f"a multiple of {step}", _RESIDUES)
    fraction = Fraction(step)
    if low is not None and high is not None:
        first, last = math.ceil(Fraction(low) / fraction), math.floor(Fraction(high) / fraction)
        if last - first < _LISTED:
            return both(ranged, _listed(first, last, fraction))
    cycle = fraction.numerator  # the least whole number that is a multiple of `step`
    if cycle * fraction.denominator > _RESIDUES:
        raise GrammarTooComplex(f"a multiple of {step}", _RESIDUES)
    found = []
    for turn in range(fraction.denominator):
        whole, part = divmod(fraction * turn, 1)
        digits = _fraction_digits(part)
        tail = concat(_POINT, text(digits), _ZEROS) if digits else optional(concat(_POINT, repeat(_ZERO, 1, None)))
        found.append(concat(_congruent(cycle, int(whole)), tail))
    return both(ranged, concat(optional(text("-")), union(*found)))


def _listed(first: int, last: int, step: Fraction) -> Expression:
    """These multiples, each with any number of zeros at the end."""
    whole, broken = [], []
    for factor in range(first, last + 1):
        integral, part = divmod(abs(factor * step), 1)
        digits = _fraction_digits(part)
        signs = ("", "-") if factor == 0 else ("-",) if factor < 0 else ("",)
        (broken if digits else whole).extend(f"{sign}{integral}" + (f".{digits}" if digits else "") for sign in signs)
    zeros = optional(concat(_POINT, repeat(_ZERO, 1, None)))
    return union(concat(words(whole), zeros), concat(words(broken), _ZEROS))


def _fraction_digits(part: Fraction) -> str:
    """The digits after the point of a decimal fraction below one."""
    digits = ""
    while part:
        digit, part = divmod(part * 10, 1)
        digits += str(digit)
    return digits


@lru_cache(maxsize=1 << 10)
def _congruent(modulus: int, remainder: int) -> Expression:
    """Digits without leading zeros of the numbers that leave `remainder`.

    The twos and fives of the modulus look at the last digits only. For the rest, `multiple` can begin with any remainder
    r: then n digits x mean r * 10**n + x, so the lengths are told apart by their remainder modulo the order of ten.
    """
    plain = union(_ZERO, concat(_NONZERO, _DIGITS))
    if modulus == 1:
        return plain
    coprime, width = modulus, 0
    while (shared := math.gcd(coprime, 10)) > 1:
        coprime, width = coprime // shared, width + 1
    rest = modulus // coprime
    ends = [str(end).rjust(width, "0") for end in range(remainder % rest, 10**width, rest)] if width else []
    short = [str(value) for value in range(remainder % rest, 10 ** (width - 1), rest)] if width > 1 else []
    suffixed = union(concat(_DIGITS, words(ends)), words(short)) if width else plain
    if coprime == 1:
        return both(plain, suffixed)
    order = next(n for n in range(1, coprime + 1) if pow(10, n, coprime) == 1)
    lengths = []
    for length in range(1, order + 1):
        start = -remainder * pow(10, -length, coprime) % coprime
        counted = concat(repeat(_DIGIT, length, length), repeat(repeat(_DIGIT, order, order), 0, None))
        lengths.append(both(counted, multiple(coprime, start)))
    return both(plain, suffixed, union(*lengths))


_ABOVE = ((8, 300), (58, 250), (108, 200), (208, 100))
"""So many integral digits allow exponents up to so much; their sum stays at FLOAT_DIGITS."""


def _up_to(value: int) -> Expression:
    return concat(_ZEROS, _whole("0", str(value), FLOAT_DIGITS, _PLAIN_ENDS))


@cache
def exponents() -> Expression:
    """JSON numbers with an exponent, none of which overflows a double.

    Zero and negative exponents may be anything; before a positive one the integral digits and the exponent together
    come to at most FLOAT_DIGITS, in a few steps: 1 digit up to 307, 8 up to 300, 58 up to 250, 108 up to 200, 208 up
    to 100, and any up to zero.
    """
    letter, fraction = chars(((69, 69), (101, 101))), optional(concat(_POINT, repeat(_DIGIT, 1, None)))
    plus = optional(text("+"))
    found = [concat(_ZERO, fraction, letter, plus, _up_to(FLOAT_DIGITS))]
    zero = concat(_ZERO, optional(concat(_POINT, repeat(_ZERO, 1, None))))
    found.append(concat(zero, letter, plus, repeat(_DIGIT, 1, None)))
    found.append(concat(_NONZERO, fraction, letter, plus, _up_to(FLOAT_DIGITS - 1)))
    for digits, exponent in _ABOVE:
        found.append(concat(_NONZERO, repeat(_DIGIT, 0, digits - 1), fraction, letter, plus, _up_to(exponent)))
    whole = union(_ZERO, concat(_NONZERO, repeat(_DIGIT, 0, FLOAT_DIGITS - 1)))
    small = union(concat(text("-"), repeat(_DIGIT, 1, None)), concat(plus, repeat(_ZERO, 1, None)))
    found.append(concat(whole, fraction, letter, small))
    return concat(optional(text("-")), union(*found))


@cache
def numbers() -> Expression:
    """Any JSON number that does not overflow a double: at most FLOAT_DIGITS integral digits, or `exponents`."""
    return union(decimals(None, None), exponents())
