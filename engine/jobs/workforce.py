"""Workforce: the worker processes of a job, and what becomes of each document whatever becomes of them.

In: assignments, numbered from the first on. Out: each with its outcome, in their order. A worker that dies is started
again. Of the documents that it had begun, nobody knows which one killed it, so each is decoded alone once more; the one
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
from engine.jobs.intake import Intake
from engine.jobs.process import Process
from engine.jobs.recipe import Recipe
from engine.jobs.record import Outcome, Record
from engine.jobs.wake import Wake
from engine.jobs.worker import Begun, Done, Message, Ready, Refused, Taken

# Deaths in a row without a document done in between, after which it is not the documents' fault: beside one of each
# worker, since all of them may begin with a document that kills.
_BARREN = 5
_WINDOW = 64  # documents that are sent, or done and wait for an earlier one
_IDLE = 1.0  # seconds without news after which `idle` is called
_GRAIN = 0.01  # seconds that a wait for an overdue document may be too long


@dataclass(frozen=True, slots=True)
class Assignment:
    """A document to decode; with `outcome`, or with `line` and its `record`, it is settled and only keeps its place."""

    number: int
    document: Document
    digest: str
    outcome: Outcome | None = None
    line: bytes | None = None
    record: Record | None = None

    @property
    def settled(self) -> bool:
        return self.outcome is not None or self.line is not None


@dataclass(frozen=True, slots=True)
class Settled:
    """An assignment with what became of it; `outcome` is None where its line was there before."""

    assignment: Assignment
    outcome: Outcome | None
    tokens: int = 0


class Workforce:
    """`workers` processes after `recipe`. `run` can be used once; `stop` lets it finish what is in work."""

    def __init__(self, recipe: Recipe, *, workers: int = 1, timeout: float | None = None) -> None:
        self.backend: str | None = None
        self.stopping = False
        self.restarts = 0
        self._recipe = recipe
        self._workers = workers
        self._timeout = timeout
        self._room = recipe.settings.sequences + 1
        self._window = max(_WINDOW, 4 * workers * self._room)
        self._wake = Wake()
        self._processes: list[Process] = []
        self._sent: dict[int, Assignment] = {}
        self._again: deque[Assignment] = deque()  # sent before to a worker that is gone, and not to blame
        self._suspects: deque[Assignment] = deque()
        self._deaths: dict[int, list[str]] = {}
        self._done: dict[int, Settled] = {}
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
    ) -> Iterator[Settled]:
        """Each assignment with its outcome, in order; `first` is the number of the first one. `idle` is called at least once
        a second while there is nothing to give.

        What reading the assignments raises is raised when what is in work is done. Raises `WorkersFailed`.
        """
        self._head = first
        intake = Intake(assignments, self._wake)
        try:
            while True:
                self._assign(intake)
                turn = self._head
                while self._head in self._done:
                    yield self._done.pop(self._head)
                    self._head += 1
                if self._head > turn:
                    continue  # there is room again
                if self._over(intake):
                    break
                self._listen()
                idle()
            for process in self._processes:
                process.close()
            self._processes.clear()
            if intake.error is not None:
                raise intake.error
        finally:
            intake.close()
            for process in self._processes:
                process.kill()
            self._processes.clear()
            self._wake.close()

    def _over(self, intake: Intake[Assignment]) -> bool:
        if self._sent:
            return False
        return self.stopping or (intake.over and not self._again and not self._suspects)

    # -- giving

    def _assign(self, intake: Intake[Assignment]) -> None:
        """Give work to whoever has room."""
        while not self.stopping:
            alone = bool(self._suspects)
            assignment = self._suspects[0] if alone else self._next(intake)
            if assignment is None:
                return
            process = self._place(alone=alone)
            if process is None:
                if not alone:
                    self._again.appendleft(assignment)
                return
            if alone:
                self._suspects.popleft()
            process.alone = alone
            self._sent[assignment.number] = assignment
            process.send(assignment.number, assignment.document)

    def _next(self, intake: Intake[Assignment]) -> Assignment | None:
        """The next document for a worker; those that are settled go by."""
        while True:
            if self._again:
                return self._again.popleft()
            if self._waiting():
                return None
            assignment = intake.take()
            if assignment is None or not assignment.settled:
                return assignment
            self._done[assignment.number] = Settled(assignment, assignment.outcome)

    def _waiting(self) -> bool:
        """Whether so much is done or sent that an earlier document must be over first."""
        return len(self._sent) + len(self._done) + len(self._suspects) >= self._window

    def _place(self, *, alone: bool) -> Process | None:
        """The process that has least to do; a new one where there may be more of them."""
        room = 1 if alone else self._room
        free = [process for process in self._processes if not process.alone and len(process.flights) < room]
        best = min(free, key=lambda process: len(process.flights), default=None)
        if (best is None or best.flights) and len(self._processes) < self._workers:
            best = Process(self._recipe)
            self._processes.append(best)
        return best

    # -- hearing

    def _listen(self) -> None:
        """Wait until something happens, and see to it."""
        sources: list[Any] = [self._wake]
        for process in self._processes:
            sources += [process.connection, process.sentinel]
        wait(sources, self._patience())
        self._wake.clear()
        for process in list(self._processes):
            alive = process.alive  # asked first: what it said before it died is heard
            for message in process.messages():
                self._hear(process, message)
            if not alive:
                self._bury(process)
            elif self._timeout is not None and (late := process.overdue(self._timeout)):
                self._cut_short(process, late, self._timeout)

    def _patience(self) -> float:
        if self._timeout is None:
            return _IDLE
        first = min((process.patience(self._timeout) for process in self._processes), default=_IDLE)
        return min(max(0.0, first) + _GRAIN, _IDLE)

    def _hear(self, process: Process, message: Message) -> None:
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
                self._settle(number, outcome, tokens)
            case Refused(error) if not process.ready:
                raise WorkersFailed(": ".join(error))

    def _settle(self, number: int, outcome: Outcome, tokens: int = 0) -> None:
        self._barren = 0
        self._deaths.pop(number, None)
        self._done[number] = Settled(self._sent.pop(number), outcome, tokens)

    # -- deaths

    def _bury(self, process: Process) -> None:
        """A worker has died by itself: who was in its hands?"""
        how = process.ending()
        self._dismiss(process)
        self._barren += 1
        if self._barren == _BARREN + self._workers:
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
                self._settle(number, Outcome.failed(WorkerDied(tuple(deaths))))
            else:
                self._suspects.append(self._sent.pop(number))
        self._again.extendleft(reversed(innocent))

    def _cut_short(self, process: Process, late: list[int], limit: float) -> None:
        """Documents took too long: they end, and their neighbours, who are not to blame, start again."""
        process.kill()
        self._dismiss(process)
        for number in late:
            del process.flights[number]
            self._settle(number, Outcome.failed(DocumentTimedOut(limit), limit))
        kept = [self._sent.pop(number) for number in sorted(process.flights)]
        self._again.extendleft(reversed(kept))

    def _dismiss(self, process: Process) -> None:
        self.restarts += 1
        self._processes.remove(process)
