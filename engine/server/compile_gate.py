"""Compile gate: a process that compiles what clients send before a model's process does, under limits of time and memory.

A hostile schema or grammar ends this process or its time, not the server's, and holds up nobody. What passed is remembered by its
digest.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from collections import OrderedDict
from contextlib import suppress
from multiprocessing.connection import Connection

from engine.automaton.automaton import Automaton
from engine.errors import EngineError
from engine.server.constraint_grammar import grammar_of
from engine.server.messages import AnyJsonObject, Constraint, FreeText

_SPAWN = multiprocessing.get_context("spawn")
_KEPT = 4096
_STARTING = 60.0  # seconds
MOST_SECONDS = 8.0
MOST_BYTES = 1 << 30


class Refused(Exception):
    """What a client sent cannot be compiled, or not within the limits; the text says why."""


class CompileGate:
    """One process, one constraint at a time."""

    def __init__(self, seconds: float = MOST_SECONDS) -> None:
        self._seconds = seconds
        self._turn = asyncio.Lock()
        self._passed: OrderedDict[Constraint, None] = OrderedDict()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None

    async def check(self, constraint: Constraint) -> None:
        """Return where a constraint compiles; `Refused` where it does not."""
        if isinstance(constraint, FreeText | AnyJsonObject) or constraint in self._passed:
            return
        async with self._turn:
            answer = await asyncio.to_thread(self._ask, constraint)
        if answer:
            raise Refused(answer)
        self._passed[constraint] = None
        while len(self._passed) > _KEPT:
            self._passed.popitem(last=False)

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._process = self._connection = None

    def _ask(self, constraint: Constraint) -> str:
        """Why a constraint is refused; nothing where it is not."""
        connection = self._started()
        try:
            connection.send(constraint)
            if connection.poll(self._seconds):
                return str(connection.recv())
        except (EOFError, OSError):
            self.close()
            return f"it takes more than {MOST_BYTES >> 30} GiB of memory to compile"
        self.close()
        return f"it takes more than {self._seconds:g} s to compile"

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
    with suppress(ImportError, ValueError, OSError):  # not everywhere
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES + _in_use(), MOST_BYTES + _in_use()))
    with suppress(EOFError, OSError):
        connection.send("")
        while True:
            connection.send(_reason(connection.recv()))


def _reason(constraint: Constraint) -> str:
    try:
        Automaton(grammar_of(constraint))
    except EngineError as error:
        return str(error) or type(error).__name__
    except (ValueError, RecursionError) as error:
        return f"{type(error).__name__}: {error}"
    except MemoryError:
        return f"it takes more than {MOST_BYTES >> 30} GiB of memory to compile"
    return ""


def _in_use() -> int:
    """Bytes of address space that the process has already."""
    with suppress(OSError, ValueError), open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * 4096
    return 0
