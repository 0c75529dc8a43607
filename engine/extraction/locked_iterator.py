"""Locked iterator: one run, shared by several threads.

A generator that two threads advance at once raises a ValueError in one of them. Here the second waits for its turn, and each
result goes to one of them. A run that asks for its own next result (its documents are made of its objects) would wait for
itself; that is refused.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from engine.errors import UsageError

R = TypeVar("R")


class LockedIterator(Generic[R]):
    """An iterator over the results of a generator."""

    def __init__(self, results: Generator[R, None, None]) -> None:
        self._results = results
        self._lock = threading.Lock()
        self._holder: int | None = None

    def __iter__(self) -> Iterator[R]:
        return self

    def __next__(self) -> R:
        with self._turn():
            return next(self._results)

    def close(self) -> None:
        """End the generator; waits for the thread that has its turn."""
        with self._turn():
            self._results.close()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if self._holder == threading.get_ident():
            raise UsageError("an extraction cannot be advanced or closed by the documents that it reads")
        with self._lock:
            self._holder = threading.get_ident()
            try:
                yield
            finally:
                self._holder = None
