"""Ledger: the output file of a job, line after line in the order of the input.

It only ever grows at its end, by whole lines. Line n is document n, so what is done is a count, and no document can be
lost or come twice. What a crash leaves behind the last whole line is cut off when the ledger is opened again; what the
manifest knows to be durable is never cut, a line there that cannot be read is refused.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from engine.errors import OutputDamaged, OutputFailed, UsageError
from engine.jobs.record import Record, read_line


@dataclass(frozen=True, slots=True)
class Line:
    """A line with what it says."""

    data: bytes
    record: Record


class Ledger:
    """The file, open for as long as one job writes it. `size` and `documents` are what whole lines come to."""

    def __init__(self, path: Path, durable: int) -> None:
        self.path = path
        self.size = 0
        self.documents = 0
        self._durable = durable
        self._hash = hashlib.sha256()
        create = 0 if durable else os.O_CREAT
        try:
            self._handle = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0) | create, 0o644)
        except FileNotFoundError as error:
            raise OutputDamaged(path, None, f"is gone, and {durable} bytes of it were safe before") from error
        except OSError as error:
            raise OutputFailed(path, str(error.strerror)) from error
        status = os.fstat(self._handle)
        if not stat.S_ISREG(status.st_mode):
            os.close(self._handle)
            raise UsageError(f"{path} is not a file; a job's output is one, so that it can go on after a crash")
        if status.st_size < durable:
            os.close(self._handle)
            reason = f"has {status.st_size} bytes, and {durable} were safe before"
            raise OutputDamaged(path, None, reason)

    def lines(self) -> Iterator[Line]:
        """What is there, from the first line on; exhaust it before anything is appended."""
        with open(self._handle, "rb", closefd=False) as stream:
            stream.seek(0)
            for data in stream:
                record = read_line(data)
                if record is None:
                    break
                self._count(data)
                yield Line(data, record)
        if self.size < self._durable:
            raise OutputDamaged(self.path, self.documents + 1, "is not what the job wrote")
        self._truncate()

    def append(self, line: bytes) -> None:
        """Add a line; `OutputFailed` where the system refuses it, and nothing of it is left."""
        at = 0
        try:
            os.lseek(self._handle, self.size, os.SEEK_SET)
            while at < len(line):
                at += os.write(self._handle, line[at:])
        except OSError as error:
            with suppress(OutputFailed):
                self._truncate()
            raise OutputFailed(self.path, str(error.strerror), self.documents) from error
        self._count(line)

    def sync(self) -> None:
        """Make all lines durable."""
        try:
            os.fsync(self._handle)
        except OSError as error:
            raise OutputFailed(self.path, str(error.strerror), self.documents) from error
        self._durable = self.size

    @property
    def is_durable(self) -> bool:
        """Whether all lines are."""
        return self._durable == self.size

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def close(self) -> None:
        os.close(self._handle)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _count(self, data: bytes) -> None:
        self.size += len(data)
        self.documents += 1
        self._hash.update(data)

    def _truncate(self) -> None:
        """Let the file end with its last whole line."""
        try:
            os.ftruncate(self._handle, self.size)
        except OSError as error:
            raise OutputFailed(self.path, str(error.strerror), self.documents) from error


def read_ledger(path: Path, durable: int = 0) -> Iterator[Line]:
    """The whole lines of a finished or stopped job, without touching the file; `OutputDamaged` where those are fewer than
    `atomic_file` bytes."""
    size = count = 0
    for data, record in read_lines(path):
        if record is None:
            break
        size, count = size + len(data), count + 1
        yield Line(data, record)
    if size < durable:
        raise OutputDamaged(path, count + 1, "is not what the job wrote")


def read_lines(path: Path) -> Iterator[tuple[bytes, Record | None]]:
    """All lines of a file, with what they say; None where that is not a record."""
    try:
        with path.open("rb") as stream:
            for data in stream:
                yield data, read_line(data)
    except OSError as error:
        raise OutputDamaged(path, None, f"cannot be read: {error.strerror}") from error
