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
from decimal import Decimal
from functools import lru_cache

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
    def zero(self) -> bool:
        return self.whole == "0" and not self.fraction


_LEAST = _Magnitude("0", "")


def _free_fraction(room: int | None) -> Expression:
    return optional(concat(_POINT, repeat(_DIGIT, 1, room)))


def _less(room: int | None, used: int) -> int | None:
    return None if room is None else room - used


@dataclass(frozen=True, slots=True)
class _Fraction:
    """The digits that may follow the point when the integral part is that of the low bound, the high one or both.

    `low` and `high` are the fractional digits of the bounds that still bind, padded to one length; None does not bind.
    """

    low: str | None
    high: str | None
    low_strict: bool
    high_strict: bool
    room: int | None

    def language(self) -> Expression:
        """With the point, or nothing at all where that is in range."""
        found = self._end()
        position = max(len(self.low or ""), len(self.high or ""))
        for begin, end in self._steps(position):
            found = self._step(begin, end, found)
        return union(EMPTY if found.nullable else NOTHING, concat(_POINT, nonempty(found)))

    def _steps(self, length: int) -> Iterator[tuple[int, int]]:
        """From the last digit to the first; many zeros together, where their number is not limited."""
        end = length
        while end > 0:
            begin = end - 1
            if self.room is None and self._digits(begin) == {0}:
                while begin > 0 and self._digits(begin - 1) == {0}:
                    begin -= 1
            yield begin, end
            end = begin

    def _digits(self, position: int) -> set[int]:
        return {int(bound[position]) for bound in (self.low, self.high) if bound is not None}

    def _may_end(self, position: int) -> bool:
        """Whether the number may end here, all digits so far being those of the bounds that bind."""
        low_rest = self.low is not None and bool(self.low[position:].strip("0"))
        high_rest = self.high is None or bool(self.high[position:].strip("0"))
        return not low_rest and (self.low is None or not self.low_strict) and (high_rest or not self.high_strict)

    def _end(self) -> Expression:
        """After all digits of the bounds, which have been matched: only zeros stay at a high bound."""
        room = _less(self.room, max(len(self.low or ""), len(self.high or "")))
        if self.high is not None:
            return repeat(_ZERO, 0, room) if self._may_end(len(self.high)) else NOTHING
        if not self.low_strict:
            return repeat(_DIGIT, 0, room)
        if room is None:
            return concat(repeat(_ZERO, 0, LEADING_ZEROS), _NONZERO, _DIGITS)
        found = NOTHING
        for left in range(room):
            found = union(concat(_NONZERO, repeat(_DIGIT, 0, left)), concat(_ZERO, found))
        return found

    def _step(self, begin: int, end: int, found: Expression) -> Expression:
        """The digits from `begin` to `end` (one, or all zero), then `found` if they are those of the bounds."""
        low = None if self.low is None else int(self.low[begin])
        high = None if self.high is None else int(self.high[begin])
        after = repeat(_DIGIT, 0, _less(self.room, begin + 1))
        ending = EMPTY if self._may_end(begin) else NOTHING
        if end - begin > 1:
            fewer = repeat(_ZERO, 0, end - begin - 1)
            above = concat(fewer, _NONZERO, after) if high is None else NOTHING
            ended = fewer if ending is EMPTY else NOTHING
            return union(above, ended, concat(repeat(_ZERO, end - begin, end - begin), found))
        if low is None or high is None:
            beyond = _digits(low + 1, 9) if low is not None else _digits(0, (high or 0) - 1)
            exact = low if low is not None else high or 0
            return union(ending, concat(beyond, after), concat(_digits(exact, exact), found))
        return union(ending, concat(_digits(low, low), found))
