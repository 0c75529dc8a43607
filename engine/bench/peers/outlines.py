"""outlines over llama-cpp-python. Without numba it would decode unconstrained and say nothing, so numba is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

import numba  # noqa: F401
import outlines
from outlines.types import JsonSchema

from engine.bench.peers.llama_cpp_python import open_llama
from engine.bench.peers.work import Prompt, Work


class Outlines:
    """outlines over llama-cpp-python."""

    def __init__(self, work: Work) -> None:
        self.version = version("outlines")
        model = outlines.from_llamacpp(open_llama(work), chat_mode=False)
        self._generate = outlines.Generator(model, JsonSchema(work.schema))

    def run(self, prompt: Prompt, max_tokens: int) -> str:
        return str(self._generate(prompt.rendered, max_tokens=max_tokens, temperature=0.0))

    def run_many(self, prompts: Sequence[Prompt], max_tokens: int) -> tuple[str, ...]:
        return tuple(self.run(prompt, max_tokens) for prompt in prompts)
