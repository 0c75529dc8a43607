"""The functions that most users call: each binds an Extractor for a single use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict, TypeVar, Unpack, overload

from engine.decoding.chat_template import Message
from engine.decoding.sampler import Sampling
from engine.decoding.settings import ModelSettings
from engine.errors import BudgetReached, EngineError, UsageError, WrongArgument
from engine.extraction.arguments import check_known
from engine.extraction.document import has_text
from engine.extraction.extraction import Errors, Extracted, Extraction, Loops, OnBudget, Outcome, Stats, errors_of
from engine.extraction.extractor import Extractor, Mode
from engine.extraction.grounded import GroundedMode, Rank
from engine.extraction.partial import Partial
from engine.extraction.task import Example
from engine.lowering.lowering import Style
from engine.objects.item import item_annotation

T = TypeVar("T")

_END = object()


class Options(TypedDict, total=False):
    """What `extract_one` takes beside text and type; see `extract`."""

    model: str | Path | None
    messages: Sequence[Message] | None
    instructions: str | None
    examples: Sequence[Example]
    max_tokens: int
    temperature: float
    top_p: float
    top_k: int
    min_p: float
    seed: int | None
    style: Style
    grounded: GroundedMode
    rank: Rank
    think: int
    context: Any
    errors: Errors
    max_value_tokens: int | None
    loops: Loops
    on_budget: OnBudget
    max_backtracks: int
    settings: ModelSettings | None


class ItemOptions(Options, total=False):
    """What `extract` and `aextract` take beside text and type; see `extract`."""

    min_items: int
    max_items: int | None


_BINDING = (
    *("model", "instructions", "examples", "style", "settings", "context", "min_items", "max_items"),
    *("grounded", "rank"),
)
_SAMPLING = ("temperature", "top_p", "top_k", "min_p", "seed")


@overload
def extract(
    text: str | Iterable[str] | None, model_type: type[list[T]], **options: Unpack[ItemOptions]
) -> Extraction[T]: ...
@overload
def extract(text: str | Iterable[str] | None, model_type: type[T], **options: Unpack[ItemOptions]) -> Extraction[T]: ...
@overload
def extract(text: str | Iterable[str] | None, model_type: Any, **options: Unpack[ItemOptions]) -> Extraction[Any]: ...
def extract(text: str | Iterable[str] | None, model_type: Any, **options: Unpack[ItemOptions]) -> Extraction[Any]:
    """An iterator over the objects of type `model_type` in a text, each given as its closing brace is decoded.

    `text`: one document, or an iterable of several, which is pulled lazily; objects come in document order. `model_type`: a
    Pydantic model, a dataclass, a TypedDict, a union, a scalar, `list[X]` (then X is the object), or a JSON Schema as a dict.

    Options, each by its name:
      min_items, max_items = 0, None   how many objects each document holds, as far as that is known
      model = None                     a name in models.txt, a path to a GGUF file, hf:OWNER/REPO[:QUANT or FILE], or
                                       ollama/NAME:TAG; else ENGINE_MODEL
      instructions = None              a text that is added to the prompt
      examples = ()                    solved documents: pairs of a text and its answer
      messages = None                  the whole conversation, instead of `text` (which is None then)
      max_tokens = 1024                most tokens of output for each document; the JSON is closed in time and never truncated
      max_value_tokens = None          most tokens of one text or number; None: 40 for numbers, 3/4 of max_tokens for texts
      loops = "end"                    a text or list that repeats itself is ended where it begins to, and marked; or "keep"
      on_budget = "mark"               objects that max_tokens changed are given and marked, but for texts without room, which
                                       are an error; "keep" gives these too; or "omit", "raise"
      errors = "raise"                 after all documents are done; "collect" leaves them in `.errors`
      max_backtracks = 1000            tokens chosen by the model that may be thrown away for a document when validators refuse
      temperature = 0                  0 is greedy
      top_p, top_k, min_p = 1, 0, 0    off
      seed = None                      makes sampling repeatable
      style = "spaced"                 white space and order of the JSON; or "compact", "any"
      grounded = False                 True: each text, date and number stands in the document; "prefer": where it has one
      rank = "calibrated"              how grounded values are chosen: as wholes, and by how well they fit their
                                       fields; "probability": as wholes; "greedy": token by token
      think = 0                        most tokens of a thought before the answer, for models that think; see `.detailed()`
      context = None                   what validators see as `info.context`
      settings = None                  ModelSettings: context, threads, GPU layers, documents at once, chat format, date

    An Ollama model brings its own n_ctx and sampling. Wrong arguments, types and models raise here; errors of documents come
    while it is read. All are of `engine.errors`.

        for user in extract("My name is John and I am 20 years old", User): ...
    """
    return _run(text, model_type, "many", dict(options))


@overload
def extract_one(text: str | None, model_type: type[T], **options: Unpack[Options]) -> T: ...
@overload
def extract_one(text: str | None, model_type: Any, **options: Unpack[Options]) -> Any: ...
def extract_one(text: str | None, model_type: Any, **options: Unpack[Options]) -> Any:
    """The one object of type `model_type` in a text; with `User | None` there may be none.

    The options are those of `extract`, without `min_items` and `max_items`. An error of the document is raised.

        user = extract_one("My name is John and I am 20 years old", User)
    """
    if text is not None and (not isinstance(text, str) or not has_text(text)):
        raise WrongArgument("text", text, "one text that is not empty")
    if item_annotation(model_type) is not model_type:
        raise WrongArgument(
            "model_type", model_type, "the type of one object; for a list take extract, or RootModel[list[…]]"
        )
    with _run(text, model_type, "one", {**options, "errors": "raise"}) as extraction:
        for value in extraction:
            return value
        raise next(iter(extraction.errors.values()), BudgetReached(0, extraction.outcomes[0].cut))


def stream_partial(text: str, model_type: type[T], **options: Unpack[Options]) -> Iterator[Partial[T]]:
    """The one object of type `model_type` in a text while it is decoded: what is finished of it each time that this is more,
    and at the end the object itself.

    `finished` has JSON values: a scalar in it never changes, objects gain members and arrays items. The last partial is
    `complete` and has the validated object as `value`. The options are those of `extract_one`.

        for partial in stream_partial("John is 20 years old", User): print(partial.finished)
    """
    if not isinstance(text, str) or not has_text(text):
        raise WrongArgument("text", text, "one text that is not empty")
    given: dict[str, Any] = dict(options)
    if given.pop("messages", None) is not None:
        raise UsageError("stream_partial takes a text; messages= is for extract_one")
    given.pop("errors", None)
    extractor, sampling = _extractor(model_type, "one", given)
    return extractor.stream_partial(text, sampling=sampling, **given)


def _run(text: str | Iterable[str] | None, model_type: Any, mode: Mode, options: dict[str, Any]) -> Extraction[Any]:
    extractor, sampling = _extractor(model_type, mode, options)
    return extractor.extract(text, sampling=sampling, **options)


def _extractor(model_type: Any, mode: Mode, options: dict[str, Any]) -> tuple[Extractor, Sampling]:
    """The extractor and the sampling of some options, which leaves those of the run."""
    check_known(options, ItemOptions.__annotations__)
    binding = {name: options.pop(name) for name in _BINDING if name in options}
    given = {name: options.pop(name) for name in _SAMPLING if name in options}
    if think := options.pop("think", 0):
        settings = binding.get("settings")
        binding |= {
            "settings": replace(settings or ModelSettings(), think=think),
            "recommended_context": settings is None,
        }
    Sampling(**given)  # what is not valid is refused before a model is loaded
    extractor = Extractor(model_type, mode=mode, **binding)
    return extractor, replace(extractor.sampling, **given)


class AsyncExtraction(AsyncIterator[T]):
    """The same as an Extraction for `async for`; the model runs in a thread of its own, so the loop is never blocked.

    `outcomes`, `errors`, `stats` and `detailed()` are those of an Extraction; `aclose()` ends it early. An error ends it. Waiting
    for an object may be cancelled: it is given to whoever asks next.
    """

    def __init__(self, text: str | Iterable[str] | None, model_type: Any, options: dict[str, Any]) -> None:
        check_known(options, ItemOptions.__annotations__)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine-aextract")
        self._request = (text, model_type, options)
        self._extraction: Extraction[T] | None = None
        self._asked = asyncio.Lock()
        self._pending: Future[Any] | None = None
        self._over = False

    @property
    def stats(self) -> Stats:
        """Statistics so far; empty before the first object was requested."""
        return self._extraction.stats if self._extraction is not None else Stats()

    @property
    def outcomes(self) -> list[Outcome]:
        """One entry for each finished document; empty before the first object was requested."""
        return self._extraction.outcomes if self._extraction is not None else []

    @property
    def errors(self) -> dict[int, EngineError]:
        """The errors so far, by document."""
        return errors_of(self.outcomes)

    def __aiter__(self) -> AsyncExtraction[T]:
        return self

    async def __anext__(self) -> T:
        return (await self._take()).value

    async def detailed(self) -> AsyncIterator[Extracted[T]]:
        """The same objects, not yet taken, with their document, their text and what is cut in them."""
        while True:
            try:
                found = await self._take()
            except StopAsyncIteration:
                return
            yield found

    async def _take(self) -> Extracted[T]:
        async with self._asked:
            if self._over:
                raise StopAsyncIteration
            if self._pending is None:
                self._pending = self._thread.submit(self._next)
            waiting = asyncio.wrap_future(self._pending)
            # Seen here: the loop would report it as an error that nobody asked for.
            waiting.add_done_callback(lambda done: done.cancelled() or done.exception())
            await asyncio.wait([waiting])
            value, self._pending = self._pending, None
            if value.exception() is not None or value.result() is _END:
                self._end()
            if value.result() is _END:
                raise StopAsyncIteration
            return value.result()  # type: ignore[no-any-return]

    async def aclose(self) -> None:
        """End early; waits for the pass that is being computed."""
        if not self._over:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
            self._end()

    async def __aenter__(self) -> AsyncExtraction[T]:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _next(self) -> Any:
        if self._extraction is None:
            text, model_type, options = self._request
            self._extraction = _run(text, model_type, "many", options)
        return next(self._extraction.detailed(), _END)

    def _end(self) -> None:
        self._over = True
        self._thread.shutdown(wait=False)

    def _close(self) -> None:
        if self._extraction is not None:
            self._extraction.close()


@overload
def aextract(
    text: str | Iterable[str] | None, model_type: type[list[T]], **options: Unpack[ItemOptions]
) -> AsyncExtraction[T]: ...
@overload
def aextract(
    text: str | Iterable[str] | None, model_type: type[T], **options: Unpack[ItemOptions]
) -> AsyncExtraction[T]: ...
@overload
def aextract(
    text: str | Iterable[str] | None, model_type: Any, **options: Unpack[ItemOptions]
) -> AsyncExtraction[Any]: ...
def aextract(text: str | Iterable[str] | None, model_type: Any, **options: Unpack[ItemOptions]) -> AsyncExtraction[Any]:
    """`extract` for `async for`, with the same options: the event loop goes on while the model computes.

    `async for user in aextract("My name is John and I am 20 years old", User): ...`
    """
    return AsyncExtraction(text, model_type, dict(options))
