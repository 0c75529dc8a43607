"""guidance over llama.cpp: llguidance's masks, and its forced tokens.

Its limit of tokens does not count those that it forces in the end. So it is asked for so many that its output has as many as
the others', which the rounds that are not counted find out.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import guidance
from guidance.models import LlamaCpp

from engine.bench.peers.work import Prompt, Work


class Guidance:
    """`options`: "flash_attention"."""

    def __init__(self, work: Work) -> None:
        self.version = str(guidance.__version__)
        self._model = LlamaCpp(
            work.model,
            echo=False,
            enable_monitoring=False,
            n_ctx=work.n_ctx,
            n_threads=work.threads,
            n_threads_batch=work.threads,
            flash_attn=bool(work.options.get("flash_attention")),
        )
        self._grammar = cache(lambda limit: _json(work.schema, limit))
        self._limits: dict[int, int] = {}

    def run(self, prompt: Prompt, max_tokens: int) -> str:
        limit = self._limits.setdefault(max_tokens, max_tokens)
        output = str(self._model + prompt.rendered + self._grammar(limit))[len(prompt.rendered) :]
        written = len(self._model._interpreter.engine.tokenizer.encode(output.encode()))
        if written > max_tokens:  # an output that is complete earlier is none of the limit's
            self._limits[max_tokens] = max(1, limit - (written - max_tokens))
        return output

    def run_many(self, prompts: Sequence[Prompt], max_tokens: int) -> tuple[str, ...]:
        return tuple(self.run(prompt, max_tokens) for prompt in prompts)


def _json(schema: dict[str, Any], limit: int) -> Any:
    return guidance.json("out", schema=schema, temperature=0.0, max_tokens=limit)
