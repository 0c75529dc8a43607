"""What an extraction gives as a data frame."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pandas
import polars
import pyarrow as arrow
import pytest
from pydantic import BaseModel

from engine import extract
from engine.errors import UsageError


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


def test_an_extraction_writes_its_report(options: dict[str, Any], tmp_path: Path) -> None:
    run = extract(["Ann is 31", ""], User, grounded=True, errors="collect", min_items=1, max_items=1, **options)
    (page,) = run.report(tmp_path / "page.html", title="Users")
    data = page.read_text("utf-8").split('id="data">')[1].split("</script>")[0].split("\n")
    first, empty = map(json.loads, data[1:])
    assert (first["id"], first["text"], len(first["objects"])) == (0, "Ann is 31", 1)
    assert first["spans"]["/0/age"] == [7, 9]
    assert empty["objects"] == []
    with pytest.raises(UsageError, match="give a list"):
        extract(iter(["Ann is 31"]), User, grounded=True, **options).report(tmp_path / "page.html")


class User(BaseModel):
    name: str
    age: int
