"""Receipts: a list inside an object, and a rule over all of it that decoding has to satisfy."""

from __future__ import annotations

from pydantic import BaseModel, Field, model_validator

from engine import extract_one
from engine.errors import GuardUnsatisfied

RECEIPT = "CORNER SHOP\nMilk 1.20\nBread 2.30\nTOTAL 3.50"


class Line(BaseModel):
    what: str = Field(max_length=30)
    price: float = Field(ge=0, le=1000)


class Receipt(BaseModel):
    shop: str = Field(max_length=40)
    lines: list[Line] = Field(min_length=1, max_length=3)
    total: float = Field(ge=0, description="the sum of the prices")

    @model_validator(mode="after")
    def adds_up(self) -> Receipt:
        if abs(sum(line.price for line in self.lines) - self.total) > 0.005:
            raise ValueError("the prices do not add up to the total")
        return self


def main(text: str) -> None:
    try:
        receipt = extract_one(text, Receipt, max_tokens=200, max_backtracks=200)
    except GuardUnsatisfied as error:  # no receipt that adds up was found within the bound
        print(f"by hand, please: {error.path}: {error.message}")
    else:
        print(receipt.model_dump_json(indent=2))


if __name__ == "__main__":
    main(RECEIPT)
