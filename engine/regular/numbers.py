"""Languages of JSON numbers: `integers` and `decimals` in ranges, the same with an exponent, and any `numbers`.

Nothing overflows a double: the integral part has at most 308 digits, fewer before a positive exponent.
"""

from __future__ import annotations

from functools import cache

from engine.regular.decimals import decimals, exactly
from engine.regular.digits import DIGIT, NO_TAILS, NONZERO, POINT, ZERO, ZEROS, whole_part
from engine.regular.expression import Expression, char_class, concat, optional, repeat, text, union
from engine.regular.fraction import FLOAT_DIGITS
from engine.regular.integers import INTEGER_DIGITS, integers
from engine.regular.scientific import scientific, scientific_integers

__all__ = [
    "FLOAT_DIGITS",
    "INTEGER_DIGITS",
    "decimals",
    "exactly",
    "exponents",
    "integers",
    "numbers",
    "scientific",
    "scientific_integers",
]

_ABOVE = ((8, 300), (58, 250), (108, 200), (208, 100))
"""So many integral digits allow exponents up to so much; their sum stays at FLOAT_DIGITS."""


def _up_to(value: int) -> Expression:
    return concat(ZEROS, whole_part("0", str(value), FLOAT_DIGITS, NO_TAILS))


@cache
def exponents() -> Expression:
    """JSON numbers with an exponent, none of which overflows a double.

    Zero and negative exponents may be anything; before a positive one the integral digits and the exponent together
    come to at most FLOAT_DIGITS, in a few steps: 1 digit up to 307 (to 1.79e308 at most), 8 up to 300, 58 up to 250,
    108 up to 200, 208 up to 100, and any up to zero.
    """
    letter, fraction = char_class(((69, 69), (101, 101))), optional(concat(POINT, repeat(DIGIT, 1, None)))
    plus = optional(text("+"))
    found = [concat(ZERO, fraction, letter, plus, _up_to(FLOAT_DIGITS))]
    zero = concat(ZERO, optional(concat(POINT, repeat(ZERO, 1, None))))
    found.append(concat(zero, letter, plus, repeat(DIGIT, 1, None)))
    found.append(concat(NONZERO, fraction, letter, plus, _up_to(FLOAT_DIGITS - 1)))
    tenths = union(
        concat(char_class(((48, 54),)), repeat(DIGIT, 0, None)),
        text("7"),
        concat(text("7"), char_class(((48, 56),)), repeat(DIGIT, 0, None)),
    )
    found.append(concat(text("1"), optional(concat(POINT, tenths)), letter, plus, ZEROS, text("308")))
    for digits, exponent in _ABOVE:
        found.append(concat(NONZERO, repeat(DIGIT, 0, digits - 1), fraction, letter, plus, _up_to(exponent)))
    whole = union(ZERO, concat(NONZERO, repeat(DIGIT, 0, FLOAT_DIGITS - 1)))
    small = union(concat(text("-"), repeat(DIGIT, 1, None)), concat(plus, repeat(ZERO, 1, None)))
    found.append(concat(whole, fraction, letter, small))
    return concat(optional(text("-")), union(*found))


@cache
def numbers() -> Expression:
    """Any JSON number that does not overflow a double: at most FLOAT_DIGITS integral digits, or `exponents`."""
    return union(decimals(None, None), exponents())
