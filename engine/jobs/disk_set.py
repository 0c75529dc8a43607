"""Disk set: a set of names that lives on the disk, so that memory does not grow with a job."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from engine.errors import OutputFailed


class DiskSet:
    """In a temporary file that goes with it; a bounded part of it is in the memory. `OutputFailed` where the disk is full."""

    def __init__(self) -> None:
        with _told():
            self._connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode = OFF")
            self._connection.execute("PRAGMA cache_size = -2048")
            self._connection.execute("CREATE TABLE names (name TEXT PRIMARY KEY, place TEXT) WITHOUT ROWID")
            self._connection.execute("BEGIN")

    def add(self, name: str, location: str = "") -> str | None:
        """Add a name that is at `location`; if it is there already, nothing changes, and its place is given."""
        with _told():
            if self._connection.execute("INSERT OR IGNORE INTO names VALUES (?, ?)", (name, location)).rowcount:
                return None
            ((known,),) = self._connection.execute("SELECT place FROM names WHERE name = ?", (name,))
            return str(known)

    def __iter__(self) -> Iterator[str]:
        """All names in their order."""
        with _told():
            for (name,) in self._connection.execute("SELECT name FROM names ORDER BY name"):
                yield name

    def __enter__(self) -> DiskSet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise OutputFailed(Path(tempfile.gettempdir()), str(error)) from error
