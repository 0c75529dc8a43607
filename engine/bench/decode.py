"""Bench of decoding: constrained extraction against decoding the very same text unconstrained, in the same process.

The constrained run is an ordinary extraction. The unconstrained one evaluates the same prompt from the same shared
prefix, then takes the text that came out, in the model's own tokens, one forward pass a token, with the greedy choice
computed and the known token fed: what a plain decode loop that happened to write this text would do, without any mask
or other bookkeeping. The two alternate, so that what disturbs the machine disturbs both; medians count.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from engine.automaton.automaton import Automaton
from engine.bench.example_texts import BenchExample
from engine.decoding.language_model import PREFIX_SEQUENCE, Feed
from engine.decoding.llama import LlamaContext
from engine.decoding.loaded_model import LoadedModel
from engine.decoding.prompt_encoder import PromptEncoder, shared_prefix
from engine.decoding.scheduler import Request
from engine.decoding.settings import ModelSettings
from engine.decoding.statistics import Statistics
from engine.extraction.extractor import Extractor, shared_walks
from engine.masks.mask import Masks
from engine.masks.matcher import Matcher
from engine.models import resolve

_SEQUENCE = 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """One text: medians of seconds over all rounds, each from the end of the shared prefix to the last byte."""

    name: str
    output: bytes
    tokens: int
    forced: int
    constrained: float
    unconstrained: float

    @property
    def ratio(self) -> float:
        """Bytes a second of the constrained run by those of the unconstrained one."""
        return self.unconstrained / self.constrained


class Plain:
    """Unconstrained decoding in a context of its own."""

    def __init__(self, model: LoadedModel) -> None:
        self._context = LlamaContext(model.native, model.settings)
        self._prefix: tuple[int, ...] = ()

    def run(self, prompt: tuple[int, ...], prefix: tuple[int, ...], output: tuple[int, ...]) -> float:
        """Seconds for `prompt`, whose beginning `prefix` is there already, and then `output`."""
        self._hold(prefix)
        started = time.perf_counter()
        position = len(prefix)
        for chunk in _chunks(prompt[position:], self._context.n_batch):
            row = self._context.decode([Feed(_SEQUENCE, position, chunk, 1)])[0][0]
            position += len(chunk)
        for token in output[:-1]:
            int(row.argmax())
            row = self._context.decode([Feed(_SEQUENCE, position, (token,), 1)])[0][0]
            position += 1
        int(row.argmax())
        return time.perf_counter() - started

    def _hold(self, prefix: tuple[int, ...]) -> None:
        self._context.truncate(_SEQUENCE, 0)
        if self._prefix != prefix:
            self._context.truncate(PREFIX_SEQUENCE, 0)
            position = 0
            for chunk in _chunks(prefix, self._context.n_batch):
                self._context.decode([Feed(PREFIX_SEQUENCE, position, chunk, 0)])
                position += len(chunk)
            self._prefix = prefix
        if prefix:
            self._context.share(PREFIX_SEQUENCE, _SEQUENCE, len(prefix))


class Constrained:
    """Extraction of one type, with what is needed to repeat it without constraints."""

    def __init__(self, example: BenchExample, model: str | None, settings: ModelSettings, max_tokens: int) -> None:
        self.extractor = Extractor(example.type, model=model, max_items=example.max_items, settings=settings)
        self.model = self.extractor.model
        self._max_tokens = max_tokens
        self._encoder = PromptEncoder(self.model, chat_format=resolve(model).chat_format, settings=settings)
        self.prefix = shared_prefix(self.prompt)

    def prompt(self, text: str) -> tuple[int, ...]:
        return self._encoder.encode(self.extractor.messages(text))

    def run(self, text: str) -> float:
        """Seconds for the whole extraction, the objects validated and taken."""
        started = time.perf_counter()
        with self.extractor.extract(text, max_tokens=self._max_tokens) as objects:
            for _ in objects:
                pass
        return time.perf_counter() - started

    def output(self, text: str) -> tuple[bytes, int]:
        """All bytes of the output, and how many of its tokens were forced."""
        masks = Masks(Automaton(self.extractor.grammar), shared_walks(self.model.vocabulary))
        counts = Statistics()
        events = self.model.decode(
            [self.prompt(text)],
            lambda _, prompt: Request(prompt, Matcher(masks), self._max_tokens),
            prefix=self.prefix,
            statistics=counts,
        )
        data = bytearray()
        for event in events:
            if event.error is not None:
                raise event.error
            data += event.data
        return bytes(data), counts.forced_tokens


def compare(
    examples: Iterable[BenchExample],
    *,
    model: str | None,
    settings: ModelSettings,
    rounds: int,
    max_tokens: int = 512,
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[Comparison]:
    """One comparison for each example; `tell` hears what is going on."""
    plain: Plain | None = None
    extractors: dict[tuple[int, int | None], Constrained] = {}
    for example in examples:
        tell(example.name)
        key = id(example.type), example.max_items
        if key not in extractors:
            extractors[key] = Constrained(example, model, settings, max_tokens)
        plain = plain or Plain(extractors[key].model)
        yield _compare(example, extractors[key], plain, rounds)


def total(comparisons: Iterable[Comparison]) -> float:
    """The ratio over all texts together: each counts with its time."""
    rows = list(comparisons)
    return sum(row.unconstrained for row in rows) / sum(row.constrained for row in rows)


def _compare(example: BenchExample, extraction: Constrained, plain: Plain, rounds: int) -> Comparison:
    output, forced = extraction.output(example.text)
    tokens = extraction.model.tokenize(output)
    prompt = extraction.prompt(example.text)
    prefix = extraction.prefix[: len(prompt) - 1]
    extraction.run(example.text)  # both have their caches filled before the first round
    plain.run(prompt, prefix, tokens)
    constrained, unconstrained = [], []
    for _ in range(rounds):
        constrained.append(extraction.run(example.text))
        unconstrained.append(plain.run(prompt, prefix, tokens))
    seconds = statistics.median(constrained), statistics.median(unconstrained)
    return Comparison(example.name, output, len(tokens), forced, *seconds)


def _chunks(tokens: tuple[int, ...], size: int) -> Iterator[tuple[int, ...]]:
    for start in range(0, len(tokens), size):
        yield tokens[start : start + size]
