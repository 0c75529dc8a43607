"""Documents: files, standard input or their lines, as texts that are read when their turn comes.

Each file is one document, or with `lines` each of its lines that is not blank. What cannot be read, or is not in the
encoding that was said, is a document that ends in an error, and the others go on. What is wrong before anything is read is
`UsageError`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from io import BufferedReader
from pathlib import Path
from typing import cast

from engine.errors import NotDecodable, TextUnreadable, UsageError
from engine.extraction.encoding import (
    AUTO,
    SAMPLE,
    UTF8,
    decode_text,
    decoded_lines,
    found_encoding,
    known_encoding,
    refuse_wide,
    undecoded,
)

STDIN_ARGUMENT = "-"
# Characters of a line; a longer one would fill the memory.
_LONGEST_LINE = 64 << 20


class Documents(Iterator[str | TextUnreadable]):
    """The texts in order; `name` says where one came from. `notes` says, as files are read, which encoding was found for
    one; whoever shows them takes them out."""

    def __init__(self, files: Sequence[str], *, lines: bool, encoding: str | None = None) -> None:
        for file in files or (STDIN_ARGUMENT,):
            if file == STDIN_ARGUMENT:
                if sys.stdin is None:
                    raise UsageError("standard input is closed; give a FILE, or something to read")
            elif not Path(file).exists():
                raise UsageError(f"no file {file!r} to read")
            elif Path(file).is_dir():
                raise UsageError(f"{file!r} is a folder; give its files, as in {os.path.join(file, '*.txt')}")
            elif not os.access(file, os.R_OK):
                raise UsageError(f"{file!r} cannot be read: permission denied")
        if list(files).count(STDIN_ARGUMENT) > 1:
            raise UsageError("standard input can be read once only")
        self._encoding = known_encoding(encoding)
        self.notes: list[str] = []
        self._names: dict[int, str] = {}
        self._count = 0
        self._pieces = self._split(files or (STDIN_ARGUMENT,), lines)

    def __next__(self) -> str | TextUnreadable:
        name, found = next(self._pieces)
        index = self._count
        self._count += 1
        self._names[index] = name
        return found

    def name(self, index: int) -> str:
        """`letter.txt`, or `letters.txt:12` for a line."""
        return self._names[index]

    def forget(self, index: int) -> None:
        """The document is done: an endless input must not fill the memory with names."""
        self._names.pop(index, None)

    def _split(self, files: Sequence[str], lines: bool) -> Iterator[tuple[str, str | TextUnreadable]]:
        for file in files:
            try:
                with _open(file) as stream:
                    if lines:
                        yield from self._lines(file, stream)
                    else:
                        text, encoding = decode_text(stream.read(), self._encoding)
                        self._note(file, encoding)
                        yield file, text
            except OSError as error:
                yield file, TextUnreadable(file, f"cannot be read: {error.strerror}")
            except NotDecodable as error:
                yield file, TextUnreadable(file, str(error))

    def _lines(self, file: str, stream: BufferedReader) -> Iterator[tuple[str, str | TextUnreadable]]:
        encoding = found_encoding(stream) if self._encoding == AUTO else self._encoding
        if stream.seekable():  # of a pipe, nothing is awaited before the first line
            start = stream.tell()
            refuse_wide(stream.read(SAMPLE), encoding)
            stream.seek(start)
        self._note(file, encoding)
        for number, line in enumerate(decoded_lines(stream, encoding, _LONGEST_LINE), start=1):
            if not line.strip():
                continue
            place, text = f"{file}:{number}", line.rstrip("\r\n")
            error = undecoded(text, encoding)
            yield place, text if error is None else TextUnreadable(place, str(error))

    def _note(self, file: str, encoding: str) -> None:
        if self._encoding == AUTO and encoding != UTF8:
            self.notes.append(f"{'standard input' if file == STDIN_ARGUMENT else file}: read as {encoding}")


def _open(file: str) -> AbstractContextManager[BufferedReader]:
    """The bytes of a file; standard input is not ours to close."""
    return nullcontext(cast(BufferedReader, sys.stdin.buffer)) if file == STDIN_ARGUMENT else Path(file).open("rb")


def read_text(path: Path) -> str:
    """The text of a file that a command was told to read; `UsageError` where it is not text."""
    try:
        text, _ = decode_text(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except NotDecodable as error:
        likely = f"; it looks like {error.likely}" if error.likely else ""
        raise UsageError(f"{path}: not UTF-8 at byte {error.location}{likely}; save it as UTF-8") from error
    return text
