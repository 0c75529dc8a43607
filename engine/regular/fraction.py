"""Numbers with a fraction between two bounds, both without sign: the digits before the point, then those after it.

The fraction is judged only where the digits before the point are those of a bound. A fraction ends where it likes:
missing digits count as zeros.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from engine.regular.digits import DIGIT, DIGITS, NONZERO, POINT, ZERO, one_of, whole_part
from engine.regular.expression import EMPTY_SET, EMPTY_STRING, Expression, concat, nonempty, repeat, text, union

FLOAT_DIGITS = 308
"""So many digits of an integral part are always below the largest double."""
LEADING_ZEROS = 300
"""After the point of a number beyond an exclusive bound, so that a double is beyond it too."""


@dataclass(frozen=True, slots=True)
class Magnitude:
    """A bound without its sign: the digits before and after the point; `strict`: as a lower bound it is not in itself."""

    whole: str
    fraction: str
    strict: bool = False

    @classmethod
    def of(cls, bound: Decimal, strict: bool = False) -> Magnitude:
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


LEAST = Magnitude("0", "")


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


def fraction_from(digits: str, strict: bool, room: int | None) -> Expression:
    """Fractions (without the point; none counts as zero) that are at least `digits`, or beyond them if `strict`."""
    digits = digits.rstrip("0")
    found = _positive_fraction(_less(room, len(digits))) if strict else repeat(DIGIT, 0, _less(room, len(digits)))
    for begin, end in _runs(digits, room):
        above = NONZERO if digits[begin] == "0" else one_of(int(digits[begin]) + 1, 9)
        greater = concat(repeat(ZERO, 0, end - begin - 1), above)
        rest = repeat(DIGIT, 0, _less(room, begin + 1))
        found = union(concat(greater, rest), concat(text(digits[begin:end]), found))
    return found


def _positive_fraction(room: int | None) -> Expression:
    if room is None:
        return concat(repeat(ZERO, 0, LEADING_ZEROS), NONZERO, DIGITS)
    found = EMPTY_SET
    for left in range(room):
        found = union(concat(NONZERO, repeat(DIGIT, 0, left)), concat(ZERO, found))
    return found


def fraction_to(digits: str, room: int | None) -> Expression:
    """Fractions that are at most `digits`."""
    digits = digits.rstrip("0")
    found = repeat(ZERO, 0, _less(room, len(digits)))
    for begin, end in _runs(digits, room):
        fewer = EMPTY_STRING if digits[begin] != "0" else repeat(ZERO, 0, end - begin - 1)
        smaller = concat(one_of(0, int(digits[begin]) - 1), repeat(DIGIT, 0, _less(room, begin + 1)))
        found = union(fewer, smaller, concat(text(digits[begin:end]), found))
    return found


def _fraction_within(low: Magnitude, high: Magnitude, room: int | None) -> Expression:
    """Fractions between those of two bounds with the same integral part."""
    length = max(len(low.fraction), len(high.fraction))
    least, most = low.fraction.ljust(length, "0"), high.fraction.ljust(length, "0")
    same = 0
    while same < length and least[same] == most[same]:
        same += 1
    short = len(low.fraction)
    early = EMPTY_SET
    if short <= same and not low.strict:
        zeros = _less(room, short) if same == length else same - short
        early = concat(text(low.fraction), repeat(ZERO, 0, zeros))
    if same == length:
        return early
    first, last, left = int(least[same]), int(most[same]), _less(room, same + 1)
    later = union(
        concat(one_of(first, first), fraction_from(least[same + 1 :], low.strict, left)),
        concat(one_of(first + 1, last - 1), repeat(DIGIT, 0, left)),
        concat(one_of(last, last), fraction_to(most[same + 1 :], left)),
    )
    return union(early, concat(text(least[:same]), later))


def pointed(fraction: Expression) -> Expression:
    """The fraction behind its point; nothing where the fraction may be empty."""
    return union(EMPTY_STRING if fraction.nullable else EMPTY_SET, concat(POINT, nonempty(fraction)))


def magnitudes(low: Magnitude, high: Magnitude | None, room: int | None) -> Expression:
    """Numbers without sign and exponent between two bounds, with at most `room` digits after the point."""
    if room is not None:
        low, high = _rounded_up(low, room), None if high is None else _rounded_down(high, room)
    if high is not None and (low.key > high.key or (low.key == high.key and low.strict)):
        return EMPTY_SET
    at_low = pointed(fraction_from(low.fraction, low.strict, room))
    free = pointed(repeat(DIGIT, 0, room))
    if high is None:
        return whole_part(low.whole, None, FLOAT_DIGITS, (at_low, free, free, free))
    at_high = pointed(fraction_to(high.fraction, room))
    at_both = EMPTY_SET if low.whole != high.whole else pointed(_fraction_within(low, high, room))
    return whole_part(low.whole, high.whole, FLOAT_DIGITS, (at_low, at_high, at_both, free))


def _rounded_up(bound: Magnitude, room: int) -> Magnitude:
    """The least number of so many digits after the point that is not below the bound."""
    if len(bound.fraction) <= room:
        return bound
    digits = str(int(bound.whole + bound.fraction[:room]) + 1).rjust(room + 1, "0")
    return Magnitude(digits[: len(digits) - room], digits[len(digits) - room :].rstrip("0"))


def _rounded_down(bound: Magnitude, room: int) -> Magnitude:
    if len(bound.fraction) <= room:
        return bound
    return Magnitude(bound.whole, bound.fraction[:room].rstrip("0"))
