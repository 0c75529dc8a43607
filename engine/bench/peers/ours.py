"""This engine, as a peer among the others."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from engine.automaton.automaton import Automaton
from engine.bench.peers.work import Prompt, Work
from engine.decoding.prompt_encoder import PromptEncoder, shared_prefix
from engine.decoding.scheduler import Request
from engine.decoding.settings import ModelSettings
from engine.decoding.statistics import Statistics
from engine.extraction.extractor import Extractor, shared_walks
from engine.masks.mask import Masks
from engine.masks.matcher import Matcher
from engine.models import resolve

# Closes everything that a run cuts: the harness wants so many tokens, not a complete output.
_UNBOUNDED = 1024


class Ours:
    """`work.schema` is what is decoded, and what the prompt describes; `options`: those of `ModelSettings`."""

    def __init__(self, work: Work) -> None:
        self.version = version("engine")
        settings = ModelSettings(n_ctx=work.n_ctx, threads=work.threads, **work.options)
        self._extractor = Extractor(work.schema, model=work.model, mode="one", settings=settings)
        self._model = self._extractor.model
        self._encoder = PromptEncoder(self._model, chat_format=resolve(work.model).chat_format)
        self._masks = Masks(Automaton(self._extractor.grammar), shared_walks(self._model.vocabulary))
        self._prefix = shared_prefix(self._encode)

    def render(self, text: str) -> Prompt:
        """The prompt that all peers get for this text."""
        return Prompt(self._extractor.prompt(text), text)

    def _encode(self, text: str) -> tuple[int, ...]:
        return self._encoder.encode(self._extractor.messages(text))

    def run(self, prompt: Prompt, max_tokens: int) -> str:
        return self._decode([prompt], max_tokens, _UNBOUNDED)[0]

    def run_many(self, prompts: Sequence[Prompt], max_tokens: int) -> tuple[str, ...]:
        return self._decode(prompts, max_tokens * len(prompts), max_tokens)

    def _decode(self, prompts: Sequence[Prompt], stop: int, max_tokens: int) -> tuple[str, ...]:
        """Outputs; the run ends where `stop` tokens are written in all."""
        counts = Statistics()
        outputs = [bytearray() for _ in prompts]
        events = self._model.decode(
            prompts,
            # Items are given out as they close, also under guards: the run can be ended between them.
            lambda _, prompt: Request(self._encode(prompt.text), Matcher(self._masks), max_tokens, many=True),
            prefix=self._prefix,
            statistics=counts,
        )
        for event in events:
            if event.error is not None:
                raise event.error
            outputs[event.document] += event.data
            if counts.decoded_tokens >= stop:
                break
        events.close()
        return tuple(output.decode("utf-8", "replace") for output in outputs)
