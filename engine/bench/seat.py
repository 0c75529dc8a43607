"""Seat: a peer in a child process.

Each has its own copy of llama.cpp, its own threads and its own memory; one that dies or is not installed ends its own row
and nothing else. What it writes is dropped, so that tables stay readable. Only one seat works at a time: the others wait
for their pipe and use no processor.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from multiprocessing.connection import Connection

from engine.bench.peers.work import Answer, Peer, Prompt, Work
from engine.errors import EngineError


@dataclass(frozen=True, slots=True)
class PeerKind:
    """Where a peer's class is, and which distributions it needs."""

    name: str
    module: str
    cls: str
    needs: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(name for name in self.needs if find_spec(name) is None)


class PeerFailed(EngineError):
    """A peer that did not load, raised, or died; the others go on."""

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"{name}: {reason}")


class Seat:
    """`kind` loaded with `work`. Raises `PeerFailed`; a context manager that ends the child."""

    def __init__(self, kind: PeerKind, work: Work) -> None:
        self.name = kind.name
        ours, theirs = multiprocessing.get_context("spawn").Pipe()
        self._pipe = ours
        self._process = multiprocessing.get_context("spawn").Process(
            target=_serve, args=(theirs, kind.module, kind.cls, work), daemon=True
        )
        self._process.start()
        theirs.close()
        try:
            self.version = str(self._receive())
        except BaseException:
            self.close()
            raise

    def run(self, prompts: Sequence[Prompt], max_tokens: int) -> Answer:
        """One prompt is decoded alone, several as the peer decodes several."""
        self._pipe.send((tuple(prompts), max_tokens))
        answer = self._receive()
        assert isinstance(answer, Answer)
        return answer

    def _receive(self) -> object:
        try:
            fine, what = self._pipe.recv()
        except (EOFError, ConnectionError) as error:
            self._process.join(5)
            raise PeerFailed(self.name, f"its process ended with {self._process.exitcode}") from error
        if not fine:
            raise PeerFailed(self.name, what)
        return what

    def close(self) -> None:
        self._pipe.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def __enter__(self) -> Seat:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _serve(pipe: Connection, module: str, cls: str, work: Work) -> None:
    """The child: load, then answer until the pipe is closed."""
    _silence()
    # As this engine sets it: on a machine that others use too, threads that spin at each barrier cost any of them dear.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    try:
        peer: Peer = getattr(import_module(module), cls)(work)
        pipe.send((True, peer.version))
        while True:
            prompts, max_tokens = pipe.recv()
            started = time.perf_counter()
            outputs = (peer.run(prompts[0], max_tokens),) if len(prompts) == 1 else peer.run_many(prompts, max_tokens)
            pipe.send((True, Answer(time.perf_counter() - started, tuple(outputs))))
    except (EOFError, KeyboardInterrupt, BrokenPipeError):
        return
    except Exception as error:  # foreign code: whatever it raises is its own
        pipe.send((False, f"{type(error).__name__}: {error}"[:500]))


def _silence() -> None:
    """Standard output and error of the child, also of its C code, go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)
