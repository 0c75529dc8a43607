"""What an extraction gives as a data frame."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas
import polars
import pyarrow as arrow
from pydantic import BaseModel

from engine import extract


def test_extractions_are_data_frames(options: dict[str, Any]) -> None:
    class Person(BaseModel):
        name: str
        born: date | None

    def run() -> Any:
        return extract(
            ["Ann, 3 March 1990", "x"], Person, grounded="prefer", min_items=1, max_items=1, errors="collect", **options
        )

    frame, table = run().to_polars(), run().to_arrow()
    assert frame.schema == {"name": polars.String, "born": polars.Date}
    assert len(frame) == len(table) > 0
    found = run().to_pandas()
    assert found["born"].dtype == pandas.ArrowDtype(arrow.date32())
    assert run().to_arrow() == table
