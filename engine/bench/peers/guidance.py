"""guidance over llama.cpp: llguidance's masks, and its forced tokens."""

from __future__ import annotations

from collections.abc import Sequence

import guidance
from guidance.models import LlamaCpp

from engine.bench.peers.work import Prompt, Work


class Guidance:
    """guidance, with llguidance's masks over llama.cpp."""

    def __init__(self, work: Work) -> None:
        self.version = str(guidance.__version__)
        self._schema = work.schema
        self._model = LlamaCpp(
            work.model,
            echo=False,
            enable_monitoring=False,
            n_ctx=work.n_ctx,
            n_threads=work.threads,
            n_threads_batch=work.threads,
            flash_attn=bool(work.options.get("flash_attention")),
        )

    def run(self, prompt: Prompt, max_tokens: int) -> str:
        grammar = guidance.json("out", schema=self._schema, temperature=0.0, max_tokens=max_tokens)
        return str(self._model + prompt.rendered + grammar)[len(prompt.rendered) :]

    def run_many(self, prompts: Sequence[Prompt], max_tokens: int) -> tuple[str, ...]:
        return tuple(self.run(prompt, max_tokens) for prompt in prompts)
