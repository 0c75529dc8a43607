"""Invoices: amounts as decimals, dates as dates, each with its place in the text.

python invoices.py [FILE]...
"""

from __future__ import annotations

import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

from pydantic import BaseModel, Field

from engine import Extractor

SAMPLE = """\
Bakery Ruiz                    INVOICE 2024-0117
Calle Mayor 4, Madrid          Date: 3 March 2024
TOTAL EUR       51.40
"""


class Invoice(BaseModel):
    seller: str = Field(description="who wrote the invoice")
    number: str = Field(pattern=r"^20[0-9]{2}-[0-9]{4}$")
    issued: date
    total: Decimal = Field(gt=0, decimal_places=2, description="what has to be paid")
    due: date | None = Field(description="when it has to be paid, if it says so")


def main(texts: list[str]) -> None:
    extractor = Extractor(Invoice, min_items=1, max_items=1, grounded=True)
    for found in extractor.extract(texts).detailed():
        print(found.value.model_dump_json())
        text = texts[found.document]
        for pointer, span in found.spans.items():
            if span is not None:
                print(f"    {pointer}: {text[span.start : span.end]!r} at {span.start}")


if __name__ == "__main__":
    main([Path(name).read_text(encoding="utf-8") for name in sys.argv[1:]] or [SAMPLE])
