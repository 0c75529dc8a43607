"""Peers without a model, for the harness: they answer, fail to load, raise, or die."""

from __future__ import annotations

import os
from collections.abc import Sequence

from engine.bench.peers.work import Prompt, Work


class Echo:
    """Answers with the text of the prompt and what was asked for before it."""

    version = "1.0"

    def __init__(self, work: Work) -> None:
        self._name = str(work.options.get("name", ""))
        self._before: list[str] = []
        print("what a peer writes is dropped")

    def run(self, prompt: Prompt, max_tokens: int) -> str:
        answer = f"{self._name}:{prompt.text}:{max_tokens} after {','.join(self._before[-1:])}"
        self._before.append(prompt.text)
        return answer

    def run_many(self, prompts: Sequence[Prompt], max_tokens: int) -> tuple[str, ...]:
        return tuple(self.run(prompt, max_tokens) for prompt in prompts)


class Refusing:
    def __init__(self, work: Work) -> None:
        raise ValueError("cannot load this file")


class Dying(Echo):
    def run(self, prompt: Prompt, max_tokens: int) -> str:
        os._exit(9)


class Raising(Echo):
    def run(self, prompt: Prompt, max_tokens: int) -> str:
        raise RuntimeError("no such grammar")


class Model(Echo):
    """Answers with the file that it was given."""

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self._file = work.model

    def run(self, prompt: Prompt, max_tokens: int) -> str:
        return self._file
