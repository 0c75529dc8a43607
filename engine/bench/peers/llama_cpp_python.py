"""llama-cpp-python's own loop, with the grammar that it makes of the schema or, with `free`, without any."""

from __future__ import annotations

import json
from collections.abc import Sequence

import llama_cpp
from llama_cpp.llama_grammar import LlamaGrammar

from engine.bench.peers.work import Prompt, Work


def open_llama(work: Work) -> llama_cpp.Llama:
    """The model as llama-cpp-python loads it; a prompt keeps what it shares with the one before it."""
    return llama_cpp.Llama(
        work.model,
        n_ctx=work.n_ctx,
        n_threads=work.threads,
        n_threads_batch=work.threads,
        verbose=False,
        flash_attn=bool(work.options.get("flash_attention")),
    )


class LlamaCppPython:
    """llama-cpp-python with its own grammar from the schema, or without one."""

    def __init__(self, work: Work) -> None:
        self.version = str(llama_cpp.__version__)
        self._llama = open_llama(work)
        free = work.options.get("free")
        self._grammar = None if free else LlamaGrammar.from_json_schema(json.dumps(work.schema), verbose=False)

    def run(self, prompt: Prompt, max_tokens: int) -> str:
        answer = self._llama.create_completion(
            prompt.rendered, max_tokens=max_tokens, temperature=0.0, grammar=self._grammar
        )
        assert isinstance(answer, dict)  # not asked for as a stream
        return str(answer["choices"][0]["text"])

    def run_many(self, prompts: Sequence[Prompt], max_tokens: int) -> tuple[str, ...]:
        return tuple(self.run(prompt, max_tokens) for prompt in prompts)
