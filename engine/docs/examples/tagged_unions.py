"""Tagged unions: each event of a text is one of several types, told apart by a tag."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from engine import extract

TEXT = "Ann paid 20 euros. Then Bob moved to Paris."


class Payment(BaseModel):
    kind: Literal["payment"]
    who: str = Field(max_length=30)
    amount: float = Field(gt=0)


class Move(BaseModel):
    kind: Literal["move"]
    who: str = Field(max_length=30)
    where: str = Field(max_length=30)


Event = Annotated[Payment | Move, Field(discriminator="kind")]


def main(text: str) -> None:
    for event in extract(text, Event, max_items=2, max_tokens=120):
        match event:
            case Payment(who=who, amount=amount):
                print(f"{who} paid {amount}")
            case Move(who=who, where=where):
                print(f"{who} moved to {where}")


if __name__ == "__main__":
    main(TEXT)
