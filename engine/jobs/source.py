"""Source: the documents of a job, read one by one from JSON lines, CSV, Parquet, lines, a folder or standard input.

In: what the user named. Out: entries, each a document with its place, in an order that is the same at each reading. A
document that is not a text is an entry with an error, and the job goes on; an input that is not what it is said to be (line
17 is not JSON, a row has no such field, an id comes twice) is refused with its place. What was found out and not said (an
encoding, a delimiter) is a note.
"""

from __future__ import annotations

import glob
import heapq
import json
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import Any, Literal, get_args

from engine.errors import DocumentError, InputInvalid, NotAText, NotDecodable, UsageError
from engine.extraction.document import Document, DocumentId, digest_of, refused_id
from engine.extraction.encoding import (
    AUTO,
    UTF8,
    decode_text,
    decoded_lines,
    found_encoding,
    known_encoding,
    refuse_wide,
    undecoded,
)
from engine.jobs.file_listing import in_order, matching, same_file, would_match
from engine.jobs.tabular import PLAIN, TableFormat, other_delimiter, read_table_rows
from engine.report.column_types import tables_library

Format = Literal["jsonl", "csv", "tsv", "parquet", "lines", "files"]
INPUT_FORMATS: tuple[str, ...] = get_args(Format)
STDIN = "-"
DEFAULT_GLOB = "**/*.txt"
# Longer lines and files are no documents for a language model, and would fill the memory.
MOST_BYTES = 64 << 20
_MOST_NOTES = 20
_LOOKED_AT = 4096
_PARQUET_ROWS = 256  # that are in memory at once

_SUFFIXES: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
}


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """A document and where it stands; `error` where it is not valid."""

    document: Document
    location: str
    error: DocumentError | None = None

    @property
    def digest(self) -> str:
        """16 hex digits of the text, by which a changed input is noticed."""
        return digest_of(self.document.text)


@dataclass(frozen=True, slots=True)
class Fields:
    """Which members of a row are the text and the id; an id that is not asked for is "id" if the first row has it."""

    text: str = "text"
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """How bytes become texts: `encoding` is a codec's name or "auto", `table` is for CSV and TSV."""

    encoding: str = UTF8
    table: TableFormat = PLAIN

    def __post_init__(self) -> None:
        known_encoding(self.encoding)


class Notes:
    """What was found out about an input, each told once however often the input is read; of very many, the first."""

    def __init__(self) -> None:
        self.tell: Callable[[str], None] = lambda _: None
        self._told: set[str] = set()

    def add(self, note: str) -> None:
        if note in self._told or len(self._told) > _MOST_NOTES:
            return
        self._told.add(note)
        self.tell(note if len(self._told) <= _MOST_NOTES else "more was found out of the same kind, and is not shown")


@dataclass(frozen=True, slots=True)
class Source:
    """`repeatable`: it can be read again. `read` gives the entries from the first on. `folder` is where the names of a glob
    begin, None for the working folder."""

    name: str
    format: Format
    repeatable: bool
    read: Callable[[], Iterator[SourceEntry]]
    fields: Fields
    pattern: str | None = None
    folder: str | None = None
    layout: Layout = Layout()
    sample: int | None = None
    notes: Notes = field(default_factory=Notes, compare=False)

    def as_json(self) -> dict[str, Any]:
        """What `open_source` needs to read it again from any folder."""
        is_glob = self.format == "files" and not Path(self.name).is_dir()
        # The files of a glob are named as it was typed, and these names are the ids.
        folder = (self.folder or os.getcwd()) if is_glob else None
        name = self.name if is_glob or self.name == STDIN else os.path.abspath(self.name)
        fields = {"text": self.fields.text, "id": self.fields.id}
        told = {"name": name, "folder": folder, "format": self.format, "fields": fields, "pattern": self.pattern}
        return told | {"layout": asdict(self.layout), "sample": self.sample}

    def reads(self, path: Path) -> bool:
        """Whether a file of this name is the input, or would be one of its documents."""
        if self.format == "files":
            return would_match(self.name, DEFAULT_GLOB if self.pattern is None else self.pattern, path, self.folder)
        return self.name != STDIN and same_file(Path(self.name), path)


def open_source(
    name: str,
    *,
    format: str | None = None,
    fields: Fields | None = None,
    pattern: str | None = None,
    folder: str | None = None,
    layout: Layout | None = None,
) -> Source:
    """The source that INPUT names: a file, a folder (`pattern` says which files in it), a glob, or - for standard input."""
    chosen = _format(name, format)
    if pattern is not None and chosen != "files":
        raise UsageError("--glob chooses among the files of a folder, and INPUT is not a folder")
    fields, layout, notes = fields or Fields(), layout or Layout(), Notes()
    if layout.table != PLAIN and chosen not in ("csv", "tsv"):
        raise UsageError(f"--delimiter and --quoting are for csv and tsv; the input is read as {chosen}")
    if chosen == "files":
        read = partial(_files, name, DEFAULT_GLOB if pattern is None else pattern, folder, layout.encoding, notes)
        return Source(name, chosen, True, read, fields, pattern, folder, layout, notes=notes)
    if name != STDIN and not Path(name).exists():
        raise UsageError(f"no file {name!r} to read")
    if chosen == "parquet":
        return Source(name, chosen, True, partial(_parquet_rows, name, fields), fields, layout=layout, notes=notes)
    # A pipe can be read once only.
    repeatable = name != STDIN and stat.S_ISREG(Path(name).stat().st_mode)
    # Tabs are what the name of a .tsv says.
    table = replace(layout.table, delimiter=layout.table.delimiter or "\t") if chosen == "tsv" else layout.table
    readers: dict[str, Callable[..., Iterator[SourceEntry]]] = {
        "jsonl": _json_lines,
        "csv": partial(_table, table=table, notes=notes),
        "tsv": partial(_table, table=table, notes=notes),
        "lines": _plain_lines,
    }
    read_all = partial(_stream, name, layout.encoding, notes, partial(readers[chosen], fields=fields))
    return Source(name, chosen, repeatable, read_all, fields, layout=layout, notes=notes)


def source_of(told: dict[str, Any]) -> Source | None:
    """The input as a job read it, of what `as_json` told; None where it is gone or could be read once only."""
    if told["name"] == STDIN:
        return None
    try:
        source = open_source(
            told["name"],
            format=told["format"],
            fields=Fields(**told["fields"]),
            pattern=told["pattern"],
            folder=told["folder"],
            layout=Layout(told["layout"]["encoding"], TableFormat(**told["layout"]["table"])),
        )
    except UsageError:
        return None
    if not source.repeatable:
        return None
    return source if told["sample"] is None else sampled(source, told["sample"])


def sampled(source: Source, count: int) -> Source:
    """So many documents of a source, in its order: those whose ids have the smallest digests, so they are the same each time
    and lie all over the input. It is read twice."""
    if not source.repeatable:
        raise UsageError(
            "a sample is drawn from the whole input, which cannot be a stream; --limit takes its beginning"
        )
    chosen: set[int] = set()

    def read() -> Iterator[SourceEntry]:
        if not chosen:
            drawn = (
                (digest_of(f"sample {entry.document.id}"), location) for location, entry in enumerate(source.read())
            )
            chosen.update(location for _, location in heapq.nsmallest(count, drawn))
        return (entry for location, entry in enumerate(source.read()) if location in chosen)

    return replace(source, read=read, sample=count)


def first_documents(source: Source, count: int) -> Source:
    """The first documents of a source."""
    return replace(source, read=lambda: islice(source.read(), count))


def _format(name: str, format: str | None) -> Format:
    if format is not None and format not in INPUT_FORMATS:
        raise UsageError(f"the input format must be one of {', '.join(INPUT_FORMATS)}, not {format!r}")
    folder = name != STDIN and (Path(name).is_dir() or (not Path(name).exists() and glob.has_magic(name)))
    if folder != (format == "files") and (folder or format == "files") and format is not None:
        raise UsageError(f"{name!r} is {'' if folder else 'not '}a folder or a glob, so its format is not {format!r}")
    if folder:
        return "files"
    if format is not None:
        return format  # type: ignore[return-value]
    if name == STDIN:
        return "jsonl"
    suffix = Path(name).suffix.lower()
    if suffix not in _SUFFIXES:
        known = ", ".join(_SUFFIXES)
        raise UsageError(
            f"{name!r} ends in none of {known}; say with --input-format what it is: {', '.join(INPUT_FORMATS)}"
        )
    return _SUFFIXES[suffix]


@dataclass(frozen=True, slots=True)
class _Lines:
    """The lines of a stream with their ends, and how it is called."""

    name: str
    encoding: str
    lines: Iterator[str]

    def numbered(self) -> Iterator[tuple[str, str]]:
        """The lines that are not empty, without their ends, with their places."""
        for number, line in enumerate(self.lines, start=1):
            if line.strip():
                yield f"{self.name}, line {number}", line.rstrip("\r\n")


def _stream(
    name: str, encoding: str, notes: Notes, read: Callable[[_Lines], Iterator[SourceEntry]]
) -> Iterator[SourceEntry]:
    shown = "standard input" if name == STDIN else name
    try:
        # A stream of its own: a thread that still waits for a line must not hold the interpreter's.
        with os.fdopen(os.dup(0), "rb") if name == STDIN else open(name, "rb") as stream:
            chosen = found_encoding(stream) if encoding == AUTO else known_encoding(encoding)
            refuse_wide(stream.peek(_LOOKED_AT)[:_LOOKED_AT], chosen)
            if encoding == AUTO and chosen != UTF8:
                notes.add(f"{shown}: read as {chosen}")
            yield from read(_Lines(shown, chosen, _bounded_lines(shown, chosen, stream)))
    except OSError as error:
        raise InputInvalid(shown, f"cannot be read: {error.strerror}") from error
    except NotDecodable as error:
        raise InputInvalid(shown, str(error)) from error


def _bounded_lines(shown: str, encoding: str, stream: BufferedReader) -> Iterator[str]:
    """All lines with their ends, which count inside quotes."""
    for number, line in enumerate(decoded_lines(stream, encoding, MOST_BYTES), start=1):
        if len(line) > MOST_BYTES:
            reason = f"has more than {MOST_BYTES >> 20} MiB, which no model reads"
            raise InputInvalid(f"{shown}, line {number}", reason)
        yield line


def _plain_lines(found: _Lines, fields: Fields) -> Iterator[SourceEntry]:
    for number, (location, line) in enumerate(found.numbered(), start=1):
        error = undecoded(line, found.encoding)
        yield SourceEntry(
            Document.at_index(number, line), location, None if error is None else NotAText(f"it is {error}")
        )


# -- rows


def _json_lines(found: _Lines, fields: Fields) -> Iterator[SourceEntry]:
    rows = _Rows(fields, found.encoding)
    for location, line in found.numbered():
        try:
            row = json.loads(line, object_pairs_hook=_members)
        except json.JSONDecodeError as error:
            raise InputInvalid(location, f"not JSON at character {error.pos}: {error.msg}") from error
        except ValueError as error:
            raise InputInvalid(location, f"not JSON that can be read: {error}") from error
        except RecursionError as error:
            raise InputInvalid(location, "JSON that is nested too deeply") from error
        if not isinstance(row, dict):
            raise InputInvalid(location, f"a row is a JSON object with a text in it, not {line[:40]!r}")
        yield rows.entry(row, location)


def _table(found: _Lines, fields: Fields, *, table: TableFormat, notes: Notes) -> Iterator[SourceEntry]:
    rows = _Rows(fields, found.encoding)
    wanted = [name for name in (fields.text, fields.id) if name is not None]
    for location, row in read_table_rows(found.name, found.lines, table, wanted, notes.add):
        yield rows.entry(row, location)


def _parquet_rows(name: str, fields: Fields) -> Iterator[SourceEntry]:
    """The rows of a Parquet file; only the columns that are asked for are read."""
    arrow, parquet = tables_library("pyarrow"), tables_library("pyarrow.parquet")
    rows = _Rows(fields, UTF8)
    number = 0
    try:
        with parquet.ParquetFile(name) as file:
            names = file.schema_arrow.names
            asked = {fields.text, fields.id or "id"}
            wanted = (
                [one for one in names if one in asked] if fields.text in names else names
            )  # else all, for the message
            for batch in file.iter_batches(batch_size=_PARQUET_ROWS, columns=wanted):
                for row in batch.to_pylist():
                    number += 1
                    yield rows.entry(row, f"{name}, row {number}")
    except (OSError, arrow.ArrowException) as error:
        raise InputInvalid(name, f"cannot be read as Parquet: {error}") from error


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; two members of one name are refused: which one is meant is not known."""
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the member {twice!r} stands twice in one object")
    return members


class _Rows:
    """Rows as entries; whether they have ids is settled by the first."""

    def __init__(self, fields: Fields, encoding: str) -> None:
        self._text = fields.text
        self._id = fields.id
        self._encoding = encoding
        self._count = 0

    def entry(self, row: dict[str, Any], location: str) -> SourceEntry:
        self._count += 1
        if self._count == 1 and self._id is None and "id" in row:
            self._id = "id"
        for wanted, option in ((self._text, "--text-field"), (self._id, "--id-field")):
            if wanted is not None and wanted not in row:
                names = ", ".join(map(repr, list(row)[:8]))
                other = other_delimiter(next(iter(row))) if len(row) == 1 else ""
                raise InputInvalid(location, f"the row has no {wanted!r} but {names}; {option} names the field{other}")
        value = row[self._text]
        if not isinstance(value, str):
            document = self._document(row, location, "")
            return SourceEntry(document, location, NotAText(f"its {self._text!r} is {json.dumps(value)[:40]}"))
        return SourceEntry(self._document(row, location, value), location, _half_character(value, self._encoding))

    def _document(self, row: dict[str, Any], location: str, text: str) -> Document:
        if self._id is None:
            return Document.at_index(self._count, text)
        return Document.named(checked_id(row[self._id], location), text)


def checked_id(value: Any, location: str) -> DocumentId:
    """An id is a text or a whole number."""
    if reason := refused_id(value):
        raise InputInvalid(location, reason)
    return value  # type: ignore[no-any-return]


def _half_character(text: str, encoding: str) -> DocumentError | None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        lost = undecoded(text, encoding)
        if lost is None:
            return NotAText(f"character {error.start} is half a surrogate pair")
        return NotAText(f"character {error.start} is a byte that is not {encoding.upper()}{lost.advice}")
    return None


# -- files


def _files(name: str, pattern: str, folder: str | None, encoding: str, notes: Notes) -> Iterator[SourceEntry]:
    root = Path(name) if Path(name).is_dir() else Path(folder or "")
    count = 0
    for file in in_order(matching(name, pattern, folder), name):
        entry = _file(file, root / file, encoding, notes)
        if entry is not None:
            count += 1
            yield entry
    if not count:
        raise UsageError(f"no file in {name!r} matches {pattern!r}" if Path(name).is_dir() else f"no file {name!r}")


def _file(name: str, path: Path, encoding: str, notes: Notes) -> SourceEntry | None:
    """The file's document; None where it is a folder."""
    document_id = Path(name).as_posix()
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            return None
        if not stat.S_ISREG(status.st_mode):
            raise InputInvalid(str(path), "is not a regular file; leave it out with --glob")
        if status.st_size > MOST_BYTES:
            text = f"{status.st_size} bytes"
            reason = NotAText(f"it has {text}, and at most {MOST_BYTES} are read")
            return SourceEntry(Document.named(document_id, text), str(path), reason)
        data = path.read_bytes()
    except OSError as error:
        raise InputInvalid(str(path), f"cannot be read: {error.strerror}") from error
    try:
        text, chosen = decode_text(data, known_encoding(encoding))
    except NotDecodable as error:
        return SourceEntry(
            Document.named(document_id, data.decode("utf-8", "surrogateescape")), str(path), NotAText(f"it is {error}")
        )
    if encoding == AUTO and chosen != UTF8:
        notes.add(f"{path}: read as {chosen}")
    return SourceEntry(Document.named(document_id, text), str(path))
