"""How a model is loaded and what one context of it can hold.

Models are shared between all users of equal settings, so the settings are a frozen, hashable value. What is not valid
is refused here, before anything is allocated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date as Date
from types import MappingProxyType
from typing import Any

from engine.argument_rules import FLAG, TEXT, OneOf, Optional, Refused, Rule, Whole, check_fields

# Bytes of one element of the KV cache, by the name of its type.
KV_TYPES = MappingProxyType(
    {"f32": 4.0, "f16": 2.0, "bf16": 2.0}
    | {"q8_0": 34 / 32, "q5_1": 24 / 32, "q5_0": 22 / 32, "q4_1": 20 / 32, "q4_0": 18 / 32}
)
# Types of weights that llama.cpp makes without a calibration text, nearest to the original first.
WEIGHT_TYPES = ("Q8_0", "Q6_K", "Q5_K_M", "Q5_1", "Q5_0", "Q4_K_M", "Q4_1", "IQ4_NL", "Q4_0", "BF16", "F16")
MAX_SEQUENCES = 64
# Documents at once where nothing was measured.
SEQUENCES = 4
# As many as pay are at most so many; a row of a pass costs nearly the same from some number on.
_MOST_SEQUENCES = 16
_TOKENS_OF_DOCUMENT = 512
MAX_THREADS = 512


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """`n_ctx` tokens are shared by the prompt's prefix and all documents that are decoded at once.

    `threads`: None uses the physical cores that this process may run on. `gpu_layers`: -1 is all; None is
    all that fit, where llama.cpp was built for a GPU. `kv_type`: one of
    `KV_TYPES`; others than f16 change what the model says. `sequences`: how many documents one context decodes at once; None is
    as many as pay on this machine. `n_batch`: how many tokens one pass takes. `extra_buffers` (the weights in the layouts of
    special kernels, AMX among them) and `flash_attention`: None takes what was found to run on this machine, and to run best;
    with `calibrated` False no speed is measured, so that all machines do the same. `verbose` lets llama.cpp write its log to
    stderr.

    `chat_format` goes before the template of the model file: a name of `CHAT_FORMATS`, a file that ends in .jinja, or the Jinja
    text itself. `date` (YYYY-MM-DD) is what templates write that write a date; None is today. `think`: most
    tokens of a thought before each answer, for models that think.
    """

    n_ctx: int = 4096
    threads: int | None = None
    gpu_layers: int | None = None
    kv_type: str = "f16"
    sequences: int | None = None
    n_batch: int = 512
    extra_buffers: bool | None = None
    flash_attention: bool | None = None
    calibrated: bool = True
    verbose: bool = False
    chat_format: str | None = None
    date: str | None = None
    think: int = 0

    def __post_init__(self) -> None:
        check_fields(self, _RULES)

    @property
    def most_sequences(self) -> int:
        """How many documents one context decodes at once at the most; a document takes some hundred tokens of it."""
        return self.sequences or min(_MOST_SEQUENCES, max(1, self.n_ctx // _TOKENS_OF_DOCUMENT))

    @property
    def loading(self) -> ModelSettings:
        """The same without what concerns prompts only: models are shared by all whose loading is equal."""
        return replace(self, chat_format=None, date=None, think=0)


@dataclass(frozen=True, slots=True)
class _Day:
    """A day as ISO 8601 writes it."""

    allowed = "a day as in 2025-01-31"

    def read(self, value: Any) -> str:
        try:
            if isinstance(value, str) and Date.fromisoformat(value).isoformat() == value:
                return value
        except ValueError:
            pass
        raise Refused


_LARGEST = 2**31 - 1
_RULES: dict[str, Rule] = {
    "n_ctx": Whole(16, _LARGEST),
    "threads": Optional(Whole(1, MAX_THREADS), "the physical cores that this process may use"),
    "gpu_layers": Optional(Whole(-1, _LARGEST), "all that fit"),  # -1 is all
    "kv_type": OneOf(tuple(KV_TYPES)),
    "sequences": Optional(Whole(1, MAX_SEQUENCES), "as many as pay on this machine"),
    "n_batch": Whole(1, _LARGEST),
    "extra_buffers": Optional(FLAG, "what runs on this machine"),
    "flash_attention": Optional(FLAG, "what runs on this machine"),
    "calibrated": FLAG,
    "verbose": FLAG,
    "chat_format": Optional(TEXT, "the template of the model file"),
    "date": Optional(_Day(), "today"),
    "think": Whole(0, _LARGEST),
}
