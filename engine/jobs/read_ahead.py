"""Read-ahead: a thread reads a few documents before they are needed, so that a slow input does not block the job."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from queue import Empty, Full, Queue
from typing import Generic, TypeVar

from engine.jobs.wakeup_pipe import WakeupPipe

T = TypeVar("T")
_AHEAD = 64
_PUT_TIMEOUT = 0.2  # seconds after which a thread that waits looks whether it is still wanted


@dataclass(frozen=True, slots=True)
class _End:
    """The input is over; `error` is what ended it before its time."""

    error: BaseException | None = None


class ReadAhead(Generic[T]):
    """`take` gives what is there; `over` is true when nothing will come any more, `error` is what reading raised then."""

    def __init__(self, items: Iterator[T], wakeup: WakeupPipe) -> None:
        self.over = False
        self.error: BaseException | None = None
        self._items = items
        self._wake = wakeup
        self._queue: Queue[T | _End] = Queue(_AHEAD)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._read, name="engine-intake", daemon=True)
        self._thread.start()

    def take(self) -> T | None:
        """The next item; None where there is none now."""
        if self.over:
            return None
        try:
            item = self._queue.get_nowait()
        except Empty:
            return None
        if isinstance(item, _End):
            self.over, self.error = True, item.error
            return None
        return item

    def close(self) -> None:
        """Stop reading."""
        self.over = True
        self._closed.set()

    def _read(self) -> None:
        end = _End()
        try:
            for item in self._items:
                if not self._put(item):
                    return
        except BaseException as error:  # foreign code runs here too; whoever takes the items raises it
            end = _End(error)
        self._put(end)

    def _put(self, item: T | _End) -> bool:
        while not self._closed.is_set():
            try:
                self._queue.put(item, timeout=_PUT_TIMEOUT)
            except Full:
                continue
            self._wake.poke()
            return True
        return False
