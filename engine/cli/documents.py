"""Documents: files, standard input or their lines, as texts that are read when their turn comes.

Each file is one document, or with `lines` each of its lines. A text that is not UTF-8 fails alone: it is handed on with
its odd bytes as lone surrogates, which no prompt takes, and `trouble` says what is wrong with it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

from engine.errors import UsageError

STDIN = "-"


class Documents(Iterator[str]):
    """The texts in order; `name` says where one came from."""

    def __init__(self, files: Sequence[str], *, lines: bool) -> None:
        for file in files:
            if file != STDIN and (not Path(file).exists() or Path(file).is_dir()):
                raise UsageError(f"no file {file!r} to read")
        if list(files).count(STDIN) > 1:
            raise UsageError("standard input can be read once only")
        self._names: dict[int, str] = {}
        self._trouble: dict[int, str] = {}
        self._count = 0
        self._pieces = self._split(files or (STDIN,), lines)

    def __next__(self) -> str:
        name, data = next(self._pieces)
        index = self._count
        self._count += 1
        self._names[index] = name
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self._trouble[index] = f"not UTF-8 at byte {error.start}"
            return data.decode("utf-8", "surrogateescape")

    def name(self, index: int) -> str:
        """`letter.txt`, or `letters.txt:12` for a line."""
        return self._names[index]

    def trouble(self, index: int) -> str | None:
        """Why the document's bytes are no text."""
        return self._trouble.get(index)

    def forget(self, index: int) -> None:
        """The document is done: an endless input must not fill the memory with names."""
        self._names.pop(index, None)
        self._trouble.pop(index, None)

    @staticmethod
    def _split(files: Sequence[str], lines: bool) -> Iterator[tuple[str, bytes]]:
        for file in files:
            try:
                with _open(file) as stream:
                    if not lines:
                        yield file, stream.read()
                        continue
                    for number, line in enumerate(stream, start=1):
                        yield f"{file}:{number}", line.rstrip(b"\r\n")
            except OSError as error:
                raise UsageError(f"{file}: cannot be read: {error.strerror}") from error


def _open(file: str) -> AbstractContextManager[BinaryIO]:
    # Standard input is not ours to close.
    return nullcontext(sys.stdin.buffer) if file == STDIN else Path(file).open("rb")
