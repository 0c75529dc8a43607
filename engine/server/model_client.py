"""Model client: the server's side of a model's process: orders go out, replies come to who waits for them.

The process is started with the server, and again after it ended. An order of which nothing had come by then is sent once more;
one that had begun to answer fails.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection

from engine.server.messages import (
    AnswerFailed,
    AnswerFinished,
    CancelOrder,
    ExtractionOrder,
    GenerationOrder,
    ModelLoaded,
    ModelMessage,
    ModelRefused,
    Reply,
    ServerOrder,
    StopOrder,
)
from engine.server.model_process import ServedModel, run_model

_SPAWN = multiprocessing.get_context("spawn")
_PATIENCE = 30.0  # seconds for a process that was told to end


class ModelUnavailable(Exception):
    """The model's process cannot be started; the text says why."""


@dataclass(slots=True)
class _Waiting:
    """An order whose answer somebody waits for."""

    order: GenerationOrder | ExtractionOrder
    replies: asyncio.Queue[Reply] = field(default_factory=asyncio.Queue)
    begun: bool = False
    again: bool = False  # it was sent to a second process


class ModelClient:
    """One model. Belongs to one event loop."""

    def __init__(self, model: ServedModel) -> None:
        self.model = model
        self.loaded: ModelLoaded | None = None
        self.restarts = 0
        self._waiting: dict[int, _Waiting] = {}
        self._numbers = itertools.count(1)
        self._connection: Connection | None = None
        self._process: multiprocessing.process.BaseProcess | None = None
        self._starting = asyncio.Lock()
        self._closed = False

    @property
    def in_flight(self) -> int:
        """How many answers are waited for."""
        return len(self._waiting)

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.is_alive() and self.loaded is not None

    async def start(self) -> ModelLoaded:
        """Start the process if there is none; `ModelUnavailable` where the model cannot be loaded."""
        async with self._starting:
            if not self.alive:
                self.loaded = None
                self._loading: asyncio.Future[ModelMessage] = asyncio.get_running_loop().create_future()
                await asyncio.to_thread(self._spawn)
                threading.Thread(
                    target=self._listen, args=(self._connection, asyncio.get_running_loop()), daemon=True
                ).start()
                said = await self._loading
                if not isinstance(said, ModelLoaded):
                    reason = said.reason if isinstance(said, ModelRefused) else "its process ended"
                    raise ModelUnavailable(f"{self.model.name}: {reason}")
                self.loaded = said
            assert self.loaded is not None
            return self.loaded

    async def answer(self, order: GenerationOrder | ExtractionOrder) -> AsyncIterator[Reply]:
        """The replies to an order, to the last one. Who leaves early cancels it."""
        await self.start()
        number = next(self._numbers)
        waiting = self._waiting[number] = _Waiting(replace(order, number=number))
        over = False
        try:
            self._send(waiting.order)
            while not over:
                reply = await waiting.replies.get()
                waiting.begun = True
                over = isinstance(reply, AnswerFinished | AnswerFailed)
                yield reply
        finally:
            del self._waiting[number]
            if not over:
                self._send(CancelOrder(number))

    def close(self) -> None:
        """End the process."""
        self._closed = True
        self._send(StopOrder())  # to close the connection would not wake the thread that listens at it
        if self._process is not None:
            self._process.join(_PATIENCE)
            self._process.kill()

    def _spawn(self) -> None:
        self._connection, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=run_model, args=(theirs, self.model), name="engine-model", daemon=True)
        self._process.start()
        theirs.close()

    def _send(self, order: ServerOrder) -> None:
        with suppress(OSError, ValueError):  # the process is gone: `_ended` sees to its orders
            if self._connection is not None:
                self._connection.send(order)

    def _listen(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> None:
        with suppress(RuntimeError):  # the loop is closed
            try:
                while True:
                    loop.call_soon_threadsafe(self._receive, connection.recv())
            except (EOFError, OSError):
                loop.call_soon_threadsafe(self._ended)

    def _receive(self, message: ModelMessage) -> None:
        if isinstance(message, ModelLoaded | ModelRefused):
            if not self._loading.done():
                self._loading.set_result(message)
            return
        waiting = self._waiting.get(message.number)
        if waiting is not None:
            waiting.replies.put_nowait(message)

    def _ended(self) -> None:
        """The process is gone."""
        if not self._loading.done():
            self._loading.set_result(ModelRefused("its process ended while it loaded the model"))
        if self._closed:
            return
        self.loaded = None
        self.restarts += 1
        again = []
        for number, waiting in self._waiting.items():
            if waiting.begun or waiting.again:
                reason = "the model's process ended (llama.cpp may have crashed); it is started again"
                waiting.replies.put_nowait(AnswerFailed(number, 500, "WorkerDied", reason))
            else:
                waiting.again = True
                again.append(waiting)
        asyncio.get_running_loop().create_task(self._resume(again))

    async def _resume(self, again: list[_Waiting]) -> None:
        try:
            await self.start()
        except ModelUnavailable as error:
            for waiting in again:
                waiting.replies.put_nowait(AnswerFailed(waiting.order.number, 503, "ModelUnavailable", str(error)))
            return
        for waiting in again:
            self._send(waiting.order)
