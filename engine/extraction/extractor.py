"""Extractor: a type and a model bound once, used for any number of texts.

Grammar, prompt prefix and model stay loaded. `extract`, `extract_one` and `aextract` make one for a single use; loaded models
and the masks of a vocabulary are shared by all of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic_core import to_json

from engine.automaton.automaton import Automaton
from engine.decoding.generation import SEARCH
from engine.decoding.loaded import LoadedModel, load
from engine.decoding.prompt import PromptEncoder, shared_prefix
from engine.decoding.sampler import Sampling
from engine.decoding.scheduler import Request
from engine.decoding.settings import ModelSettings
from engine.errors import UsageError
from engine.extraction.compilation import DEFAULT_STYLE, array_of, lower_schema, read_schema
from engine.extraction.extraction import EmptyDocument, Errors, Extraction, OnBudget, Stats
from engine.extraction.prompt import Example, Message, Task, task
from engine.grammar.grammar import Grammar
from engine.grammar.lowering import Style
from engine.masks.mask import Masks, Walks
from engine.masks.matcher import Matcher
from engine.masks.vocabulary import Vocabulary
from engine.models import resolve
from engine.models.progress import Progress
from engine.objects.item import item_annotation, item_type

Mode = Literal["many", "one"]


_KEPT_STATES = 100_000


@lru_cache(maxsize=4)
def shared_walks(vocabulary: Vocabulary) -> Walks:
    """The walks of a vocabulary, which all grammars share."""
    return Walks(vocabulary)


class Extractor:
    """Extracts items of `model_type` from texts.

    `model_type` is a Pydantic model, a dataclass, a TypedDict, a union, a scalar type, `list[X]` or `Iterable[X]` (then X is the
    item), or a JSON Schema as a dict. `mode` "many" decodes an array of items for each text, "one" a single item. `model` is a
    name in models.txt, a path to a GGUF file, or ollama/NAME:TAG. `recommended_context` takes `n_ctx` from
    what Ollama keeps beside the model, as is done without settings. Raises `SchemaError` and `ModelError` here, not later.
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
        context: Any = None,
        settings: ModelSettings | None = None,
        recommended_context: bool | None = None,
        progress: Progress | None = None,
    ) -> None:
        _check_items(min_items, max_items)
        if mode not in ("many", "one"):
            raise UsageError(f"mode must be 'many' or 'one', not {mode!r}")
        self._many = mode == "many"
        # Read first: what is no type of anything is refused with an error of the engine.
        schema = read_schema(item_annotation(model_type), context=context)
        self.item = item_type(model_type)
        self._context = context
        self.task: Task = task(
            schema, self.item.name, many=self._many, instructions=instructions, examples=examples, dump=self._dump
        )
        root = array_of(schema, min_items, max_items) if self._many else schema
        self.grammar: Grammar = lower_schema(root, style)
        file = resolve(model, progress=progress) if progress is not None else resolve(model)
        wanted = settings is None if recommended_context is None else recommended_context
        if wanted and file.parameters.n_ctx is not None:
            settings = replace(settings or ModelSettings(), n_ctx=file.parameters.n_ctx)
        self.model: LoadedModel = load(file.path, settings)
        # What is used where nothing else is said: greedy, but for what Ollama keeps beside the model.
        self.sampling = Sampling(**file.parameters.sampling)  # type: ignore[arg-type]
        self._encoder = PromptEncoder(self.model, chat_format=file.chat_format)
        self._takes_system = self._encoder.takes_system
        self._masks = Masks(Automaton(self.grammar), shared_walks(self.model.vocabulary))
        self._prefix = shared_prefix(lambda text: self._encoder.encode(self.messages(text)))

    def messages(self, text: str) -> list[Message]:
        """The conversation that asks for the items of a text."""
        return self.task.messages(text, takes_system=self._takes_system)

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
        errors: Errors = "raise",
        on_budget: OnBudget = "mark",
        search: int = SEARCH,
    ) -> Extraction[Any]:
        """An iterator over the objects of a text, or of each of several texts, in their order.

        `messages` instead of a text gives full control of the prompt. With errors "collect" they are found in `.errors` instead
        of being raised at the end. `max_tokens` bounds each document; the objects that it changed are given and marked, omitted,
        or an error, as `on_budget` says. `search`: how many passes may be in vain for a document whose guards leave no way.
        """
        documents = _documents(text, messages)
        if errors not in ("raise", "collect"):
            raise UsageError(f"errors must be 'raise' or 'collect', not {errors!r}")
        if on_budget not in ("mark", "omit", "raise"):
            raise UsageError(f"on_budget must be 'mark', 'omit' or 'raise', not {on_budget!r}")
        if not isinstance(search, int) or search < 0:
            raise UsageError(f"search must be a number of passes, 0 or more, not {search!r}")
        stats = Stats()
        chosen = (sampling or self.sampling).seeded()

        def prepare(_: int, document: str | Sequence[Message]) -> Request:
            if isinstance(document, str) and not document.strip():
                raise EmptyDocument()
            with stats.stage("prompt"):
                turns = self.messages(document) if isinstance(document, str) else document
                prompt = self._encoder.encode(turns)
            return Request(prompt, self._matcher(), max_tokens, chosen, self._many, search)

        events = self.model.decode(documents, prepare, prefix=self._prefix, statistics=stats)
        item, seen = self.item, self._context
        return Extraction(
            events, lambda data: item.read(data, seen), stats, many=self._many, errors=errors, on_budget=on_budget
        )

    def _matcher(self) -> Matcher:
        """A matcher for one document. What earlier documents visited is shared, until it is too much to keep."""
        if self._masks.automaton.size > _KEPT_STATES:
            self._masks = Masks(Automaton(self.grammar), self._masks.walks)
        return Matcher(self._masks)

    def _dump(self, answer: Any) -> str:
        """An example's answer as the model should have written it."""
        values = answer if self._many and isinstance(answer, list | tuple) else [answer] if self._many else answer
        return json.dumps(json.loads(to_json(values)), ensure_ascii=False)


def _documents(
    text: str | Iterable[str] | None, messages: Sequence[Message] | None
) -> Iterator[str | Sequence[Message]]:
    if (text is None) == (messages is None):
        raise UsageError("give either a text (or several) or messages")
    if messages is not None:
        return iter([messages])
    if isinstance(text, bytes):
        raise UsageError("a document must be a text, not bytes; decode it first")
    return _texts(text if text is not None else ())


def _texts(text: str | Iterable[str]) -> Iterator[str]:
    for document in (text,) if isinstance(text, str) else text:
        if not isinstance(document, str):
            raise UsageError(f"a document must be a text, not {type(document).__name__}")
        yield document


def _check_items(min_items: int, max_items: int | None) -> None:
    if min_items < 0 or (max_items is not None and max_items < max(min_items, 1)):
        raise UsageError(f"min_items={min_items} and max_items={max_items} leave no length for the array")
