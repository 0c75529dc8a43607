"""Worker process: one process as the job sees it: what it was sent, how far it is, how it ended."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import SimpleQueue

from engine.errors import WorkersFailed
from engine.extraction.document import Document
from engine.jobs.job_spec import JobSpec
from engine.jobs.worker_main import Order, WorkerMessage, WorkerRefused, run_worker

# A forked process would share llama.cpp's threads and locks in whatever state they are.
_SPAWN = multiprocessing.get_context("spawn")
_EXIT_TIMEOUT = 5.0  # seconds for a worker that was asked to end


@dataclass(slots=True)
class InFlight:
    """A document that was sent, with the times at which it was taken and begun."""

    number: int
    taken: float | None = None
    begun: float | None = None


class WorkerProcess:
    """A worker process that was started. Sending never waits for it."""

    def __init__(self, spec: JobSpec) -> None:
        self.ready = False
        self.backend: str | None = None
        self.flights: dict[int, InFlight] = {}
        self.alone = False  # it decodes a document that may kill it, and gets no other
        self.last_result = time.monotonic()
        self._said: str | None = None
        self._outbox: SimpleQueue[Order | None] = SimpleQueue()
        self.connection, theirs = _SPAWN.Pipe(duplex=True)
        self._process = _SPAWN.Process(target=run_worker, args=(theirs, spec), name="engine-worker", daemon=True)
        try:
            with _signals_blocked():
                self._process.start()
        except OSError as error:
            raise WorkersFailed(str(error.strerror)) from error
        theirs.close()
        threading.Thread(target=_send, args=(self.connection, self._outbox), daemon=True).start()

    @property
    def sentinel(self) -> int:
        return self._process.sentinel

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def send(self, number: int, document: Document) -> None:
        self.flights[number] = InFlight(number)
        self._outbox.put((number, document))

    def messages(self) -> Iterator[WorkerMessage]:
        """What it has said since the last call; a process that ended says no more."""
        try:
            while self.connection.poll():
                message = self.connection.recv()
                if isinstance(message, WorkerRefused):
                    self._said = ": ".join(message.error)
                yield message
        except (EOFError, OSError):
            return

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    def ending(self) -> str:
        """How a process that is not alive ended; it is done with after this."""
        self._process.join()
        code = self._process.exitcode or 0
        self._end()
        if self._said is not None:
            return self._said
        if code < 0:
            with suppress(ValueError):
                return f"ended by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"

    def overdue(self, limit: float) -> list[int]:
        """The documents that are decoded for longer than `limit` seconds."""
        now = time.monotonic()
        return [flight.number for flight in self.flights.values() if now - self._since(flight, now) > limit]

    def seconds_left(self, limit: float) -> float:
        """Seconds until the first document is overdue."""
        now = time.monotonic()
        return min((limit - (now - self._since(flight, now)) for flight in self.flights.values()), default=limit)

    def _since(self, flight: InFlight, now: float) -> float:
        """When a document's time began; while it waits for a place beside others, it has not."""
        if flight.begun is not None:
            return flight.begun
        if flight.taken is None or any(other.begun is not None for other in self.flights.values()):
            return now
        return max(flight.taken, self.last_result)

    def kill(self) -> None:
        self._process.kill()
        self._process.join()
        self._end()

    def close(self) -> None:
        """Let an idle process end by itself."""
        self._outbox.put(None)
        self._process.join(_EXIT_TIMEOUT)
        self.kill()

    def _end(self) -> None:
        self._outbox.put(None)
        self.connection.close()
        self._process.close()


def _send(connection: Connection, outbox: SimpleQueue[Order | None]) -> None:
    with suppress(OSError, ValueError):  # the process is gone, and its documents go to another
        while (order := outbox.get()) is not None:
            connection.send(order)
        connection.send(None)


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """A child starts with these signals blocked: one that comes before it can ignore them must not end it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
