"""Source: the documents of a job, read one by one from JSON lines, CSV, lines, a folder or standard input.

In: what the user named. Out: entries, each a document with its place, in an order that is the same at each reading. A
document that is no text is an entry with an error, and the job goes on; an input that is not what it is said to be (line
17 is no JSON, a row has no such field, an id comes twice) is refused with its place.
"""

from __future__ import annotations

import csv
import glob
import json
import os
import sqlite3
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Literal, get_args

from engine.errors import DocumentError, InputInvalid, NotAText, UsageError
from engine.extraction.document import Document, DocumentId, digest_of

Format = Literal["jsonl", "csv", "tsv", "lines", "files"]
FORMATS: tuple[str, ...] = get_args(Format)
STDIN = "-"
DEFAULT_GLOB = "**/*.txt"
# Longer lines and files are no documents for a language model, and would fill the memory.
MOST_BYTES = 64 << 20

_SUFFIXES: dict[str, Format] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "tsv"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A document and where it stands; `error` where it is none."""

    document: Document
    place: str
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
class Source:
    """`repeatable`: it can be read again. `read` gives the entries from the first on."""

    name: str
    format: Format
    repeatable: bool
    read: Callable[[], Iterator[Entry]]
    fields: Fields
    pattern: str | None = None

    def as_json(self) -> dict[str, Any]:
        """What `open_source` needs to read it again from any folder."""
        absolute = self.name if self.name == STDIN else os.path.abspath(self.name)
        fields = {"text": self.fields.text, "id": self.fields.id}
        return {"name": absolute, "format": self.format, "fields": fields, "pattern": self.pattern}


def open_source(
    name: str, *, format: str | None = None, fields: Fields | None = None, pattern: str | None = None
) -> Source:
    """The source that INPUT names: a file, a folder (`pattern` says which files in it), a glob, or - for standard input."""
    chosen = _format(name, format)
    if pattern is not None and chosen != "files":
        raise UsageError("a glob chooses among the files of a folder; INPUT is none")
    fields = fields or Fields()
    if chosen == "files":
        return Source(name, chosen, True, partial(_files, name, pattern), fields, pattern)
    if name != STDIN and not Path(name).exists():
        raise UsageError(f"no file {name!r} to read")
    # A pipe can be read once only.
    repeatable = name != STDIN and stat.S_ISREG(Path(name).stat().st_mode)
    readers: dict[str, Callable[[str, Fields, BinaryIO], Iterator[Entry]]] = {
        "jsonl": _json_lines,
        "csv": partial(_csv, ","),
        "tsv": partial(_csv, "\t"),
        "lines": _plain_lines,
    }
    return Source(name, chosen, repeatable, partial(_stream, name, partial(readers[chosen], name, fields)), fields)


def _format(name: str, format: str | None) -> Format:
    if format is not None and format not in FORMATS:
        raise UsageError(f"the input format must be one of {', '.join(FORMATS)}, not {format!r}")
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
        raise UsageError(f"{name!r} ends in none of {known}; say with --input-format what it is: {', '.join(FORMATS)}")
    return _SUFFIXES[suffix]


def _stream(name: str, read: Callable[[BinaryIO], Iterator[Entry]]) -> Iterator[Entry]:
    try:
        # A stream of its own: a thread that still waits for a line must not hold the interpreter's.
        with os.fdopen(os.dup(0), "rb") if name == STDIN else open(name, "rb") as stream:
            yield from read(stream)
    except OSError as error:
        raise InputInvalid(_shown(name), f"cannot be read: {error.strerror}") from error


def _shown(name: str) -> str:
    return "standard input" if name == STDIN else name


def _lines(name: str, stream: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """The lines that are not empty, without their ends, with their places."""
    for number, line in enumerate(_physical_lines(name, stream), start=1):
        if line.strip():
            yield f"{_shown(name)}, line {number}", line.rstrip(b"\r\n")


def _plain_lines(name: str, _: Fields, stream: BinaryIO) -> Iterator[Entry]:
    for number, (place, line) in enumerate(_lines(name, stream), start=1):
        yield Entry(Document.placed(number, line.decode("utf-8", "surrogateescape")), place, _bytes_error(line))


def _bytes_error(data: bytes) -> DocumentError | None:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return NotAText(f"it is not UTF-8 at byte {error.start}")
    return None


# -- rows


def _json_lines(name: str, fields: Fields, stream: BinaryIO) -> Iterator[Entry]:
    rows = _Rows(fields)
    for place, line in _lines(name, stream):
        try:
            row = json.loads(line.decode("utf-8", "surrogateescape"))
        except ValueError as error:
            raise InputInvalid(place, f"not JSON: {error}") from error
        except RecursionError as error:
            raise InputInvalid(place, "JSON that is nested too deeply") from error
        if not isinstance(row, dict):
            raise InputInvalid(place, f"a row is a JSON object with a text in it, not {line[:40]!r}")
        yield rows.entry(row, place)


def _csv(delimiter: str, name: str, fields: Fields, stream: BinaryIO) -> Iterator[Entry]:
    csv.field_size_limit(MOST_BYTES)
    rows = _Rows(fields)
    texts = (line.decode("utf-8", "surrogateescape") for line in _physical_lines(name, stream))
    reader = csv.reader(texts, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    try:
        for cells in reader:
            place = f"{_shown(name)}, line {reader.line_num}"
            if not cells:
                continue
            if header is None:
                header = cells
                if len(set(header)) < len(header):
                    raise InputInvalid(place, f"a column's name comes twice: {', '.join(header)}")
                continue
            if len(cells) != len(header):
                raise InputInvalid(place, f"the row has {len(cells)} cells, the header has {len(header)}")
            yield rows.entry(dict(zip(header, cells, strict=True)), place)
    except csv.Error as error:
        raise InputInvalid(f"{_shown(name)}, line {reader.line_num}", f"not CSV: {error}") from error


def _physical_lines(name: str, stream: BinaryIO) -> Iterator[bytes]:
    """All lines with their ends, which count inside quotes."""
    number = 0
    while line := stream.readline(MOST_BYTES + 1):
        number += 1
        if len(line) > MOST_BYTES:
            place = f"{_shown(name)}, line {number}"
            raise InputInvalid(place, f"has more than {MOST_BYTES >> 20} MiB, which no model reads")
        yield line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line


class _Rows:
    """Rows as entries; whether they have ids is settled by the first."""

    def __init__(self, fields: Fields) -> None:
        self._text = fields.text
        self._id = fields.id
        self._count = 0

    def entry(self, row: dict[str, Any], place: str) -> Entry:
        self._count += 1
        if self._count == 1 and self._id is None and "id" in row:
            self._id = "id"
        for field, option in ((self._text, "--text-field"), (self._id, "--id-field")):
            if field is not None and field not in row:
                names = ", ".join(map(repr, list(row)[:8]))
                raise InputInvalid(place, f"the row has no {field!r} but {names}; {option} names the field")
        value = row[self._text]
        if not isinstance(value, str):
            document = self._document(row, place, "")
            return Entry(document, place, NotAText(f"its {self._text!r} is {json.dumps(value)[:40]}"))
        return Entry(self._document(row, place, value), place, _half_character(value))

    def _document(self, row: dict[str, Any], place: str, text: str) -> Document:
        if self._id is None:
            return Document.placed(self._count, text)
        return Document.named(checked_id(row[self._id], place), text)


def checked_id(value: Any, place: str) -> DocumentId:
    """An id is a text or a whole number."""
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise InputInvalid(place, f"an id is a text or a whole number, not {json.dumps(value)[:40]}")
    if isinstance(value, str) and _half_character(value):
        raise InputInvalid(place, "the id is not UTF-8")
    return value


def _half_character(text: str) -> DocumentError | None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        escaped = "\udc80" <= text[error.start] <= "\udcff"
        what = "a byte that is not UTF-8" if escaped else "half a surrogate pair"
        return NotAText(f"character {error.start} is {what}")
    return None


# -- files


def _files(name: str, pattern: str | None) -> Iterator[Entry]:
    folder = Path(name).is_dir()
    root = Path(name) if folder else Path()
    found = (
        (os.path.relpath(path, root) for path in root.glob(pattern or DEFAULT_GLOB))
        if folder
        else glob.iglob(name, recursive=True)
    )
    count = 0
    for file in _sorted(found, name):
        path = root / file
        if path.is_file():
            count += 1
            yield _file(file, path)
    if not count:
        raise UsageError(f"no file in {name!r} matches {pattern or DEFAULT_GLOB!r}" if folder else f"no file {name!r}")


def _sorted(names: Iterable[str], source: str) -> Iterator[str]:
    """The names in order, on the disk: there may be more than the memory holds."""
    with closing(temporary_table("names (name TEXT PRIMARY KEY) WITHOUT ROWID")) as table:
        for name in names:
            if _half_character(name):
                raise InputInvalid(source, f"the file name {os.fsencode(name)!r} is not UTF-8, so it cannot be an id")
            table.execute("INSERT OR IGNORE INTO names VALUES (?)", (name,))
        for (name,) in table.execute("SELECT name FROM names ORDER BY name"):
            yield name


def _file(name: str, path: Path) -> Entry:
    document_id = Path(name).as_posix()
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            text = f"{size} bytes"
            reason = NotAText(f"it has {size} bytes, and at most {MOST_BYTES} are read")
            return Entry(Document.named(document_id, text), str(path), reason)
        data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise InputInvalid(str(path), f"cannot be read: {error.strerror}") from error
    document = Document.named(document_id, data.decode("utf-8", "surrogateescape"))
    return Entry(document, str(path), _bytes_error(data))


def temporary_table(definition: str) -> sqlite3.Connection:
    """A table that lives in a temporary file and takes a bounded part of the memory."""
    connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA cache_size = -2048")
    connection.execute(f"CREATE TABLE {definition}")
    connection.execute("BEGIN")
    return connection
