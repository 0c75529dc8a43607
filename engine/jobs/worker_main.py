"""Worker main: what a worker process does, decoding a job's documents; llama.cpp may abort it, and the job lives on.

It is sent documents with their numbers, and says of each when it takes it, when its decoding begins, and how it ended. A
thread of its own reads what is sent, so that neither side ever waits for the other to listen; when the job's process is
gone, it ends this one. Documents are decoded in waves: a wave ends when no document is waiting, so that what is done is
not held back by an input that comes slowly.
"""

from __future__ import annotations

import os
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import Empty, SimpleQueue

from engine.decoding.llama import describe_backend
from engine.errors import EngineError, SchemaWarning
from engine.extraction.document import Document
from engine.extraction.extraction import Stats
from engine.extraction.extractor import Extractor
from engine.jobs.job_spec import JobSpec
from engine.jobs.record import RecordedOutcome, describe_error

# How long a place that is free waits for a document that is under way, while others are decoded.
_WAVE_TIMEOUT = 0.02


@dataclass(frozen=True, slots=True)
class Ready:
    """The model is loaded."""

    backend: str


@dataclass(frozen=True, slots=True)
class WorkerRefused:
    """The worker cannot start, or cannot go on; it ends after this."""

    error: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Taken:
    """The document has left the queue."""

    number: int


@dataclass(frozen=True, slots=True)
class Begun:
    """The document has a place in the context."""

    number: int


@dataclass(frozen=True, slots=True)
class Done:
    """The document's outcome, and how many tokens the worker has decoded since it last said so."""

    number: int
    outcome: RecordedOutcome
    tokens: int


WorkerMessage = Ready | WorkerRefused | Taken | Begun | Done
Order = tuple[int, Document]


def run_worker(connection: Connection, spec: JobSpec) -> None:
    """The process's whole life: load, then decode what comes until `None` or the end of the connection."""
    # A terminal's Ctrl-C and a supervisor's SIGTERM reach all processes; what is in work is finished all the same.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    inbox: SimpleQueue[Order | None] = SimpleQueue()
    threading.Thread(target=_receive, args=(connection, inbox), daemon=True).start()
    with suppress(BrokenPipeError, ConnectionResetError):  # the job is gone
        try:
            warnings.simplefilter("ignore", SchemaWarning)  # the job has said it
            extractor = spec.extractor()
            spec.batch(extractor, iter(()), Stats())  # what is wrong with the arguments is known before any document
            connection.send(Ready(describe_backend()))
            _WorkerLoop(connection, spec, extractor, inbox).serve()
        except EngineError as error:
            connection.send(WorkerRefused(describe_error(error)))


def _receive(connection: Connection, inbox: SimpleQueue[Order | None]) -> None:
    try:
        while True:
            inbox.put(connection.recv())
    except (EOFError, OSError):
        os._exit(0)


class _WorkerLoop:
    """Documents in, outcomes out."""

    def __init__(
        self, connection: Connection, spec: JobSpec, extractor: Extractor, inbox: SimpleQueue[Order | None]
    ) -> None:
        self._connection = connection
        self._recipe = spec
        self._extractor = extractor
        self._inbox = inbox
        self._stats = Stats()
        self._told = 0
        self._numbers: dict[int, int] = {}  # by place in the wave
        self._over = False

    def serve(self) -> None:
        while not self._over:
            first = self._inbox.get()
            if first is None:
                return
            self._numbers.clear()
            batch = self._recipe.batch(self._extractor, self._wave(first), self._stats, begun=self._begin)
            for index, result in batch.as_done():
                tokens = self._stats.decoded_tokens - self._told
                self._told += tokens
                self._connection.send(Done(self._numbers.pop(index), RecordedOutcome.of(result), tokens))

    def _wave(self, first: Order) -> Iterator[Document]:
        index = 0
        order: Order | None = first
        while order is not None:
            number, document = order
            self._numbers[index] = number
            index += 1
            self._connection.send(Taken(number))
            yield document
            try:
                order = self._inbox.get(timeout=_WAVE_TIMEOUT) if self._numbers else None
            except Empty:
                return
            if order is None and self._numbers:
                self._over = True

    def _begin(self, index: int) -> None:
        self._connection.send(Begun(self._numbers[index]))
