"""What a recogniser gives: the values that pieces of a text state, with their exact spans.

A recogniser reads a text and gives readings. It may give several readings of one span (`03/04/2018` is two
days), and spans may overlap (`2 hours` is a duration, and `2` a number). Who uses them chooses.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Reading:
    """A value that `text[start:end]` states. Offsets count characters (code points); the range is half-open.

    `value` is a date, datetime, time, timedelta, Decimal or str, by the kind of the recogniser. For the choices
    of `Names` it is whatever the caller mapped the name to.
    """

    start: int
    end: int
    value: object

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"a reading needs a span that is not empty, not [{self.start}, {self.end})")

    def __lt__(self, other: "Reading") -> bool:
        """The order of the text; where two begin at one place the longer one comes first. Values are not compared."""
        return (self.start, -self.end) < (other.start, -other.end)


class Recogniser(Protocol):
    """Reads a text. Anyone may write one: it needs nothing but this method.

    >>> class Tickets:
    ...     def readings(self, text: str) -> Iterable[Reading]:
    ...         return [Reading(m.start(), m.end(), m[0]) for m in re.finditer(r"\\bT-[0-9]{4}\\b", text)]
    """

    def readings(self, text: str) -> Iterable[Reading]:
        """The values that the text states, in any order, each with its span; each pair of span and value once."""
        ...
