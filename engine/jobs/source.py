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
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Literal, get_args

from engine.errors import DocumentError, InputInvalid, NotAText, UsageError
from engine.extraction.document import Document, DocumentId, digest_of, refused_id
from engine.jobs.listing import in_order, matching, same_file, would_match

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
    """`repeatable`: it can be read again. `read` gives the entries from the first on. `folder` is where the names of a glob
    begin, None for the working folder."""

    name: str
    format: Format
    repeatable: bool
    read: Callable[[], Iterator[Entry]]
    fields: Fields
    pattern: str | None = None
    folder: str | None = None

    def as_json(self) -> dict[str, Any]:
        """What `open_source` needs to read it again from any folder."""
        is_glob = self.format == "files" and not Path(self.name).is_dir()
        # The files of a glob are named as it was typed, and these names are the ids.
        folder = (self.folder or os.getcwd()) if is_glob else None
        name = self.name if is_glob or self.name == STDIN else os.path.abspath(self.name)
        fields = {"text": self.fields.text, "id": self.fields.id}
        return {"name": name, "folder": folder, "format": self.format, "fields": fields, "pattern": self.pattern}

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
) -> Source:
    """The source that INPUT names: a file, a folder (`pattern` says which files in it), a glob, or - for standard input."""
    chosen = _format(name, format)
    if pattern is not None and chosen != "files":
        raise UsageError("a glob chooses among the files of a folder; INPUT is none")
    fields = fields or Fields()
    if chosen == "files":
        read = partial(_files, name, DEFAULT_GLOB if pattern is None else pattern, folder)
        return Source(name, chosen, True, read, fields, pattern, folder)
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
            row = json.loads(line.decode("utf-8", "surrogateescape"), object_pairs_hook=_members)
        except json.JSONDecodeError as error:
            wide = "; it looks like UTF-16, and UTF-8 is read" if line[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
            raise InputInvalid(place, f"not JSON at character {error.pos}: {error.msg}{wide}") from error
        except ValueError as error:
            raise InputInvalid(place, f"not JSON that can be read: {error}") from error
        except RecursionError as error:
            raise InputInvalid(place, "JSON that is nested too deeply") from error
        if not isinstance(row, dict):
            raise InputInvalid(place, f"a row is a JSON object with a text in it, not {line[:40]!r}")
        yield rows.entry(row, place)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; which of two members of one name is meant, nobody can know."""
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the member {twice!r} stands twice in one object")
    return members


def _csv(delimiter: str, name: str, fields: Fields, stream: BinaryIO) -> Iterator[Entry]:
    csv.field_size_limit(MOST_BYTES)
    rows = _Rows(fields)
    texts = (line.decode("utf-8", "surrogateescape") for line in _physical_lines(name, stream))
    reader = csv.reader(texts, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    begin = 1  # the line in which the row begins: it may have line ends in it
    try:
        for cells in reader:
            place, begin = f"{_shown(name)}, line {begin}", reader.line_num + 1
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
        raise InputInvalid(f"{_shown(name)}, line {begin}", f"the row that begins here is not CSV: {error}") from error


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
    if reason := refused_id(value):
        raise InputInvalid(place, reason)
    return value  # type: ignore[no-any-return]


def _half_character(text: str) -> DocumentError | None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        escaped = "\udc80" <= text[error.start] <= "\udcff"
        what = "a byte that is not UTF-8" if escaped else "half a surrogate pair"
        return NotAText(f"character {error.start} is {what}")
    return None


# -- files


def _files(name: str, pattern: str, folder: str | None) -> Iterator[Entry]:
    root = Path(name) if Path(name).is_dir() else Path(folder or "")
    count = 0
    for file in in_order(matching(name, pattern, folder), name):
        entry = _file(file, root / file)
        if entry is not None:
            count += 1
            yield entry
    if not count:
        raise UsageError(f"no file in {name!r} matches {pattern!r}" if Path(name).is_dir() else f"no file {name!r}")


def _file(name: str, path: Path) -> Entry | None:
    """The file's document; None where it is a folder."""
    document_id = Path(name).as_posix()
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            return None
        if not stat.S_ISREG(status.st_mode):
            raise InputInvalid(str(path), "is no file that can be read again; leave it out with --glob")
        if status.st_size > MOST_BYTES:
            text = f"{status.st_size} bytes"
            reason = NotAText(f"it has {text}, and at most {MOST_BYTES} are read")
            return Entry(Document.named(document_id, text), str(path), reason)
        data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise InputInvalid(str(path), f"cannot be read: {error.strerror}") from error
    document = Document.named(document_id, data.decode("utf-8", "surrogateescape"))
    return Entry(document, str(path), _bytes_error(data))
