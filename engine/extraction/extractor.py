"""Extractor: a type and a model bound once, used for any number of texts.

Grammar, prompt prefix and model stay loaded. `extract`, `extract_one` and `aextract` make one for a single use; loaded models
and the masks of a vocabulary are shared by all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from engine.automaton.automaton import Automaton
from engine.decoding.generation import SEARCH
from engine.decoding.loaded import LoadedModel, load
from engine.decoding.prompt import PromptEncoder, shared_prefix
from engine.decoding.sampler import Sampling
from engine.decoding.scheduler import Request
from engine.decoding.settings import ModelSettings
from engine.errors import EngineError, TextEmpty, WrongArgument
from engine.extraction.arguments import check, check_items, documents, pairs
from engine.extraction.compilation import DEFAULT_STYLE, array_of, lower_schema, read_schema
from engine.extraction.examples import Spelling
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
    name in models.txt, a path to a GGUF file, or ollama/NAME:TAG. Raises `SchemaError` and `ModelError` here, not later.
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
        progress: Progress | None = None,
    ) -> None:
        check(model=model, mode=mode, instructions=instructions, style=style, settings=settings)
        min_items, max_items = check_items(min_items, max_items)
        solved = pairs(examples)
        self._many = mode == "many"
        self._may_be_empty = self._many and min_items == 0
        # Read first: what is no type of anything is refused with an error of the engine.
        schema = read_schema(item_annotation(model_type), context=context)
        self.item = item_type(model_type)
        self._context = context
        root = array_of(schema, min_items, max_items) if self._many else schema
        self.grammar: Grammar = lower_schema(root, style)
        automaton = Automaton(self.grammar)
        spelling = Spelling(self.item, automaton, style, self._many, context)
        self.task: Task = task(
            schema, self.item.name, many=self._many, instructions=instructions, examples=spelling.spelled(solved)
        )
        file = resolve(model, progress=progress) if progress is not None else resolve(model)
        self.model: LoadedModel = load(file.path, settings)
        self._encoder = PromptEncoder(self.model, chat_format=file.chat_format)
        self._takes_system = self._encoder.takes_system
        self._masks = Masks(automaton, shared_walks(self.model.vocabulary))
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
        or an error, as `on_budget` says. `search`: how many passes may be in vain for a document whose guards leave no way. One
        of several texts that is an `EngineError` (it could not be read, say) ends as such, in its turn.
        """
        check(max_tokens=max_tokens, sampling=sampling, errors=errors, on_budget=on_budget, search=search)
        stats = Stats()
        chosen = (sampling or Sampling()).seeded()

        def prepare(index: int, document: Any) -> Request:
            if messages is None:
                self._refuse(index, document)
            with stats.stage("prompt"):
                turns = self.messages(document) if isinstance(document, str) else document
                prompt = self._encoder.encode(turns)
            return Request(prompt, self._matcher(), int(max_tokens), chosen, self._many, int(search))

        events = self.model.decode(documents(text, messages), prepare, prefix=self._prefix, statistics=stats)
        item, seen = self.item, self._context
        return Extraction(
            events, lambda data: item.read(data, seen), stats, many=self._many, errors=errors, on_budget=on_budget
        )

    def _matcher(self) -> Matcher:
        """A matcher for one document. What earlier documents visited is shared, until it is too much to keep."""
        if self._masks.automaton.size > _KEPT_STATES:
            self._masks = Masks(Automaton(self.grammar), self._masks.walks)
        return Matcher(self._masks)

    def _refuse(self, index: int, document: Any) -> None:
        """Raise the error of a document that is no text, or has none."""
        if isinstance(document, EngineError):
            raise document
        if not isinstance(document, str):
            raise WrongArgument(f"document {index}", document, "a text")
        if not document.strip():
            raise EmptyDocument() if self._may_be_empty else TextEmpty(index)
