"""Validators: rules in Python that hold while the value is decoded, with data that comes in from outside."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ValidationInfo, field_validator

from engine import Extractor

TEXT = "Ann booked room 12 from 3 May 2025 to 9 May 2025."
FREE_ROOMS = {"7", "12", "31"}


class Booking(BaseModel):
    room: str
    arrival: date
    departure: date

    @field_validator("room")
    @classmethod
    def is_free(cls, room: str, info: ValidationInfo) -> str:
        assert info.context is not None, "it comes with the extractor"
        if room not in info.context["free"]:
            raise ValueError("this room is not free")
        return room

    @field_validator("departure")
    @classmethod
    def comes_after_the_arrival(cls, departure: date, info: ValidationInfo) -> date:
        if "arrival" in info.data and departure <= info.data["arrival"]:
            raise ValueError("nobody leaves before they come")
        return departure


def main(text: str) -> None:
    extractor = Extractor(Booking, min_items=1, max_items=1, grounded=True, context={"free": FREE_ROOMS})
    run = extractor.extract(text)
    for booking in run:
        assert booking.room in FREE_ROOMS
        assert booking.arrival < booking.departure
        print(booking)
    print(f"went back {run.stats.rollbacks} times")


if __name__ == "__main__":
    main(TEXT)
