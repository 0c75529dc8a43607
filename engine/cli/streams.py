"""The three standard streams, as a command may rely on them.

Whatever the shell did to them (closed, a full disk, a reader that goes away), a command can read and write: what standard
output cannot take is `OutputRefused` or `ReaderGone` at the first write that fails, never later and never in silence; a
message that standard error cannot take is dropped. Descriptors that are closed are opened on nothing, or the first file
that somebody opens would become the standard output.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from engine.errors import OutputRefused

if TYPE_CHECKING:
    from typing_extensions import Buffer


class ReaderGone(Exception):
    """Nobody reads the standard output any more."""


class _Guarded(io.RawIOBase):
    """A descriptor to write to, None where there is none. After an error nothing more is written, so that the last flush
    cannot fail again; only standard output raises it. There is no buffer behind it, or what an interrupt finds half done
    would be written twice."""

    def __init__(self, descriptor: int | None, *, raises: bool) -> None:
        self._descriptor, self._raises = descriptor, raises
        self._broken = False

    def write(self, data: Buffer, /) -> int:
        rest = memoryview(data).cast("B")
        whole = len(rest)
        while rest and not self._broken:
            try:
                if self._descriptor is None:
                    raise OSError("it is closed")
                rest = rest[os.write(self._descriptor, rest) :]
            except OSError as error:
                self._broken = True
                if self._raises:
                    self._refuse(error)
        return whole

    def _refuse(self, error: OSError) -> NoReturn:
        if isinstance(error, BrokenPipeError):
            raise ReaderGone from None
        raise OutputRefused(error.strerror or str(error)) from None

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._descriptor is not None and os.isatty(self._descriptor)

    def fileno(self) -> int:
        if self._descriptor is None:
            raise OSError("standard output is closed")
        return self._descriptor


@contextmanager
def standard_streams() -> Iterator[None]:
    """The streams of a process that is one command; everything is written out when it ends."""
    _open_descriptors()
    sys.stdout = _guarded(sys.stdout, raises=True)
    sys.stderr = _guarded(sys.stderr, raises=False)
    try:
        yield
    finally:
        sys.stdout.flush()


def _open_descriptors() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    while nowhere <= 2:
        nowhere = os.open(os.devnull, os.O_RDWR)
    os.close(nowhere)


def _guarded(stream: TextIO | None, *, raises: bool) -> TextIO:
    """The same stream with its errors as they are told here; a console of Windows, and what is no file, stays."""
    descriptor = None
    if stream is not None:
        buffer = getattr(stream, "buffer", None)
        if not isinstance(getattr(buffer, "raw", buffer), io.FileIO):  # python -u has no buffer in between
            return stream
        stream.flush()
        descriptor = stream.fileno()
    raw: Any = _Guarded(descriptor, raises=raises)
    live = raw.isatty() or not raises
    return io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", line_buffering=live)
