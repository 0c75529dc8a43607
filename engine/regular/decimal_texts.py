"""Decimal texts: decimals of any length, exact as Python's Decimal, that are at least a given one.

Texts have no exponent and no leading zeros; that shape is left to whoever intersects. Unlike `engine.regular.decimals`
nothing is rounded: a reader keeps every digit of a string.
"""

from __future__ import annotations

from decimal import Decimal

from engine.regular.digits import DIGIT, DIGITS, NONZERO, POINT, ZEROS, at_least
from engine.regular.expression import Expression, complement, concat, intersection, optional, repeat, text, union
from engine.regular.fraction import Magnitude, fraction_from, pointed

_FRACTION = optional(concat(POINT, DIGIT, DIGITS))
_ANY = concat(DIGIT, DIGITS, _FRACTION)


def decimals_from(bound: Decimal) -> Expression:
    """Decimals that are at least `bound`."""
    magnitude = Magnitude.of(bound)
    beyond = _magnitude_from(magnitude)
    if bound > 0:
        return beyond
    nearer = intersection(_ANY, union(complement(beyond), _equal(magnitude)))
    return union(_ANY, concat(text("-"), nearer))


def decimals_equal(bound: Decimal) -> Expression:
    """The spellings of one value: zeros at the end of the fraction, a minus sign before zero."""
    same = _equal(Magnitude.of(bound))
    minus = text("-")
    return concat(minus, same) if bound < 0 else concat(optional(minus), same) if bound == 0 else same


def _magnitude_from(bound: Magnitude) -> Expression:
    longer = concat(NONZERO, repeat(DIGIT, len(bound.whole), None), _FRACTION)
    return union(longer, at_least(bound.whole, pointed(fraction_from(bound.fraction, False, None)), _FRACTION))


def _equal(bound: Magnitude) -> Expression:
    if bound.fraction:
        return concat(text(f"{bound.whole}.{bound.fraction}"), ZEROS)
    return concat(text(bound.whole), optional(concat(POINT, text("0"), ZEROS)))
