"""JSON integers: in a range, multiples, in their canonical spelling or with zeros after the point."""

from __future__ import annotations

from functools import lru_cache

from engine.regular.digits import NO_TAILS, POINT, ZERO, multiples, whole_part
from engine.regular.expression import EMPTY_SET, Expression, concat, finite_set, intersection, repeat, text, union

INTEGER_DIGITS = 4300
"""Python's own limit for reading an integer."""
EXACT = 2**53
"""Up to here every integer is a double."""
_LISTED = 2000


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
    low = -EXACT if minimum is None else max(minimum, -EXACT)
    high = EXACT if maximum is None else min(maximum, EXACT)
    minus_zero = text("-0") if zero else EMPTY_SET
    exact = union(_canonical_integers(low, high, multiple_of), minus_zero)
    return union(plain, minus_zero, concat(exact, POINT, repeat(ZERO, 1, None)))


def _canonical_integers(minimum: int | None, maximum: int | None, multiple_of: int | None) -> Expression:
    largest = 10**INTEGER_DIGITS - 1
    if minimum is not None and minimum < -largest:
        minimum = None
    if maximum is not None and maximum > largest:
        maximum = None
    if (minimum is not None and minimum > largest) or (maximum is not None and maximum < -largest):
        return EMPTY_SET
    if minimum is not None and maximum is not None:
        if multiple_of is not None:
            first, last = -(-minimum // multiple_of), maximum // multiple_of
            if last - first < _LISTED:
                return finite_set(str(factor * multiple_of) for factor in range(first, last + 1))
        if minimum > maximum:
            return EMPTY_SET
    positive = _naturals(max(minimum or 0, 0), maximum, multiple_of)
    if minimum is not None and minimum >= 0:
        return positive
    high = None if minimum is None else -minimum
    negative = _naturals(1 if maximum is None else max(-maximum, 1), high, multiple_of)
    return union(positive, concat(text("-"), negative))


def _naturals(low: int, high: int | None, multiple_of: int | None) -> Expression:
    if high is not None and high < low:
        return EMPTY_SET
    found = whole_part(str(low), None if high is None else str(high), INTEGER_DIGITS, NO_TAILS)
    return found if multiple_of in (None, 1) else intersection(found, multiples(multiple_of))
