"""Classification: a choice is a type; a batch gives one answer for each text, with errors as values."""

from __future__ import annotations

from typing import Literal

from engine import Extractor

Topic = Literal["billing", "delivery", "defect", "other"]
MAILS = {
    "m1": "Why was my card charged twice?",
    "m2": "The parcel has not arrived yet.",
    "m3": "",
}


def main(mails: dict[str, str]) -> None:
    instructions = (
        "The topic of a customer's mail: billing is about money, delivery about parcels, defect about what is broken."
    )
    extractor = Extractor(Topic, mode="one", instructions=instructions)
    for result in extractor.batch(mails.items(), max_tokens=20):
        print(result.id, result.values[0] if result.error is None else f"– {result.error}")


if __name__ == "__main__":
    main(MAILS)
