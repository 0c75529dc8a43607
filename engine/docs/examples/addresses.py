"""Addresses: whole lines of a letterhead, and a country from a list."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from engine import Free, Verbatim, extract_one

LETTERHEAD = """\
Garage Lindt & Sons
12 Mill Lane
Leeds LS1 4AP
United Kingdom
"""


class Address(BaseModel):
    addressee: Annotated[str, Verbatim("lines")]
    street: Annotated[str, Verbatim("lines"), Field(pattern="[0-9]", description="street and number")]
    town: Annotated[str, Verbatim(max_words=2), Field(description="the town alone")]
    # An ISO code stands in no letterhead: it is concluded, not copied.
    country: Annotated[Literal["DE", "ES", "FR", "GB", "US"], Free()]


def main(text: str) -> None:
    address = extract_one(text, Address, grounded=True)
    print(address.addressee, address.street, address.town, address.country, sep="\n")


if __name__ == "__main__":
    main(LETTERHEAD)
