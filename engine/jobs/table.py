"""Table: views of a job's output, one row an object: JSON lines, CSV of the scalar fields, or Parquet.

A view is written from the whole output, in one step: the output itself stays one line a document, because that is what a
job goes on from. Documents without objects have no row. Columns of a CSV come from the schema, not from what happened to
be found: a field of a nested object is `outer.inner`; lists, and members beyond the declared ones, have no column.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.basics.replacing import replacing
from engine.errors import OutputFailed
from engine.jobs.ledger import read_ledger
from engine.jobs.record import object_texts
from engine.report.object_table import write_parquet
from engine.schema import Schema
from engine.schema.schema import Array, Literals, Object, SchemaId

VALUE = "value"  # the column of an item that is no object
_PLACE = ("document", "item")


@dataclass(frozen=True, slots=True)
class Columns:
    """`paths` are the columns in order; `omitted` are the fields that have none."""

    paths: tuple[tuple[str, ...], ...]
    omitted: tuple[str, ...] = ()


def columns(schema: Schema) -> Columns:
    """The scalar fields of an item."""
    paths: dict[tuple[str, ...], None] = {}
    omitted: dict[tuple[str, ...], None] = {}
    _collect(schema, schema.root, (), (), paths, omitted)
    # A field that is a list in one alternative and a scalar in another has a column.
    lists = tuple(".".join(path) for path in omitted if path not in paths)
    return Columns(tuple(paths), lists)


def _collect(
    schema: Schema,
    vertex: SchemaId,
    path: tuple[str, ...],
    above: tuple[SchemaId, ...],
    paths: dict[tuple[str, ...], None],
    omitted: dict[tuple[str, ...], None],
) -> None:
    if vertex in above:  # a model that holds itself has no end of columns
        omitted[path] = None
        return
    alternatives = schema.vertices[vertex].alternatives
    for alternative in alternatives:
        match alternative.shape:
            case Object(properties, others):
                for member in properties:
                    _collect(schema, member.schema, (*path, member.name), (*above, vertex), paths, omitted)
                if others:
                    omitted[(*path, "…")] = None
            case Array():
                omitted[path] = None
            case Literals(values) if len(alternatives) > 1 and all(value is None for value in values):
                pass  # an absent object or list is no scalar
            case _:
                paths[path] = None


def write_rows(output: Path, target: Path) -> int:
    """Each object of the output as a line `{"document": …, "item": …, "object": …}`; gives the number of rows."""
    return _write(target, (json.dumps(row, ensure_ascii=False) + "\n" for row in _rows(output)))


def write_table(output: Path, target: Path, item: Any) -> int:
    """Each object of the output as a row of a Parquet file, its columns from the type or JSON Schema `item`; gives the number of
    rows. Raises as `write_parquet` does."""
    rows = (
        (line.record.id, index, text)
        for line in read_ledger(output)
        for index, text in enumerate(object_texts(line.data) or ())
    )
    return write_parquet(rows, item, target)


def write_csv(output: Path, target: Path, shown: Columns) -> int:
    """Each object of the output as a row of cells; gives the number of rows, without the header."""
    names = [".".join(path) or VALUE for path in shown.paths]
    index = []
    for name in _PLACE:
        while name in names:
            name = "_" + name
        index.append(name)
    return _write(target, _cells([*index, *names], output, shown)) - 1


def _cells(header: list[str], output: Path, shown: Columns) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(header)
    for row in _rows(output):
        yield _taken(buffer)
        writer.writerow([row["document"], row["item"], *(_cell(row["object"], path) for path in shown.paths)])
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def _cell(value: Any, path: tuple[str, ...]) -> str:
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return ""
        value = value[name]
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _rows(output: Path) -> Iterator[dict[str, Any]]:
    for line in read_ledger(output):
        for index, found in enumerate(line.record.objects):
            yield {"document": line.record.id, "item": index, "object": found}


def _write(target: Path, lines: Iterable[str]) -> int:
    """Write a file whole or not at all."""
    count = 0
    try:
        with replacing(target) as draft, draft.open("x", encoding="utf-8", newline="") as file:
            for line in lines:
                file.write(line)
                count += 1
    except OSError as error:
        raise OutputFailed(target, str(error.strerror)) from error
    return count
