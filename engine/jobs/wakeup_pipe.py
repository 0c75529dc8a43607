"""Wakeup pipe (self-pipe): another thread or a signal handler writes to it, and a loop that waits on connections wakes up."""

from __future__ import annotations

from contextlib import suppress
from multiprocessing import Pipe


class WakeupPipe:
    """A self-pipe. `connection` is what the loop waits on."""

    def __init__(self) -> None:
        self.connection, self._write = Pipe(duplex=False)
        self._poked = False

    def poke(self) -> None:
        """Wake the loop; a pipe that was written to and not cleared yet needs no second byte, which could block."""
        if not self._poked:
            self._poked = True
            with suppress(OSError):  # a closed one has nobody to wake
                self._write.send_bytes(b"!")

    def clear(self) -> None:
        """Take what was written, before looking at what it was about."""
        self._poked = False
        while self.connection.poll():
            self.connection.recv_bytes()

    def close(self) -> None:
        """Nobody waits any more."""
        self.connection.close()
        self._write.close()
