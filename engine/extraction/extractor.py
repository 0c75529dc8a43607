"""Extractor: a type and a model bound once, used for any number of texts.

Grammar, prompt prefix and model stay loaded. `extract`, `extract_one` and `aextract` make one for a single use; loaded models
and the masks of a vocabulary are shared by all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from engine.automaton.automaton import Automaton
from engine.decoding.chat_template import Message
from engine.decoding.fast_weights import default_weights
from engine.decoding.generation import MAX_BACKTRACKS
from engine.decoding.loaded_model import LoadedModel, load_model
from engine.decoding.prompt_encoder import PromptEncoder, shared_prefix
from engine.decoding.sampler import Sampling
from engine.decoding.scheduler import Request
from engine.decoding.settings import ModelSettings
from engine.decoding.value_bounds import ValueBounds
from engine.errors import EmptyDocument, EngineError, TextEmpty, UsageError, WrongArgument
from engine.extraction.answer_writer import AnswerWriter
from engine.extraction.arguments import check_arguments, check_items, documents, pairs, texts_of_batch, value_bounds
from engine.extraction.batch import Batch, Binding
from engine.extraction.compilation import DEFAULT_STYLE, array_of, lower_schema, read_schema
from engine.extraction.document import Document, DocumentId, Result, has_text, numbered
from engine.extraction.extraction import Errors, Extraction, ItemReader, Loops, OnBudget, Stats
from engine.extraction.grounded import GroundedDocuments, GroundedMode, Rank
from engine.extraction.partial import Partial, partials
from engine.extraction.task import Example, Task, task_for
from engine.grammar.grammar import Grammar
from engine.grounding.decision import Decisions
from engine.grounding.document import GroundedDocument
from engine.lowering.lowering import Style
from engine.masks.mask import Masks, Walks
from engine.masks.matcher import Matcher
from engine.masks.vocabulary import Vocabulary
from engine.models import resolve
from engine.models.environment import named_model
from engine.models.progress import SILENT, Progress, telling
from engine.objects.item import item_annotation, item_type

Mode = Literal["many", "one"]


_KEPT_STATES = 100_000
# The scheduler keeps room for drafts.
_SENT_ALONG = 7
# Tokens that a text may have more inside a prompt than alone.
_BORDER = 16
# The document under which values are compared with the names of fields: it says nothing.
_EMPTY = "."


@lru_cache(maxsize=4)
def shared_walks(vocabulary: Vocabulary) -> Walks:
    """The walks of a vocabulary, which all grammars share."""
    return Walks(vocabulary)


class Extractor:
    """Extracts items of `model_type` from texts.

    `model_type` is a Pydantic model, a dataclass, a TypedDict, a union, a scalar type, `list[X]` or `Iterable[X]` (then X is the
    item), or a JSON Schema as a dict. `mode` "many" decodes an array of items for each text, "one" a single item. The other
    options are those of `engine.extract`; `recommended_context` takes `n_ctx` from what Ollama keeps beside the model, as is done
    without settings, and `progress` is told of a download. Raises `SchemaError` and `ModelError` here, not later.
    """

    def __init__(
        self,
        model_type: Any,
        *,
        model: str | Path | None = None,
        mode: Mode = "many",
        instructions: str | None = None,
        examples: Sequence[Example] = (),
        style: Style = DEFAULT_STYLE,
        min_items: int = 0,
        max_items: int | None = None,
        grounded: GroundedMode = False,
        rank: Rank = "calibrated",
        context: Any = None,
        settings: ModelSettings | None = None,
        recommended_context: bool | None = None,
        progress: Progress | None = None,
    ) -> None:
        check_arguments(model=model, mode=mode, instructions=instructions, style=style, settings=settings)
        check_arguments(grounded=grounded, rank=rank)
        min_items, max_items = check_items(min_items, max_items)
        solved = pairs(examples)
        self._many = mode == "many"
        self._may_be_empty = self._many and min_items == 0
        self._counted = min_items != 0 or max_items is not None
        if self._counted and not self._many:
            raise UsageError("min_items and max_items count the objects of a list; here one object is asked for")
        # Read first: what is not a type is refused with an error of the engine.
        schema = read_schema(item_annotation(model_type), context=context)
        self.item = item_type(model_type)
        self._context = context
        root = array_of(schema, min_items, max_items) if self._many else schema
        self._grounding = GroundedDocuments(root, style, grounded, rank) if grounded else None
        self.grammar: Grammar = lower_schema(root, style)
        automaton = Automaton(self.grammar)
        spelling = AnswerWriter(self.item, automaton, style, self._many, context)
        self.task: Task = task_for(
            schema, self.item.name, many=self._many, instructions=instructions, examples=spelling.spelled(solved)
        )
        progress = progress or SILENT
        file = resolve(model, progress=progress)
        wanted = settings is None if recommended_context is None else recommended_context
        if wanted and file.parameters.n_ctx is not None:
            settings = replace(settings or ModelSettings(), n_ctx=file.parameters.n_ctx)
        tell = telling(progress)
        if model is None and named_model() is None:
            file = default_weights(file, settings or ModelSettings(), tell, progress)
        self.model: LoadedModel = load_model(file.path, settings, tell=tell)
        # What is used where nothing else is said: greedy, but for what Ollama keeps beside the model.
        self.sampling = Sampling(**file.parameters.sampling)  # type: ignore[arg-type]
        plain = PromptEncoder(self.model, chat_format=file.chat_format, settings=settings)
        self._encoder = plain
        think = 0 if settings is None else settings.think
        if think:
            self._encoder = PromptEncoder(self.model, chat_format=file.chat_format, settings=settings, think=True)
        self._thinking = self._encoder.thinking(think)
        self._masks = Masks(automaton, shared_walks(self.model.vocabulary))
        calibrated = grounded and rank == "calibrated"
        self._reference = plain.encode(self.messages(_EMPTY)) if calibrated else None
        self._prefix = shared_prefix(lambda text: self._encoder.encode(self.messages(text)))

    def messages(self, text: str) -> list[Message]:
        """The conversation that asks for the items of a text."""
        return self.task.messages(text)

    def prompt(self, text: str) -> str:
        """The rendered prompt, for people to read."""
        return self._encoder.render(self.messages(text))

    def extract(
        self,
        text: str | Iterable[str] | None = None,
        *,
        messages: Sequence[Message] | None = None,
        max_tokens: int = 1024,
        sampling: Sampling | None = None,
        max_value_tokens: int | None = None,
        loops: Loops = "end",
        errors: Errors = "raise",
        on_budget: OnBudget = "mark",
        max_backtracks: int = MAX_BACKTRACKS,
    ) -> Extraction[Any]:
        """An iterator over the objects of a text, or of each of several texts, in their order.

        The options are those of `engine.extract`, but for `sampling`: an `engine.decoding.sampler.Sampling` (temperature, top_p,
        top_k, min_p, seed), greedy where it is not given. `messages` instead of a text gives full control of the prompt. One of
        several texts that is an `EngineError` (it could not be read, say) ends as such, in its turn.
        """
        check_arguments(
            max_tokens=max_tokens, sampling=sampling, errors=errors, on_budget=on_budget, max_backtracks=max_backtracks
        )
        bounds = value_bounds(max_value_tokens, loops)
        stats, sources = Stats(), dict[int, GroundedDocument]()
        chosen = (sampling or self.sampling).seeded()

        def prepare(index: int, document: Any) -> Request:
            if messages is None:
                self._refuse(index, document)
            with stats.stage("prompt"):
                turns = self.messages(document) if isinstance(document, str) else document
                prompt = self._encoder.encode(turns)
                matcher, decisions = self._begin(index, document, sources, chosen)
            return Request(
                prompt,
                matcher,
                int(max_tokens),
                chosen,
                self._many,
                int(max_backtracks),
                decisions=decisions,
                reference=self._reference,
                bounds=bounds,
                thinking=self._thinking,
            )

        events = self.model.decode(documents(text, messages), prepare, prefix=self._prefix, statistics=stats)
        item, seen = self.item, self._context
        return Extraction(
            events,
            lambda data: item.read(data, seen),
            stats,
            many=self._many,
            errors=errors,
            on_budget=on_budget,
            sources=sources,
            target=self.item.target,
            texts=[text] if isinstance(text, str) else text if isinstance(text, Sequence) else None,
        )

    def stream_partial(
        self,
        text: str,
        *,
        max_tokens: int = 1024,
        sampling: Sampling | None = None,
        max_value_tokens: int | None = None,
        loops: Loops = "end",
        on_budget: OnBudget = "mark",
        max_backtracks: int = MAX_BACKTRACKS,
    ) -> Iterator[Partial[Any]]:
        """The one object of a text while it is decoded; see `engine.stream_partial`. For mode "one"."""
        if self._many:
            raise UsageError("objects of a list are yielded as they close; stream_partial is for mode 'one'")
        check_arguments(max_tokens=max_tokens, sampling=sampling, on_budget=on_budget, max_backtracks=max_backtracks)
        stats, sources = Stats(), dict[int, GroundedDocument]()
        chosen, bounds = (sampling or self.sampling).seeded(), value_bounds(max_value_tokens, loops)

        def prepare(index: int, document: str) -> Request:
            begun = self.request(index, document, max_tokens=max_tokens, sampling=chosen, sources=sources)
            return replace(begun, max_backtracks=max_backtracks, bounds=bounds)

        events = self.model.decode([text], prepare, prefix=self._prefix, statistics=stats)
        return partials(events, self.reader(on_budget, sources))

    def batch(
        self,
        documents: Iterable[str | tuple[DocumentId, str] | Document],
        *,
        max_tokens: int = 1024,
        sampling: Sampling | None = None,
        max_value_tokens: int | None = None,
        loops: Loops = "end",
        chunk: int | Literal["auto"] | None = None,
        on_budget: OnBudget = "mark",
        max_backtracks: int = MAX_BACKTRACKS,
    ) -> Iterator[Result]:
        """One result for each document, in order: its objects and how it finished, or its error.

        A document is a text or a pair of an id and a text; what is drawn for it depends on the seed, its id and its text, not on
        the others. `chunk` cuts long texts into pieces of so many tokens ("auto": as many as fit); the other options are those
        of `extract`. With `ModelSettings(sequences=1)` the arithmetic of a document does not depend on the others either.

        The next document is asked for as soon as there is a place for it, before those in work go on: an iterable that waits
        holds their results back. Where documents come slowly, take `sequences=1`, or read them in a thread.

            for result in extractor.batch(texts): print(result.values, result.error)
        """
        return self.open_batch(
            numbered(texts_of_batch(documents)),
            max_tokens=max_tokens,
            sampling=sampling,
            chunk=chunk,
            on_budget=on_budget,
            max_backtracks=max_backtracks,
            bounds=value_bounds(max_value_tokens, loops),
            stats=Stats(),
        ).in_order()

    def open_batch(
        self,
        documents: Iterable[Document],
        *,
        max_tokens: int,
        sampling: Sampling | None,
        chunk: int | Literal["auto"] | None,
        on_budget: OnBudget,
        max_backtracks: int,
        stats: Stats,
        bounds: ValueBounds = ValueBounds(),  # noqa: B008 - frozen
        taken: Callable[[int], None] | None = None,
        begun: Callable[[int], None] | None = None,
    ) -> Batch:
        """A batch whose results can be had as they are done; see `Batch`."""
        check_arguments(max_tokens=max_tokens, sampling=sampling, on_budget=on_budget, max_backtracks=max_backtracks)
        if chunk is not None and not self._many:
            raise UsageError("chunks of a text give several objects; they cannot make the one object of mode 'one'")
        if chunk is not None and self._counted:
            raise UsageError("min_items and max_items count the objects of a document, which chunks divide; drop one")
        chosen = (sampling or self.sampling).seeded()

        sources: dict[int, GroundedDocument] = {}

        def request(index: int, text: str, key: str) -> Request:
            with stats.stage("prompt"):
                begun = self.request(index, text, max_tokens=max_tokens, sampling=chosen, sources=sources)
            return replace(begun, max_backtracks=max_backtracks, key=key, bounds=bounds)

        binding = Binding(
            request=request,
            decode=lambda parts, prepare: self.model.decode(parts, prepare, prefix=self._prefix, statistics=stats),
            tokenize=self.model.tokenize,
            pieces=self.model.vocabulary.pieces,
            reader=self.reader(on_budget, sources),
        )
        limit = self.chunk_limit(chunk, max_tokens)
        return Batch(binding, documents, chunk=limit, taken=taken, begun=begun)

    def request(
        self, index: int, text: str, *, max_tokens: int, sampling: Sampling, sources: dict[int, GroundedDocument]
    ) -> Request:
        """What is to be decoded for one text; a grounded one is noted in `sources`."""
        self._refuse(index, text)
        prompt = self._encoder.encode(self.messages(text))
        matcher, decisions = self._begin(index, text, sources, sampling)
        return Request(
            prompt,
            matcher,
            max_tokens,
            sampling,
            self._many,
            decisions=decisions,
            reference=self._reference,
            bounds=ValueBounds(),
            thinking=self._thinking,
        )

    def reader(self, on_budget: OnBudget, sources: dict[int, GroundedDocument]) -> ItemReader:
        """What makes objects out of the events of the requests that noted their documents in `sources`."""
        return ItemReader(lambda data: self.item.read(data, self._context), self._many, on_budget, sources)

    def prompt_tokens(self, text: str) -> int:
        """How many tokens the prompt of a text has."""
        return len(self._encoder.encode(self.messages(text)))

    def longest_prompt(self, max_tokens: int) -> int:
        """How many tokens a prompt may have beside its output."""
        settings = self.model.settings
        window = min(settings.n_ctx, self.model.native.trained_context or settings.n_ctx)
        thought = 0 if self._thinking is None else self._thinking.room
        return max(0, window - max_tokens - thought - _SENT_ALONG)

    def room(self, max_tokens: int) -> int:
        """How many tokens a text may have beside its prompt and its output; 0 where none fits."""
        return max(0, self.longest_prompt(max_tokens) - self.prompt_tokens("0") - _BORDER)

    def chunk_limit(self, chunk: int | Literal["auto"] | None, max_tokens: int) -> int | None:
        """How many tokens a piece of a text may have; `UsageError` where there is no room for that many."""
        if chunk is None:
            return None
        if chunk != "auto" and (isinstance(chunk, bool) or not isinstance(chunk, int)):
            raise WrongArgument("chunk", chunk, "'auto' or a whole number from 1 on")
        room = self.room(max_tokens)
        if room < 1 or (isinstance(chunk, int) and not 1 <= chunk <= room):
            raise UsageError(
                f"a chunk may have 1 to {room} tokens here, not {chunk}: n_ctx={self.model.settings.n_ctx} also "
                f"holds the prompt and max_tokens={max_tokens}"
            )
        return room if chunk == "auto" else chunk

    def _begin(
        self, index: int, text: Any, sources: dict[int, GroundedDocument], sampling: Sampling
    ) -> tuple[Matcher, Decisions | None]:
        """What a document is decoded with; a grounded one has a grammar of its own, and is noted in `sources`."""
        if self._grounding is None:
            return self._matcher(), None
        if not isinstance(text, str):
            raise UsageError("grounded values need a text; with messages it is not known which part is the document")
        opened = self._grounding.open(index, text, self._masks.walks, decide=sampling.temperature == 0)
        sources[index] = opened.document
        return opened.matcher, opened.decisions

    def _matcher(self) -> Matcher:
        """A matcher for one document. What earlier documents visited is shared, until it is too much to keep."""
        if self._masks.automaton.size > _KEPT_STATES:
            self._masks = Masks(Automaton(self.grammar), self._masks.walks)
        return Matcher(self._masks)

    def _refuse(self, index: int, document: Any) -> None:
        """Raise the error of a document that is not text, or is empty."""
        if isinstance(document, EngineError):
            raise document
        if not isinstance(document, str):
            raise WrongArgument(f"document {index}", document, "a text")
        if not has_text(document):
            raise EmptyDocument() if self._may_be_empty else TextEmpty(index)
