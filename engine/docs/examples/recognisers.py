"""Recognisers: what a text states, without any model, and a recogniser of your own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from engine.grounding.dates import Dates
from engine.grounding.numbers import Numbers
from engine.grounding.recogniser import Reading

TEXT = "Ticket T-4711 of the 23rd day of September, 2024: two dozen chairs for 1.234,50 euros, due in two weeks."


class Tickets:
    """Whatever has this method is a recogniser."""

    def readings(self, text: str) -> Iterable[Reading]:
        return [Reading(found.start(), found.end(), found[0]) for found in re.finditer(r"\bT-[0-9]{4}\b", text)]


def main(text: str) -> None:
    for recogniser in (Dates(today=date(2024, 9, 23)), Numbers(), Tickets()):
        for reading in recogniser.readings(text):
            print(f"{type(recogniser).__name__:8} {text[reading.start : reading.end]!r:42} {reading.value!r}")


if __name__ == "__main__":
    main(TEXT)
