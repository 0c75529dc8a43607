"""Documents: files, standard input or their lines, as texts that are read when their turn comes.

Each file is one document, or with `lines` each of its lines that is not blank. What cannot be read, or is not UTF-8, is a
document that ends in an error, and the others go on. What is wrong before anything is read is `UsageError`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

from engine.errors import TextUnreadable, UsageError

STDIN = "-"


class Documents(Iterator[str | TextUnreadable]):
    """The texts in order; `name` says where one came from."""

    def __init__(self, files: Sequence[str], *, lines: bool) -> None:
        for file in files or (STDIN,):
            if file == STDIN:
                if sys.stdin is None:
                    raise UsageError("standard input is closed; give a FILE, or something to read")
            elif not Path(file).exists():
                raise UsageError(f"no file {file!r} to read")
            elif Path(file).is_dir():
                raise UsageError(f"{file!r} is a folder; give its files, as in {os.path.join(file, '*.txt')}")
            elif not os.access(file, os.R_OK):
                raise UsageError(f"{file!r} cannot be read: permission denied")
        if list(files).count(STDIN) > 1:
            raise UsageError("standard input can be read once only")
        self._names: dict[int, str] = {}
        self._count = 0
        self._pieces = self._split(files or (STDIN,), lines)

    def __next__(self) -> str | TextUnreadable:
        name, found = next(self._pieces)
        index = self._count
        self._count += 1
        self._names[index] = name
        if isinstance(found, TextUnreadable):
            return found
        try:
            return found.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            return TextUnreadable(name, f"not UTF-8 at byte {error.start}")

    def name(self, index: int) -> str:
        """`letter.txt`, or `letters.txt:12` for a line."""
        return self._names[index]

    def forget(self, index: int) -> None:
        """The document is done: an endless input must not fill the memory with names."""
        self._names.pop(index, None)

    @staticmethod
    def _split(files: Sequence[str], lines: bool) -> Iterator[tuple[str, bytes | TextUnreadable]]:
        for file in files:
            try:
                with _open(file) as stream:
                    if not lines:
                        yield file, stream.read()
                        continue
                    for number, line in enumerate(stream, start=1):
                        if line.strip():
                            yield f"{file}:{number}", line.rstrip(b"\r\n")
            except OSError as error:
                yield file, TextUnreadable(file, f"cannot be read: {error.strerror}")


def _open(file: str) -> AbstractContextManager[BinaryIO]:
    """The bytes of a file; standard input is not ours to close."""
    return nullcontext(sys.stdin.buffer) if file == STDIN else Path(file).open("rb")


def read_text(path: Path) -> str:
    """The text of a file that a command was told to read; `UsageError` where it is none."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 at byte {error.start}") from error
