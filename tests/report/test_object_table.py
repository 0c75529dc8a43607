"""Objects as tables: the columns have the types of the fields, and values survive."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest
from pydantic import BaseModel, Field

from engine.errors import UsageError
from engine.jobs.source import Fields, open_source
from engine.report.object_table import object_table, write_parquet


class Colour(Enum):
    red = "red"
    blue = "blue"


class Line(BaseModel):
    what: str
    price: Decimal


class Invoice(BaseModel):
    number: int | None
    day: date
    at: datetime
    opens: time
    lasts: timedelta
    total: Decimal = Field(alias="sum")
    share: float
    paid: bool
    colour: Colour
    size: Literal["small", "large"]
    lines: list[Line]
    either: int | str


INVOICE = Invoice(
    number=None,
    day=date(2024, 2, 29),
    at=datetime(2024, 2, 29, 12, 30, tzinfo=UTC),
    opens=time(8, 30),
    lasts=timedelta(hours=1, seconds=2),
    sum=Decimal("12345678901234567890.10"),
    share=0.5,
    paid=True,
    colour=Colour.red,
    size="small",
    lines=[Line(what="rye", price=Decimal("1.10"))],
    either=3,
)


def test_columns_have_the_types_of_the_fields() -> None:
    table = object_table([INVOICE.model_dump_json(by_alias=True)], Invoice)
    decimal = arrow.decimal128(38, 12)
    assert dict(zip(table.schema.names, table.schema.types, strict=True)) == {
        "number": arrow.int64(),
        "day": arrow.date32(),
        "at": arrow.timestamp("us", tz="UTC"),
        "opens": arrow.time64("us"),
        "lasts": arrow.duration("us"),
        "sum": decimal,
        "share": arrow.float64(),
        "paid": arrow.bool_(),
        "colour": arrow.string(),
        "size": arrow.string(),
        "lines": arrow.list_(arrow.struct([("what", arrow.string()), ("price", decimal)])),
        "either": arrow.string(),
    }
    (row,) = table.to_pylist()
    expected = INVOICE.model_dump(by_alias=True) | {"colour": "red", "either": "3"}
    assert row == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [(2**70, "64 bits are too few"), ("1.0000000000001", "more than 12 digits behind the point")],
)
def test_what_has_no_place_in_its_column_is_named(value: Any, message: str) -> None:
    class Only(BaseModel):
        n: int if isinstance(value, int) else Decimal  # type: ignore[valid-type]

    with pytest.raises(UsageError, match=f"object 1: n: .*{message}"):
        object_table(['{"n": 1}', json.dumps({"n": value})], Only)


def test_a_schema_that_holds_itself_and_items_that_are_no_objects_have_columns() -> None:
    node = {"properties": {"name": {"type": "string"}, "next": {"$ref": "#"}}, "type": "object"}
    table = object_table(['{"name": "a", "next": {"name": "b"}}'], node)
    assert table.to_pylist() == [{"name": "a", "next": {"name": "b", "next": None}}]
    assert object_table(["3"], int).to_pylist() == [{"value": 3}]


def test_parquet_has_the_place_of_each_object_and_is_read_as_input(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    schema = {"type": "object", "properties": {"text": {"type": "string"}, "item": {"type": "integer"}}}
    rows: list[tuple[str | int, int, str]] = [("a", 0, '{"text": "é", "item": 1}'), (7, 0, '{"text": "x"}')]
    assert write_parquet(iter(rows), schema, path) == 2
    assert parquet.read_table(path).to_pylist() == [
        {"document": "a", "_item": 0, "text": "é", "item": 1},
        {"document": "7", "_item": 0, "text": "x", "item": None},
    ]
    read = list(open_source(str(path), fields=Fields("text", "document")).read())
    assert [(entry.document.id, entry.document.text) for entry in read] == [("a", "é"), ("7", "x")]
    assert read[1].location.endswith("out.parquet, row 2")
    (tmp_path / "bad.parquet").write_bytes(b"no")
    with pytest.raises(Exception, match="cannot be read as Parquet"):
        list(open_source(str(tmp_path / "bad.parquet")).read())
