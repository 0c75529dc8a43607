"""Service: what all protocols share: the models by name, the limits, the queue, and the numbers that are measured."""

from __future__ import annotations

import asyncio
import codecs
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from engine.server.compile_gate import CompileGate, ConstraintRefused
from engine.server.messages import (
    AnswerFailed,
    AnswerFinished,
    ExtractionOrder,
    GenerationOrder,
    ObjectPiece,
    SchemaConstraint,
    TextPiece,
)
from engine.server.model_client import ModelClient, ModelUnavailable
from engine.server.prompt_notes import with_note

RETRY_AFTER = 5  # seconds


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """What a request may cost: bytes, answers of one request, answers that wait or are in work, seconds."""

    body_bytes: int = 4 << 20
    schema_bytes: int = 256 << 10
    most_choices: int = 8
    most_waiting: int = 128
    seconds: float = 600.0


class RequestRefused(Exception):
    """An answer that is an error. `kind` is a short name of it, `parameter` the part of the request that it is about."""

    def __init__(self, status: int, message: str, kind: str, parameter: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.kind, self.parameter = status, message, kind, parameter


def bad_request(message: str, parameter: str | None = None) -> RequestRefused:
    """A request that is wrong in itself."""
    return RequestRefused(400, message, "invalid_request_error", parameter)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of a prompt and of its answers, and the seconds that the answer took."""

    prompt: int = 0
    output: int = 0
    seconds: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(max(self.prompt, other.prompt), self.output + other.output, max(self.seconds, other.seconds))


@dataclass(slots=True)
class ServedAnswer:
    """`texts` are the pieces of an answer as they come; the other fields are known at the end."""

    texts: AsyncIterator[str] = field(init=False)
    by_budget: bool = False
    usage: Usage = field(default_factory=Usage)


class Metrics:
    """Counters of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("engine_requests", "Requests.", ["path", "status"], registry=self.registry)
        self.tokens = Counter("engine_tokens", "Tokens.", ["kind"], registry=self.registry)
        self.waiting = Gauge(
            "engine_answers_in_flight", "Answers in work or waiting.", ["model"], registry=self.registry
        )
        self.restarts = Gauge("engine_model_restarts", "Processes started again.", ["model"], registry=self.registry)
        self.first = Histogram("engine_first_token_seconds", "Time to the first piece.", registry=self.registry)


class Service:
    """The models that are served. Belongs to one event loop."""

    def __init__(self, clients: Mapping[str, ModelClient], limits: ServerLimits) -> None:
        self.clients = dict(clients)
        self.limits = limits
        self.gate = CompileGate()
        self.metrics = Metrics()

    @property
    def in_flight(self) -> int:
        return sum(client.in_flight for client in self.clients.values())

    def client(self, name: object) -> ModelClient:
        """The model of a name; `name:latest` is `name`, as in Ollama's store."""
        if not isinstance(name, str) or not name:
            raise bad_request("model must be the name of a model", "model")
        for known in (name, name.removesuffix(":latest"), f"{name}:latest"):
            if known in self.clients:
                return self.clients[known]
        served = ", ".join(self.clients)
        raise RequestRefused(404, f"model {name!r} is not served here; served: {served}", "not_found_error", "model")

    async def answer(self, client: ModelClient, order: GenerationOrder) -> ServedAnswer:
        """The answer to an order that was let in; its text comes as whole characters."""
        self._let_in()
        note = await self._check(client, order)
        if note and not isinstance(order.prompt, str):
            order = replace(order, prompt=tuple(with_note(list(order.prompt), note)))
        answer = ServedAnswer()
        answer.texts = self._texts(client, order, answer)
        return answer

    async def objects(self, client: ModelClient, order: ExtractionOrder, answer: ServedAnswer) -> AsyncIterator[str]:
        """The records of an extraction, each the moment it closes."""
        async for reply in self._replies(client, order, answer):
            if isinstance(reply, ObjectPiece):
                yield reply.record

    async def check_extraction(self, client: ModelClient, order: ExtractionOrder) -> None:
        """Refuse an extraction that the queue or its schema does not let in."""
        self._let_in()
        await self._check(client, order)

    def _let_in(self) -> None:
        if self.in_flight >= self.limits.most_waiting:
            raise RequestRefused(503, "too many answers are waited for; try again later", "overloaded_error")

    async def _check(self, client: ModelClient, order: GenerationOrder | ExtractionOrder) -> str:
        constraint = SchemaConstraint(order.schema) if isinstance(order, ExtractionOrder) else order.constraint
        if isinstance(constraint, SchemaConstraint) and len(constraint.schema) > self.limits.schema_bytes:
            raise bad_request(f"the schema has more than {self.limits.schema_bytes} characters")
        try:
            return await self.gate.check(constraint, (await client.start()).file)
        except ModelUnavailable as error:
            raise RequestRefused(503, str(error), "model_unavailable_error") from error
        except ConstraintRefused as error:
            raise bad_request(str(error)) from error

    async def _texts(self, client: ModelClient, order: GenerationOrder, answer: ServedAnswer) -> AsyncIterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        async for reply in self._replies(client, order, answer):
            if isinstance(reply, TextPiece) and (text := decoder.decode(reply.data)):
                yield text
        if text := decoder.decode(b"", final=True):
            yield text

    async def _replies(
        self, client: ModelClient, order: GenerationOrder | ExtractionOrder, answer: ServedAnswer
    ) -> AsyncIterator[TextPiece | ObjectPiece]:
        begun = time.monotonic()
        waiting = self.metrics.waiting.labels(client.model.name)
        waiting.inc()
        first = True
        replies = client.answer(order)
        try:
            async with asyncio.timeout(self.limits.seconds):
                async for reply in replies:
                    if first:
                        self.metrics.first.observe(time.monotonic() - begun)
                        first = False
                    if isinstance(reply, AnswerFinished):
                        answer.by_budget = reply.by_budget
                        answer.usage = Usage(reply.prompt_tokens, reply.output_tokens, time.monotonic() - begun)
                        self.metrics.tokens.labels("prompt").inc(reply.prompt_tokens)
                        self.metrics.tokens.labels("output").inc(reply.output_tokens)
                    elif isinstance(reply, AnswerFailed):
                        raise _refused(reply)
                    else:
                        yield reply
        except TimeoutError as error:
            raise RequestRefused(504, f"no end within {self.limits.seconds:g} s", "timeout_error") from error
        except ModelUnavailable as error:
            raise RequestRefused(503, str(error), "model_unavailable_error") from error
        finally:
            await replies.aclose()  # type: ignore[attr-defined]
            waiting.dec()
            self.metrics.restarts.labels(client.model.name).set(client.restarts)

    def close(self) -> None:
        """End all processes."""
        self.gate.close()
        for client in self.clients.values():
            client.close()


def _refused(failed: AnswerFailed) -> RequestRefused:
    kind = "context_length_exceeded" if failed.kind == "TextTooLong" else "invalid_request_error"
    return RequestRefused(failed.status, failed.reason, "server_error" if failed.status >= 500 else kind)
