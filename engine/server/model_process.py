"""Model process: loads one model and answers orders, many at once; llama.cpp may abort it, and the server lives on.

A thread reads what is sent. What an order allows is compiled in another thread, so that it never holds up a pass. Everything
else happens in one loop: a run of the scheduler goes on as long as something is in work, and takes what has become ready
after each pass.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from queue import Empty, SimpleQueue
from typing import Any

from engine.automaton.automaton import Automaton
from engine.decoding.fast_weights import default_weights
from engine.decoding.loaded_model import LoadedModel, load_model
from engine.decoding.prompt_encoder import PromptEncoder
from engine.decoding.scheduler import LATER, Event, Later, Request, common_length
from engine.decoding.settings import ModelSettings
from engine.decoding.statistics import Statistics
from engine.decoding.value_bounds import ValueBounds
from engine.errors import (
    BackendFailed,
    Cancelled,
    EngineError,
    GrammarError,
    NotInText,
    PromptError,
    SchemaError,
    TextTooLong,
    UsageError,
)
from engine.extraction.extraction import Extracted, ItemReader, Pending
from engine.extraction.extractor import Extractor, shared_walks
from engine.masks.mask import Masks
from engine.masks.matcher import Matcher
from engine.models import resolve
from engine.models.environment import named_model
from engine.server.constraint_grammar import grammar_of, json_schema
from engine.server.messages import (
    AnswerConstraint,
    AnswerFailed,
    AnswerFinished,
    CancelOrder,
    ExtractionOrder,
    FreeText,
    GbnfConstraint,
    GenerationOrder,
    ModelLoaded,
    ModelRefused,
    ObjectPiece,
    ServerOrder,
    StopOrder,
    TextPiece,
    ToolConstraint,
)

_KEPT_GRAMMARS = 64
_KEPT_EXTRACTORS = 16
_KEPT_STATES = 100_000
_RESERVED = 16  # tokens of a context beside prompt and output
_SHORTEST_PREFIX = 16
DEFAULT_MAX_TOKENS = 1024


@dataclass(frozen=True, slots=True)
class ServedModel:
    """What a model is loaded from: `source` is None for the default model."""

    name: str
    source: str | None
    settings: ModelSettings


@dataclass(slots=True)
class _Work:
    """An order that is ready, with what its output has come to."""

    order: GenerationOrder | ExtractionOrder
    prompt: tuple[int, ...] = ()
    masks: Masks | None = None
    extractor: Extractor | None = None
    error: EngineError | None = None
    output: bytearray = field(default_factory=bytearray)
    reader: ItemReader | None = None
    pending: Pending | None = None


def run_model(connection: Connection, model: ServedModel) -> None:
    """The process's whole life: load, then answer what comes until the connection ends."""
    # A terminal's Ctrl-C and a supervisor's SIGTERM reach all processes; the server says when to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with suppress(BrokenPipeError, ConnectionResetError):  # the server is gone
        try:
            process = _ModelProcess(connection, model)
        except EngineError as error:
            connection.send(ModelRefused(str(error)))
            return
        process.serve()


class _ModelProcess:
    """Orders in, replies out."""

    def __init__(self, connection: Connection, model: ServedModel) -> None:
        self._connection = connection
        file = resolve(model.source)
        if model.source is None and named_model() is None:
            file = default_weights(file, model.settings, lambda _: None)
        settings = model.settings
        if file.parameters.n_ctx is not None:
            settings = replace(settings, n_ctx=file.parameters.n_ctx)
        self._source = file.path
        self._settings = settings
        self._model: LoadedModel = load_model(file.path, settings)
        self._encoder = PromptEncoder(self._model, chat_format=file.chat_format, settings=settings)
        self._walks = shared_walks(self._model.vocabulary)
        self._masks: OrderedDict[AnswerConstraint, Masks] = OrderedDict()
        self._extractors: OrderedDict[Any, Extractor] = OrderedDict()
        self._compiling = ThreadPoolExecutor(1, "compile")
        self._ready: SimpleQueue[_Work] = SimpleQueue()
        self._cancelled: set[int] = set()
        self._working: dict[int, _Work] = {}  # by document of the run
        self._last_prompt: tuple[int, ...] = ()
        connection.send(
            ModelLoaded(
                str(file.path),
                file.path.stat().st_size,
                self._window(),
                self._model.settings.sequences or 1,
                self._encoder.source,
                self._model.plan,
            )
        )

    def serve(self) -> None:
        threading.Thread(target=self._receive, daemon=True).start()
        while True:
            first = self._ready.get()
            self._run(first)

    # -- orders

    def _receive(self) -> None:
        try:
            while True:
                order: ServerOrder = self._connection.recv()
                if isinstance(order, StopOrder):
                    os._exit(0)
                if isinstance(order, CancelOrder):
                    self._cancelled.add(order.number)
                else:
                    self._compiling.submit(self._make_ready, order)
        except (EOFError, OSError):
            os._exit(0)

    def _make_ready(self, order: GenerationOrder | ExtractionOrder) -> None:
        work = _Work(order)
        try:
            if isinstance(order, GenerationOrder):
                work.prompt = self._encoded(order)
                work.masks = self._masks_of(order.constraint)
            else:
                work.extractor = self._extractor(order)
        except EngineError as error:
            work.error = error
        except (ValueError, RecursionError, MemoryError) as error:
            work.error = UsageError(f"{type(error).__name__}: {error}")
        self._ready.put(work)

    def _encoded(self, order: GenerationOrder) -> tuple[int, ...]:
        if isinstance(order.prompt, str):
            begin = self._model.traits.bos if self._model.traits.adds_bos else None
            tokens = self._model.tokenize(order.prompt.encode())
            return tokens if begin is None else (begin, *tokens)
        return self._encoder.encode(order.prompt)

    def _masks_of(self, constraint: AnswerConstraint) -> Masks:
        """What earlier answers under a constraint visited is shared, until it is too much to keep."""
        masks = self._masks.pop(constraint, None)
        if masks is None or masks.automaton.size > _KEPT_STATES:
            masks = Masks(Automaton(grammar_of(constraint)), self._walks)
        self._masks[constraint] = masks
        while len(self._masks) > _KEPT_GRAMMARS:
            self._masks.popitem(last=False)
        return masks

    def _extractor(self, order: ExtractionOrder) -> Extractor:
        key = (order.schema, json.dumps(order.options))
        extractor = self._extractors.pop(key, None)
        if extractor is None:
            options: dict[str, Any] = dict(order.options)
            extractor = Extractor(json_schema(order.schema), model=self._source, settings=self._settings, **options)
        self._extractors[key] = extractor
        while len(self._extractors) > _KEPT_EXTRACTORS:
            self._extractors.popitem(last=False)
        return extractor

    # -- runs

    def _run(self, first: _Work) -> None:
        """Answer until nothing is in work."""
        prefix = first.prompt[: common_length(first.prompt, self._last_prompt)]
        if not _SHORTEST_PREFIX <= len(prefix) <= self._model.settings.n_ctx // 4:
            prefix = ()
        self._prefix = prefix
        try:
            for event in self._model.decode(
                self._documents(first), self._prepare, prefix=prefix, statistics=Statistics()
            ):
                self._tell(event)
        except BackendFailed as error:
            for work in self._working.values():
                self._fail(work, error)
        self._working.clear()

    def _documents(self, first: _Work) -> Iterator[_Work | Later]:
        yield first
        while True:
            try:
                yield self._ready.get_nowait()
            except Empty:
                yield LATER

    def _prepare(self, document: int, work: _Work) -> Request:
        self._working[document] = work
        order = work.order
        if work.error is not None:
            raise work.error
        if order.number in self._cancelled:
            raise Cancelled(document)
        if isinstance(order, ExtractionOrder):
            request = self._extraction(document, work, order)
        else:
            assert work.masks is not None
            self._last_prompt = work.prompt
            most = self._room(document, len(work.prompt), order.max_tokens)
            is_json = not isinstance(order.constraint, FreeText | GbnfConstraint) and not self._may_be_text(
                order.constraint
            )
            bounds = ValueBounds() if is_json else None
            request = Request(work.prompt, Matcher(work.masks), most, order.sampling, bounds=bounds)
        return replace(request, cancelled=lambda: order.number in self._cancelled, key=str(order.number))

    def _may_be_text(self, constraint: AnswerConstraint) -> bool:
        return isinstance(constraint, ToolConstraint) and constraint.optional

    def _extraction(self, document: int, work: _Work, order: ExtractionOrder) -> Request:
        assert work.extractor is not None
        sources: dict[int, Any] = {}
        request = work.extractor.request(
            document, order.text, max_tokens=order.max_tokens, sampling=order.sampling, sources=sources
        )
        request = replace(request, bounds=ValueBounds())
        work.prompt = request.prompt
        work.reader = work.extractor.reader("mark", sources)
        work.pending = work.reader.pending()
        return request

    def _window(self) -> int:
        trained = self._model.native.trained_context
        return min(self._model.settings.n_ctx, trained or self._model.settings.n_ctx)

    def _room(self, document: int, prompt: int, wanted: int | None) -> int:
        """How many tokens an answer may have."""
        window = self._window() - len(self._prefix)
        room = window - prompt - _RESERVED
        if room < 1:
            raise TextTooLong(document, prompt, max(0, window - _RESERVED - 1), window, 1, _RESERVED)
        return min(room, DEFAULT_MAX_TOKENS if wanted is None else wanted)

    # -- replies

    def _tell(self, event: Event) -> None:
        work = self._working[event.document]
        number = work.order.number
        work.output += event.data
        try:
            if work.reader is not None and work.pending is not None:
                self._tell_objects(work, work.reader, work.pending, event)
            elif event.data:
                self._connection.send(TextPiece(number, event.data))
        except EngineError as error:
            self._cancelled.add(number)
            self._fail(work, error)
            return
        if event.error is not None:
            if number not in self._cancelled:
                self._fail(work, event.error)
        elif event.finish is not None:
            output = len(self._model.tokenize(bytes(work.output)))
            self._connection.send(AnswerFinished(number, event.finish != "complete", len(work.prompt), output))
        if event.error is not None or event.finish is not None:
            self._cancelled.discard(number)
            del self._working[event.document]

    def _tell_objects(self, work: _Work, reader: ItemReader, pending: Pending, event: Event) -> None:
        reader.apply(event, pending)
        for one in pending.objects:
            self._connection.send(ObjectPiece(work.order.number, record_text(one)))
        pending.objects.clear()

    def _fail(self, work: _Work, error: EngineError) -> None:
        self._connection.send(AnswerFailed(work.order.number, status_of(error), type(error).__name__, str(error)))


def record_text(found: Extracted[Any]) -> str:
    """An object with where it comes from, as JSON text."""
    record: dict[str, Any] = {"object": json.loads(found.text)}
    if found.cut:
        record["cut"] = list(found.cut)
    if found.spans:
        record["spans"] = {where: span and [span.start, span.end] for where, span in found.spans.items()}
    if found.confidence:
        record["confidence"] = {where: sure.probability for where, sure in found.confidence.items()}
    return json.dumps(record, ensure_ascii=False)


def status_of(error: EngineError) -> int:
    """The status of HTTP that says what an error says."""
    if isinstance(error, NotInText):
        return 422
    if isinstance(error, SchemaError | GrammarError | UsageError | PromptError):
        return 400
    return 500
