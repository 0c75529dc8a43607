"""Object table: objects as a table with the right column types, for pandas, polars, Arrow and Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from engine.basics.replacing import replacing
from engine.errors import OutputFailed
from engine.report.column_types import column_types, held_value, tables_library

# Rows that are in memory while a file is written.
_ROWS = 10_000


def object_table(objects: Iterable[str | bytes], target: Any) -> Any:
    """A `pyarrow.Table` of JSON texts under a Pydantic type or a JSON Schema, a row each; raises `UsageError` where pyarrow is
    not installed, or a value has no place in its column."""
    arrow = tables_library("pyarrow")
    schema = column_types(target)
    rows = [_row(_read(text), schema, f"object {number}") for number, text in enumerate(objects)]
    return arrow.Table.from_pylist(rows, schema=schema)


def write_parquet(rows: Iterable[tuple[str | int, int, str]], target: Any, path: Path) -> int:
    """Objects with their documents' ids and their places in them as a Parquet file with the columns `document` and `item` before
    the others; gives the number of rows. Raises `OutputFailed`, and `UsageError` as `object_table` does."""
    arrow, parquet = tables_library("pyarrow"), tables_library("pyarrow.parquet")
    columns = column_types(target)
    place = [arrow.field(_free(name, columns.names), kind) for name, kind in _place(arrow)]
    schema = arrow.schema([*place, *columns])
    count = 0
    try:
        with replacing(path) as draft, parquet.ParquetWriter(draft, schema) as writer:
            for some in _batches(rows):
                values = [
                    {place[0].name: str(document), place[1].name: item}
                    | _row(_read(text), columns, f"document {document!r}, object {item}")
                    for document, item, text in some
                ]
                writer.write_table(arrow.Table.from_pylist(values, schema=schema))
                count += len(values)
    except OSError as error:
        raise OutputFailed(path, str(error.strerror or error)) from error
    return count


def _place(arrow: Any) -> Sequence[tuple[str, Any]]:
    return (("document", arrow.string()), ("item", arrow.int64()))


def _free(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name = "_" + name
    return name


def _batches(rows: Iterable[tuple[str | int, int, str]]) -> Iterator[list[tuple[str | int, int, str]]]:
    waiting = iter(rows)
    while some := list(islice(waiting, _ROWS)):
        yield some


def _read(text: str | bytes) -> Any:
    return json.loads(text, parse_float=Decimal)


def _row(value: Any, schema: Any, where: str) -> dict[str, Any]:
    if schema.names == ["value"] and not (isinstance(value, dict) and "value" in value):
        return {"value": held_value(value, schema.field("value").type, where)}
    return {field.name: held_value(value.get(field.name), field.type, f"{where}: {field.name}") for field in schema}
