"""Lock: one job writes an output at a time, and the second is told who does.

The lock is the operating system's, so a job that was killed does not hold it. A file beside it names the holder.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from engine.errors import OutputFailed, OutputHeld

LOCK, HOLDER = ".lock", ".holder.json"


def beside(output: Path, suffix: str) -> Path:
    """A file of the job beside its output."""
    return output.with_name(output.name + suffix)


@contextmanager
def hold_output(output: Path) -> Iterator[None]:
    """Hold `output`; `OutputHeld` where another job does."""
    holder = beside(output, HOLDER)
    file = beside(output, LOCK)
    lock = FileLock(file, timeout=0, thread_local=False)
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o644))  # the lock itself takes some failures for another holder
        lock.acquire()
    except Timeout as error:
        raise OutputHeld(output, _described(holder)) from error
    except OSError as error:
        raise OutputFailed(file, str(error.strerror)) from error
    try:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        note = {"pid": os.getpid(), "host": socket.gethostname(), "started": now}
        with suppress(OSError):  # who holds it is a courtesy; a full disk is told where something is lost by it
            holder.write_text(json.dumps(note), "utf-8")
        yield
    finally:
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


def _described(holder: Path) -> str:
    try:
        note = json.loads(holder.read_bytes())
        return f"process {note['pid']} on {note['host']}, started {note['started']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
