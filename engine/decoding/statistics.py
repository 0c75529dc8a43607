"""What a run cost: tokens, forward passes, and seconds by stage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

Stage = Literal["load", "prompt", "mask", "model", "sample"]


@dataclass(slots=True)
class Statistics:
    """Grows while a run goes on.

    `prompt_tokens` are all tokens of all prompts, `reused_tokens` those of them that did not have to be evaluated.
    `decoded_tokens` are the tokens of the output (without end tokens), `forced_tokens` those of them that were put
    there without asking the model. `drafted_tokens` were sent along to be verified, `kept_drafts` were right.
    `searched_tokens` were evaluated to compare whole values, `thought_tokens` stand in thoughts, with what ends them.
    `plan` is how llama.cpp is run on this machine.
    `rollbacks` counts how often guards left no way and decoding went back, `extra_passes` the choices of the model that this
    threw away. `seconds` has the time spent in each stage; the consumer's own time is in none of them.
    """

    documents: int = 0
    prompt_tokens: int = 0
    reused_tokens: int = 0
    decoded_tokens: int = 0
    forced_tokens: int = 0
    drafted_tokens: int = 0
    kept_drafts: int = 0
    forward_passes: int = 0
    rollbacks: int = 0
    extra_passes: int = 0
    searched_tokens: int = 0
    thought_tokens: int = 0
    plan: str = ""
    seconds: dict[Stage, float] = field(
        default_factory=lambda: {"load": 0.0, "prompt": 0.0, "mask": 0.0, "model": 0.0, "sample": 0.0}
    )

    @contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - start

    @property
    def tokens_per_second(self) -> float:
        """Tokens of output for each second of model, masks and choices, prompts included; 0 before the first."""
        spent = self.seconds["model"] + self.seconds["mask"] + self.seconds["sample"]
        return self.decoded_tokens / spent if spent else 0.0
