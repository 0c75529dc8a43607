"""How a model is loaded and what one context of it can hold.

Models are shared between all users of equal settings, so the settings are a frozen, hashable value. What makes no
sense is refused here, before anything is allocated.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from engine.errors import UsageError

# Bytes of one element of the KV cache, by the name of its type.
KV_TYPES = MappingProxyType(
    {"f32": 4.0, "f16": 2.0, "bf16": 2.0}
    | {"q8_0": 34 / 32, "q5_1": 24 / 32, "q5_0": 22 / 32, "q4_1": 20 / 32, "q4_0": 18 / 32}
)
MAX_SEQUENCES = 64
MAX_THREADS = 512


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """`n_ctx` tokens are shared by the prompt's prefix and all documents that are decoded at once.

    `threads`: None uses the physical cores that this process may run on. `gpu_layers`: -1 is all. `kv_type`: one of
    `KV_TYPES`. `sequences`: how many documents one context decodes at once; on a CPU a pass of 4 rows costs 2.3 times
    one of a single row and one of 8 rows 4 times, so more than 4 gain nothing there. `n_batch`: how many tokens one
    pass takes. `verbose` lets llama.cpp write its log to stderr.
    """

    n_ctx: int = 4096
    threads: int | None = None
    gpu_layers: int = 0
    kv_type: str = "f16"
    sequences: int = 4
    n_batch: int = 512
    verbose: bool = False

    def __post_init__(self) -> None:
        if self.n_ctx < 16:
            raise UsageError(f"n_ctx must be at least 16, not {self.n_ctx}")
        numbers = (
            self.n_ctx,
            self.gpu_layers,
            self.sequences,
            self.n_batch,
            1 if self.threads is None else self.threads,
        )
        if not all(isinstance(number, int) and abs(number) < 2**31 for number in numbers):
            raise UsageError("n_ctx, threads, gpu_layers, sequences and n_batch must be whole numbers below 2 ** 31")
        if self.threads is not None and not 1 <= self.threads <= MAX_THREADS:
            raise UsageError(f"threads must be between 1 and {MAX_THREADS}, not {self.threads}")
        if self.gpu_layers < -1:
            raise UsageError(f"gpu_layers must be -1 (all) or a count, not {self.gpu_layers}")
        if self.kv_type not in KV_TYPES:
            raise UsageError(f"kv_type must be one of {', '.join(KV_TYPES)}, not {self.kv_type!r}")
        if not 1 <= self.sequences <= MAX_SEQUENCES:
            raise UsageError(f"sequences must be between 1 and {MAX_SEQUENCES}, not {self.sequences}")
        if self.n_batch < 1:
            raise UsageError(f"n_batch must be at least 1, not {self.n_batch}")
