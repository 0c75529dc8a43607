"""Work: what every peer is given, and what it answers with.

All get the same GGUF file, the same threads, the same JSON Schema, and prompts that are rendered already, so that no chat
template of their own makes them longer. Decoding is greedy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Work:
    """`schema` is JSON Schema; `options` are the settings that tell the variants of one peer apart."""

    model: str
    threads: int
    schema: dict[str, Any]
    n_ctx: int = 4096
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A rendered prompt, with the text that it asks about: ours renders the same prompt from the text."""

    rendered: str
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """`seconds` from the call to the last byte of all outputs; the outputs in the order of the prompts."""

    seconds: float
    outputs: tuple[str, ...]


class Peer(Protocol):
    """Made from a `Work`: loading and compiling happen there, and are not in the seconds of a run."""

    version: str

    def run(self, prompt: Prompt, max_tokens: int) -> str:
        """Decode one prompt, at most `max_tokens` tokens; an output that is not complete by then is cut."""

    def run_many(self, prompts: Sequence[Prompt], max_tokens: int) -> tuple[str, ...]:
        """Decode all of them, several at once where the peer can."""
