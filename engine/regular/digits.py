"""Runs of decimal digits: in a range, and with a remainder.

A range is built from the digits of its bounds: equal so far, already above, already below. Long bounds are split in the
middle, so that the expressions are shallow and derivatives cheap; a bound of 300 digits takes milliseconds. Each run is
followed by an expression of its own for the case that it equals a bound, so that a fraction can go on from there.
"""

from __future__ import annotations

import math
from functools import lru_cache

from engine.errors import GrammarTooComplex
from engine.regular.expression import (
    EMPTY_SET,
    EMPTY_STRING,
    Expression,
    char_class,
    concat,
    finite_set,
    intersection,
    multiple,
    repeat,
    text,
    union,
)

_CHUNK = 24
RESIDUES = 4000

DIGIT = char_class(((48, 57),))
DIGITS = repeat(DIGIT, 0, None)
NONZERO = char_class(((49, 57),))
ZERO = text("0")
ZEROS = repeat(ZERO, 0, None)
POINT = text(".")

Tails = tuple[Expression, Expression, Expression, Expression]
"""What must follow digits equal to the low bound, to the high one, to both, and any other."""

NO_TAILS: Tails = (EMPTY_STRING, EMPTY_STRING, EMPTY_STRING, EMPTY_STRING)


def one_of(low: int, high: int) -> Expression:
    """One digit between these two values."""
    return char_class(((48 + low, 48 + high),)) if low <= high else EMPTY_SET


def at_least(bound: str, equal: Expression, above: Expression) -> Expression:
    """As many digits as `bound` has: the same ones, then `equal`; or greater ones, then `above`."""
    if len(bound) > _CHUNK:
        middle = len(bound) // 2
        head, tail = bound[:middle], bound[middle:]
        greater = concat(at_least(head, EMPTY_SET, EMPTY_STRING), repeat(DIGIT, len(tail), len(tail)), above)
        return union(greater, concat(text(head), at_least(tail, equal, above)))
    found = equal
    for index in range(len(bound) - 1, -1, -1):
        digit, rest = int(bound[index]), len(bound) - index - 1
        greater = concat(one_of(digit + 1, 9), repeat(DIGIT, rest, rest), above)
        found = union(greater, concat(one_of(digit, digit), found))
    return found


def at_most(bound: str, equal: Expression, below: Expression) -> Expression:
    """As many digits as `bound` has: the same ones, then `equal`; or smaller ones, then `below`."""
    if len(bound) > _CHUNK:
        middle = len(bound) // 2
        head, tail = bound[:middle], bound[middle:]
        smaller = concat(at_most(head, EMPTY_SET, EMPTY_STRING), repeat(DIGIT, len(tail), len(tail)), below)
        return union(smaller, concat(text(head), at_most(tail, equal, below)))
    found = equal
    for index in range(len(bound) - 1, -1, -1):
        digit, rest = int(bound[index]), len(bound) - index - 1
        smaller = concat(one_of(0, digit - 1), repeat(DIGIT, rest, rest), below)
        found = union(smaller, concat(one_of(digit, digit), found))
    return found


def ranged(low: str, high: str, ends: Tails) -> Expression:
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
            concat(one_of(first, first), at_least(low[same + 1 :], at_low, free)),
            concat(one_of(first + 1, last - 1), repeat(DIGIT, rest, rest), free),
            concat(one_of(last, last), at_most(high[same + 1 :], at_high, free)),
        ),
    )


def whole_part(low: str, high: str | None, limit: int, ends: Tails) -> Expression:
    """Digits without leading zeros between two bounds of any lengths, `high` being at least `low`; up to `limit`
    digits if there is no high bound."""
    at_low, at_high, _, free = ends
    if high is not None and len(low) == len(high):
        return ranged(low, high, ends)
    longest = limit if high is None else len(high) - 1
    found = [at_least(low, at_low, free)]
    if longest > len(low):
        found.append(concat(NONZERO, repeat(DIGIT, len(low), longest - 1), free))
    if high is not None:
        found.append(ranged("1" + "0" * (len(high) - 1), high, (free, at_high, at_high, free)))
    return union(*found)


def multiples(modulus: int) -> Expression:
    """Digits without leading zeros whose value is a multiple; the powers of ten in it need no counting."""
    zeros = 0
    while modulus % 10 == 0:
        modulus, zeros = modulus // 10, zeros + 1
    if modulus > RESIDUES:
        shown = str(modulus) if modulus.bit_length() < 100 else f"a number of {modulus.bit_length()} bits"
        raise GrammarTooComplex(f"a multiple of {shown}", RESIDUES)
    whole = concat(NONZERO, DIGITS)
    counted = whole if modulus == 1 else intersection(whole, multiple(modulus))
    return union(ZERO, concat(counted, repeat(ZERO, zeros, zeros)))


@lru_cache(maxsize=1 << 10)
def congruent(modulus: int, remainder: int) -> Expression:
    """Digits without leading zeros of the numbers that leave `remainder`.

    The twos and fives of the modulus look at the last digits only. For the rest, `multiple` can begin with any
    remainder r: then n digits x mean r * 10**n + x, so the lengths are told apart by their remainder modulo the order
    of ten.
    """
    # Of 12 and 5: the twos and fives of 12 make rest 4, seen in its last width 2 digits, which must leave 5 mod 4 = 1: they
    # are one of 01, 05, … 97 (or the whole number is 1, 5 or 9). coprime 3 leaves 5 mod 3 = 2 to be counted; ten leaves 1
    # mod 3, so its order is 1 and all lengths are alike. Together 5, 17, 29, 41 …
    plain = union(ZERO, concat(NONZERO, DIGITS))
    if modulus == 1:
        return plain
    coprime, width = modulus, 0
    while (shared := math.gcd(coprime, 10)) > 1:
        coprime, width = coprime // shared, width + 1
    rest = modulus // coprime
    ends = [str(end).rjust(width, "0") for end in range(remainder % rest, 10**width, rest)] if width else []
    short = [str(value) for value in range(remainder % rest, 10 ** (width - 1), rest)] if width > 1 else []
    suffixed = union(concat(DIGITS, finite_set(ends)), finite_set(short)) if width else plain
    if coprime == 1:
        return intersection(plain, suffixed)
    order = next(n for n in range(1, coprime + 1) if pow(10, n, coprime) == 1)
    lengths = []
    for length in range(1, order + 1):
        # `multiple` accepts n digits x with start * 10**n + x = 0; x leaves the remainder where start * 10**n = -remainder.
        start = -remainder * pow(10, -length, coprime) % coprime
        counted = concat(repeat(DIGIT, length, length), repeat(repeat(DIGIT, order, order), 0, None))
        lengths.append(intersection(counted, multiple(coprime, start)))
    return intersection(plain, suffixed, union(*lengths))
