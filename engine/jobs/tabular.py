"""Tabular: the rows of a CSV, TSV or database dump, as members by the names of its header.

In: lines of text and a `TableFormat`, which says what is known of them. Out: rows with the line in which each begins. The
delimiter that nobody named is found from the first row: Excel's `sep=;`, else the one under which the header has the
fields that are wanted, else the one that gives most columns. Quoting is never guessed; a row that does not fit says what
could be meant.

Source: RFC 4180; PostgreSQL's `COPY` and `mysql --batch` for dumps.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal, get_args

from engine.errors import InputInvalid, UsageError

Quoting = Literal["double", "backslash", "none", "dump"]
QUOTINGS: tuple[str, ...] = get_args(Quoting)
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "bar": "|", "space": " "}
_SEPARATOR = re.compile(r'"?sep=(?P<mark>[^"\r\n])"?\r?\n?', re.IGNORECASE)
_HEADER_LINES = 100  # a header whose cells have line ends in them is not longer
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}

Cell = str | None
TableRow = dict[str, Cell]


@dataclass(frozen=True, slots=True)
class TableFormat:
    """`delimiter`: one character, None to find it. `quoting`: "double" as in RFC 4180, "backslash" where \\" is a quote
    inside quotes, "none" where quotes are text, "dump" where there are none and \\t, \\n, \\\\ and \\N are what they are in dumps
    of databases."""

    delimiter: str | None = None
    quoting: str = "double"

    def __post_init__(self) -> None:
        if self.quoting not in QUOTINGS:
            raise UsageError(f"--quoting is one of {', '.join(QUOTINGS)}, not {self.quoting!r}")
        if self.delimiter is not None and (len(self.delimiter) != 1 or self.delimiter in '"\\\r\n\0'):
            raise UsageError(f"--delimiter is one character, or tab, not {self.delimiter!r}")

    @classmethod
    def named(cls, delimiter: str | None, quoting: str | None) -> TableFormat:
        """As the user calls them: `tab` is a delimiter, and `auto` finds it."""
        if delimiter is not None:
            delimiter = None if delimiter == "auto" else _NAMES.get(delimiter, delimiter)
        return cls(delimiter, quoting or "double")


PLAIN = TableFormat()


def read_table_rows(
    name: str, lines: Iterator[str], table: TableFormat, wanted: Sequence[str], note: Callable[[str], None]
) -> Iterator[tuple[str, TableRow]]:
    """The rows below the header, each with its place (`notes.csv, line 7`). `note` hears of a delimiter that was found."""
    csv.field_size_limit(2**31 - 1)  # the lines are bounded by whoever reads them
    delimiter, first, lines = _delimiter(name, lines, table, wanted, note)
    header: list[str] | None = None
    for number, cells in _cells(name, lines, table.quoting, delimiter, first):
        place = f"{name}, line {number}"
        if header is None:
            header = ["" if cell is None else cell for cell in cells]
            if len(set(header)) < len(header):
                raise InputInvalid(place, f"a column's name comes twice: {', '.join(header)}")
        elif len(cells) != len(header):
            reason = f"the row has {len(cells)} cells, the header has {len(header)}"
            raise InputInvalid(place, reason + _advice(table, delimiter, cells))
        else:
            yield place, dict(zip(header, cells, strict=True))


def shown_delimiter(delimiter: str) -> str:
    """The delimiter's name in messages."""
    return _DELIMITERS.get(delimiter, repr(delimiter))


def other_delimiter(header: str) -> str:
    """What a header of one column looks like; empty where it looks like one column."""
    for delimiter, shown in _DELIMITERS.items():
        if delimiter in header:
            option = "tab" if delimiter == "\t" else f"'{delimiter}'"
            return f"; the columns look separated by {shown}: --delimiter {option}"
    return ""


def _delimiter(
    name: str, lines: Iterator[str], table: TableFormat, wanted: Sequence[str], note: Callable[[str], None]
) -> tuple[str, int, Iterator[str]]:
    """The delimiter, the number of the line that follows, and all lines but one that only says the delimiter."""
    first = next(lines, "")
    if marked := _SEPARATOR.fullmatch(first):
        if table.delimiter is None:
            note(f"{name}: columns are separated by {shown_delimiter(marked['mark'])}, as its first line says")
        return table.delimiter or marked["mark"], 2, lines
    head = [first]
    if table.delimiter is not None:
        return table.delimiter, 1, chain(head, lines)
    while len(head) < _HEADER_LINES and (not "".join(head).strip() or _is_open(head, table.quoting)):
        more = next(lines, None)
        if more is None:
            break
        head.append(more)
    found = max(_DELIMITERS, key=lambda delimiter: _fitness(head, table.quoting, delimiter, wanted))
    if found != ",":
        note(f"{name}: columns are separated by {shown_delimiter(found)}, as its header shows")
    return found, 1, chain(head, lines)


def _is_open(head: list[str], quoting: str) -> bool:
    """Whether a cell of the header goes on in the next line."""
    return quoting in ("double", "backslash") and "".join(head).count('"') % 2 == 1


def _fitness(head: list[str], quoting: str, delimiter: str, wanted: Sequence[str]) -> tuple[int, int]:
    """How many of the wanted fields a header has, and how many columns; the first of equals is taken."""
    try:
        _, cells = next(_cells("", iter(head), quoting, delimiter, 1))
    except (StopIteration, InputInvalid):
        return 0, 0
    return sum(field in cells for field in wanted), len(cells)


def _cells(
    name: str, lines: Iterator[str], quoting: str, delimiter: str, begin: int
) -> Iterator[tuple[int, list[Cell]]]:
    """The cells of each row that is not blank, with the number of the line in which it begins."""
    if quoting == "dump":
        yield from _dumped(lines, delimiter, begin)
        return
    escape = "\\" if quoting == "backslash" else None
    quoted = None if quoting == "none" else '"'
    kind: Literal[0, 3] = 3 if quoted is None else 0  # csv.QUOTE_NONE, csv.QUOTE_MINIMAL
    reader = csv.reader(lines, delimiter=delimiter, quotechar=quoted, quoting=kind, escapechar=escape, strict=True)
    before = begin - 1
    at = begin  # the line in which the row begins: it may have line ends in it
    try:
        for cells in reader:
            if cells:
                yield at, list(cells)
            at = before + reader.line_num + 1
    except csv.Error as error:
        raise InputInvalid(
            f"{name}, line {at}",
            f'the row that begins here is not CSV: {error}; where quotes are text, say --quoting none, where \\" is a '
            "quote, --quoting backslash",
        ) from error


def _dumped(lines: Iterable[str], delimiter: str, begin: int) -> Iterator[tuple[int, list[Cell]]]:
    numbered = enumerate(lines, start=begin)
    for number, line in numbered:
        text = line.rstrip("\r\n") if line.endswith("\n") else line
        while _ends_escaped(text) and line.endswith("\n"):  # the line end itself is escaped
            _, line = next(numbered, (0, ""))
            text += "\n" + line.rstrip("\r\n")
        if text:
            yield number, [_unescaped(cell) for cell in _split_dump(text, delimiter)]


def _ends_escaped(text: str) -> bool:
    return (len(text) - len(text.rstrip("\\"))) % 2 == 1


def _split_dump(text: str, delimiter: str) -> list[str]:
    """At delimiters without a backslash before them."""
    if "\\" + delimiter not in text:
        return text.split(delimiter)
    return re.findall(rf"(?:^|{re.escape(delimiter)})((?:\\.|[^\\{re.escape(delimiter)}])*)", text, re.DOTALL)


def _unescaped(cell: str) -> Cell:
    if cell == "\\N":
        return None
    return _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), cell)


def _advice(table: TableFormat, delimiter: str, cells: Sequence[Cell]) -> str:
    """What could be meant by a row of another length."""
    if len(cells) == 1 and cells[0] is not None and (other := other_delimiter(cells[0].replace(delimiter, ""))):
        return other
    if table.quoting == "double":
        return "; where quotes are text, say --quoting none; of a database's dump, --quoting dump"
    return ""
