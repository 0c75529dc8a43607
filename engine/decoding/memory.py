"""How much memory a model and its context need, and how much there is.

The estimate comes from the file's size and its metadata, before anything is allocated. It covers the weights, the KV
cache and the buffer of logits; llama.cpp's other buffers are within the reserve.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from engine.decoding.settings import KV_TYPES
from engine.errors import NotEnoughMemory

# Compute buffers, the interpreter and what else the process is about to need.
RESERVE = 64 << 20
_HINT = "Take a smaller model or quantisation, lower n_ctx, or set kv_type to q8_0."


@dataclass(frozen=True, slots=True)
class CacheShape:
    """What decides the size of a KV cache: `key` and `value` are the lengths of one head's vectors."""

    layers: int
    kv_heads: int
    key: int
    value: int

    def bytes_per_token(self, kv_type: str) -> int:
        return int(self.layers * self.kv_heads * (self.key + self.value) * KV_TYPES[kv_type])


def require_memory(needed: int, available: int | None) -> None:
    """`NotEnoughMemory` where `needed` and the reserve exceed what is there; an unknown amount passes."""
    if available is not None and needed + RESERVE > available:
        raise NotEnoughMemory(needed + RESERVE, available, _HINT)


def available_memory() -> int | None:
    """Bytes that can be allocated without swapping, within the limits of the control group; None where unknown."""
    amounts = [amount for amount in (_machine_memory(), _group_memory()) if amount is not None]
    return min(amounts, default=None)


def _machine_memory() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    except OSError:
        pass
    try:
        # Not what is free but what is there: better than nothing on systems without /proc.
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _group_memory() -> int | None:
    for folder, limit, used in (
        ("/sys/fs/cgroup", "memory.max", "memory.current"),
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        try:
            bound = int(Path(folder, limit).read_text("ascii"))
            # Pages of files are given back under pressure, so they do not count as used.
            cached = _cached(Path(folder, "memory.stat"))
            return max(0, bound - int(Path(folder, used).read_text("ascii")) + cached)
        except (OSError, ValueError):  # no such group, or "max"
            continue
    return None


def _cached(statistics: Path) -> int:
    fields = dict(line.split() for line in statistics.read_text("ascii").splitlines())
    return int(fields.get("inactive_file", 0)) + int(fields.get("active_file", 0))
