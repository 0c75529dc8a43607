"""Texts with the types that are extracted from them: the seven lines of the demo, and longer ones for measurements."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, Field

LINES = (
    "My name is John and I am 20 years old",
    "My name is Mary and I am 21 years old",
    "My name is Bob and I am 22 years old",
    "My name is Alice and I am 23 years old",
    "My name is Jane and I am 24 years old",
    "My name is Joe and I am 25 years old",
    "My name is Jill and I am 26 years old",
)


class User(BaseModel):
    """A person, as small as a record gets."""

    name: str
    age: int


class Purchase(BaseModel):
    """One line of a receipt."""

    name: str
    quantity: int
    price: float


class Receipt(BaseModel):
    """A nested record with a list, a date and a choice."""

    shop: str
    date: datetime.date
    purchases: list[Purchase] = Field(max_length=6)
    total: float
    paid_by: Literal["cash", "card"]


class Place(BaseModel):
    """A record with a number that may be absent."""

    name: str
    country: str
    population: int | None


@dataclass(frozen=True, slots=True)
class BenchExample:
    """`max_items` says how many objects the text holds at most, as far as that is known."""

    name: str
    text: str
    type: Any
    max_items: int | None = None


EXAMPLES = (
    *(BenchExample(f"user {number}", line, User, 1) for number, line in enumerate(LINES, start=1)),
    BenchExample(
        "receipt",
        "CORNER BAKERY\n12 March 2024 08:14\n2 x Rye bread 3.40\n1 x Butter croissant 1.95\nTOTAL 8.75\nPAID CASH\n",
        Receipt,
        1,
    ),
    BenchExample(
        "long receipt",
        "GREENFIELD HARDWARE & GARDEN\nUnit 7, Mill Lane Trading Estate\nTel 01632 960 114\n\nDate: 2023-11-05  17:42\n"
        "Wood screws 4x40 (200)   1   7.49\nPaint brush 50 mm        2   4.25\nMasonry paint white 5 l  1  32.00\n"
        "Potting soil 40 l        3   6.80\nTulip bulbs mixed        4   2.99\nGarden gloves size 9     1   5.60\n"
        "\nSubtotal 85.95\nTotal EUR 85.95\nVISA DEBIT **** 4821  APPROVED\nThank you for shopping with us\n",
        Receipt,
        1,
    ),
    BenchExample(
        "places",
        "Lisbon, the capital of Portugal, has about 545,000 inhabitants. Porto, also in Portugal, has 232,000. Further "
        "east lies Zaragoza in Spain with 682,000 people; the old village of Albarracín, Spain, is much smaller.",
        Place,
        6,
    ),
)
