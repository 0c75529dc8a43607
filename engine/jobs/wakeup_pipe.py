"""Wakeup pipe (self-pipe): another thread or a signal handler writes to it, and a loop that waits on connections wakes up."""

from __future__ import annotations

import os
from contextlib import suppress


class WakeupPipe:
    """A self-pipe."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)

    def fileno(self) -> int:
        return self._read

    def poke(self) -> None:
        # A full pipe wakes as well as one more byte does; a closed one has nobody to wake.
        with suppress(BlockingIOError, OSError):
            os.write(self._write, b"!")

    def clear(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._read, 4096)

    def close(self) -> None:
        os.close(self._read)
        os.close(self._write)
