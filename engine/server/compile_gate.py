"""Compile gate: a process that compiles what clients send before a model's process does, under limits of time and memory.

A hostile schema or grammar ends this process or its time, not the server's, and holds up nobody. What compiles may still be slow
to decode, so the first steps of an output are walked too, over the model's own tokens. What passed is remembered, with what the
model is told of it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from engine.automaton.automaton import Automaton
from engine.decoding.token_table import read_tokens
from engine.errors import EngineError
from engine.masks.mask import Masks, Walks
from engine.masks.matcher import Matcher
from engine.server.constraint_grammar import grammar_of
from engine.server.messages import AnswerConstraint, AnyJsonObject, FreeText, SchemaConstraint
from engine.server.prompt_notes import schema_note

_SPAWN = multiprocessing.get_context("spawn")
_KEPT = 4096
_STARTING = 60.0  # seconds
_STEPS = 24
MOST_COMPILE_SECONDS = 8.0
MOST_COMPILE_BYTES = 1 << 30


class ConstraintRefused(Exception):
    """What a client sent cannot be compiled, or not within the limits; the text says why."""


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """Why a constraint is refused, or nothing and what the model is told of it."""

    reason: str = ""
    note: str = ""


Question = tuple[AnswerConstraint, str]  # and the path of a model's file

_TOO_LARGE = GateAnswer(f"it takes more than {MOST_COMPILE_BYTES >> 30} GiB of memory to compile")


class CompileGate:
    """One process, one constraint at a time."""

    def __init__(self, seconds: float = MOST_COMPILE_SECONDS) -> None:
        self._seconds = seconds
        self._turn = asyncio.Lock()
        self._passed: OrderedDict[Question, str] = OrderedDict()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None

    async def check(self, constraint: AnswerConstraint, model: str) -> str:
        """The note of a constraint that can be decoded with a model's file; `ConstraintRefused` where it cannot."""
        if isinstance(constraint, FreeText | AnyJsonObject):
            return ""
        question = (constraint, model)
        if question not in self._passed:
            async with self._turn:
                answer = await asyncio.to_thread(self._ask, question)
            if answer.reason:
                raise ConstraintRefused(answer.reason)
            self._passed[question] = answer.note
            while len(self._passed) > _KEPT:
                self._passed.popitem(last=False)
        return self._passed[question]

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._process = self._connection = None

    def _ask(self, question: Question) -> GateAnswer:
        connection = self._started()
        try:
            connection.send(question)
            if connection.poll(self._seconds):
                answer: GateAnswer = connection.recv()
                return answer
        except (EOFError, OSError):
            self.close()
            return _TOO_LARGE
        self.close()
        return GateAnswer(f"it takes more than {self._seconds:g} s to compile")

    def _started(self) -> Connection:
        if self._connection is None or self._process is None or not self._process.is_alive():
            self._connection, theirs = _SPAWN.Pipe()
            self._process = _SPAWN.Process(target=run_gate, args=(theirs,), name="engine-compile", daemon=True)
            self._process.start()
            theirs.close()
            if self._connection.poll(_STARTING):
                self._connection.recv()
        return self._connection


def run_gate(connection: Connection) -> None:
    """The process's whole life."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    walks: dict[str, Walks] = {}
    with suppress(EOFError, OSError):
        connection.send("")
        while True:
            constraint, model = connection.recv()
            if model not in walks:
                walks = {model: Walks(read_tokens(Path(model)).vocabulary)}
                _limit_memory()
            connection.send(_answer(constraint, walks[model]))


def _limit_memory() -> None:
    """At most so many bytes more than now."""
    with suppress(ImportError, ValueError, OSError):  # not everywhere
        import resource

        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (MOST_COMPILE_BYTES + _in_use(), hard))


def _answer(constraint: AnswerConstraint, walks: Walks) -> GateAnswer:
    try:
        _walk(Matcher(Masks(Automaton(grammar_of(constraint)), walks)))
        return GateAnswer(note=schema_note(constraint.schema) if isinstance(constraint, SchemaConstraint) else "")
    except EngineError as error:
        return GateAnswer(str(error) or type(error).__name__)
    except (ValueError, RecursionError) as error:
        return GateAnswer(f"{type(error).__name__}: {error}")
    except MemoryError:
        return _TOO_LARGE


def _walk(matcher: Matcher) -> None:
    """The first steps of an output that nobody will read."""
    for step in range(_STEPS):
        allowed = np.flatnonzero(matcher.mask())
        if matcher.finished or not len(allowed):
            return
        matcher.accept(int(allowed[(step * 7919) % len(allowed)]))


def _in_use() -> int:
    """Bytes of address space that the process has already."""
    with suppress(OSError, ValueError), open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * 4096
    return 0
