"""Worker pool: the worker processes of a job, and what becomes of each document whatever becomes of them.

In: assignments, numbered from the first on. Out: each with its outcome, in their order. A worker that dies is started
again. Which of the documents that it had begun killed it is not known, so each is decoded alone once more; the one
that kills its worker again ends in an error. Documents that it had not begun are given to another. One that takes longer
than `timeout` seconds ends in an error, and its worker with it; its neighbours start again.

Few documents are under way at any time: those in the contexts, one more for each worker, and those that are done and wait
for an earlier one. So memory does not grow with the job.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Any

from engine.errors import DocumentTimedOut, WorkerDied, WorkersFailed
from engine.extraction.document import Document
from engine.jobs.job_spec import JobSpec
from engine.jobs.read_ahead import ReadAhead
from engine.jobs.record import Record, RecordedOutcome
from engine.jobs.wakeup_pipe import WakeupPipe
from engine.jobs.worker_main import Begun, Done, Ready, Taken, WorkerMessage, WorkerRefused
from engine.jobs.worker_process import WorkerProcess

# Deaths in a row without a document done in between, after which it is not the documents' fault: beside one of each
# worker, since all of them may begin with a document that kills.
_MAX_DEATHS_IN_A_ROW = 5
_WINDOW = 64  # documents that are sent, or done and wait for an earlier one
_IDLE = 1.0  # seconds without news after which `idle` is called
_POLL_INTERVAL = 0.01  # seconds that a wait for an overdue document may be too long


@dataclass(frozen=True, slots=True)
class Assignment:
    """A document to decode; with `outcome`, or with `line` and its `record`, it is settled and only keeps its place."""

    number: int
    document: Document
    digest: str
    outcome: RecordedOutcome | None = None
    line: bytes | None = None
    record: Record | None = None

    @property
    def is_done(self) -> bool:
        return self.outcome is not None or self.line is not None


@dataclass(frozen=True, slots=True)
class AssignmentResult:
    """An assignment with what became of it; `outcome` is None where its line was there before."""

    assignment: Assignment
    outcome: RecordedOutcome | None
    tokens: int = 0


class WorkerPool:
    """`workers` processes for one `spec`. `run` can be used once; `stop` lets it finish the documents at work."""

    def __init__(self, spec: JobSpec, *, workers: int = 1, timeout: float | None = None) -> None:
        self.backend: str | None = None
        self.stopping = False
        self.restarts = 0
        self._recipe = spec
        self._workers = workers
        self._timeout = timeout
        self._room = spec.settings.most_sequences + 1
        self._window = max(_WINDOW, 4 * workers * self._room)
        self._wake = WakeupPipe()
        self._processes: list[WorkerProcess] = []
        self._sent: dict[int, Assignment] = {}
        self._again: deque[Assignment] = deque()  # sent before to a worker that is gone, and not to blame
        self._quarantined: deque[Assignment] = deque()
        self._deaths: dict[int, list[str]] = {}
        self._done: dict[int, AssignmentResult] = {}
        self._barren = 0
        self._head = 0

    @property
    def pids(self) -> list[int]:
        """The processes that are there now."""
        return [process.pid for process in self._processes if process.pid is not None]

    def stop(self) -> None:
        """Take no further document; may be called from a signal handler."""
        self.stopping = True
        self._wake.poke()

    def run(
        self, assignments: Iterator[Assignment], first: int = 0, idle: Callable[[], None] = lambda: None
    ) -> Iterator[AssignmentResult]:
        """Each assignment with its outcome, in order; `first` is the number of the first one. `idle` is called at least once
        a second while there is nothing to give.

        What reading the assignments raises is raised when what is in work is done. Raises `WorkersFailed`.
        """
        self._head = first
        read_ahead = ReadAhead(assignments, self._wake)
        try:
            while True:
                self._assign(read_ahead)
                turn = self._head
                while self._head in self._done:
                    yield self._done.pop(self._head)
                    self._head += 1
                if self._head > turn:
                    continue  # there is room again
                if self._over(read_ahead):
                    break
                self._listen()
                idle()
            for process in self._processes:
                process.close()
            self._processes.clear()
            if read_ahead.error is not None:
                raise read_ahead.error
        finally:
            read_ahead.close()
            for process in self._processes:
                process.kill()
            self._processes.clear()
            self._wake.close()

    def _over(self, read_ahead: ReadAhead[Assignment]) -> bool:
        if self._sent:
            return False
        return self.stopping or (read_ahead.over and not self._again and not self._quarantined)

    # -- giving

    def _assign(self, read_ahead: ReadAhead[Assignment]) -> None:
        """Assign documents to workers with room."""
        while not self.stopping:
            alone = bool(self._quarantined)
            assignment = self._quarantined[0] if alone else self._next(read_ahead)
            if assignment is None:
                return
            process = self._least_busy(alone=alone)
            if process is None:
                if not alone:
                    self._again.appendleft(assignment)
                return
            if alone:
                self._quarantined.popleft()
            process.alone = alone
            self._sent[assignment.number] = assignment
            process.send(assignment.number, assignment.document)

    def _next(self, read_ahead: ReadAhead[Assignment]) -> Assignment | None:
        """The next document for a worker; those that are settled go by."""
        while True:
            if self._again:
                return self._again.popleft()
            if self._waiting():
                return None
            assignment = read_ahead.take()
            if assignment is None or not assignment.is_done:
                return assignment
            self._done[assignment.number] = AssignmentResult(assignment, assignment.outcome)

    def _waiting(self) -> bool:
        """Whether so much is done or sent that an earlier document must be over first."""
        return len(self._sent) + len(self._done) + len(self._quarantined) >= self._window

    def _least_busy(self, *, alone: bool) -> WorkerProcess | None:
        """The process that has least to do; a new one where there may be more of them."""
        room = 1 if alone else self._room
        free = [process for process in self._processes if not process.alone and len(process.flights) < room]
        best = min(free, key=lambda process: len(process.flights), default=None)
        if (best is None or best.flights) and len(self._processes) < self._workers:
            best = WorkerProcess(self._recipe)
            self._processes.append(best)
        return best

    # -- hearing

    def _listen(self) -> None:
        """Wait until something happens, and see to it."""
        sources: list[Any] = [self._wake.connection]
        for process in self._processes:
            sources += [process.connection, process.sentinel]
        wait(sources, self._wait_seconds())
        self._wake.clear()
        for process in list(self._processes):
            alive = process.alive  # asked first: what it said before it died is heard
            for message in process.messages():
                self._on_message(process, message)
            if not alive:
                self._on_worker_death(process)
            elif self._timeout is not None and (late := process.overdue(self._timeout)):
                self._on_timeout(process, late, self._timeout)

    def _wait_seconds(self) -> float:
        if self._timeout is None:
            return _IDLE
        first = min((process.seconds_left(self._timeout) for process in self._processes), default=_IDLE)
        return min(max(0.0, first) + _POLL_INTERVAL, _IDLE)

    def _on_message(self, process: WorkerProcess, message: WorkerMessage) -> None:
        match message:
            case Ready(backend):
                process.ready = True
                self.backend = backend
            case Taken(number):
                process.flights[number].taken = time.monotonic()
            case Begun(number):
                process.flights[number].begun = time.monotonic()
            case Done(number, outcome, tokens):
                del process.flights[number]
                process.alone = False
                process.last_result = time.monotonic()
                self._finish(number, outcome, tokens)
            case WorkerRefused(error) if not process.ready:
                raise WorkersFailed(": ".join(error))

    def _finish(self, number: int, outcome: RecordedOutcome, tokens: int = 0) -> None:
        self._barren = 0
        self._deaths.pop(number, None)
        self._done[number] = AssignmentResult(self._sent.pop(number), outcome, tokens)

    # -- deaths

    def _on_worker_death(self, process: WorkerProcess) -> None:
        """A worker died: decode alone the documents that it had begun."""
        how = process.ending()
        self._dismiss(process)
        self._barren += 1
        if self._barren == _MAX_DEATHS_IN_A_ROW + self._workers:
            raise WorkersFailed(f"{self._barren} of them died in a row, the last one {how}")
        innocent = []
        for number, flight in sorted(process.flights.items()):
            if flight.taken is None and not process.alone:
                innocent.append(self._sent.pop(number))
                continue
            deaths = self._deaths.setdefault(number, [])
            if flight.taken is not None:
                deaths.append(how)
            if len(deaths) > 1:
                self._finish(number, RecordedOutcome.failed(WorkerDied(tuple(deaths))))
            else:
                self._quarantined.append(self._sent.pop(number))
        self._again.extendleft(reversed(innocent))

    def _on_timeout(self, process: WorkerProcess, late: list[int], limit: float) -> None:
        """Documents took too long: they end in an error; the others of that worker start again."""
        process.kill()
        self._dismiss(process)
        for number in late:
            del process.flights[number]
            self._finish(number, RecordedOutcome.failed(DocumentTimedOut(limit), limit))
        kept = [self._sent.pop(number) for number in sorted(process.flights)]
        self._again.extendleft(reversed(kept))

    def _dismiss(self, process: WorkerProcess) -> None:
        self.restarts += 1
        self._processes.remove(process)
