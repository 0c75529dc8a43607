"""GPU: how many layers of a model go there where nobody says.

All of them where llama.cpp was built for a GPU that has room for the weights, the cache and what a pass needs; else as many as
fit.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from engine.decoding.llama import LlamaModel, gpu_memory
from engine.decoding.memory import CacheShape
from engine.decoding.settings import ModelSettings
from engine.models.parts import model_size

ALL_LAYERS = -1
# For the buffers of a pass, and for what else uses the GPU.
_RESERVE = 512 << 20
# What is free there changes all the time; a number that changes with it would make each run a new case to try and measure.
_STEP = 4


def layers_on_gpu(path: Path, settings: ModelSettings) -> int:
    """The layers that go to the GPU, `ALL_LAYERS` for all; 0 where there is none, or where all machines are to do the same."""
    if settings.gpu_layers is not None:
        return settings.gpu_layers
    if not settings.calibrated:
        return 0
    status = path.stat()
    return _fitting(path, status.st_size, status.st_mtime_ns, settings.n_ctx, settings.kv_type)


@lru_cache(maxsize=64)  # for this process: what it has loaded itself must not count against the next call
def _fitting(path: Path, size: int, changed: int, n_ctx: int, kv_type: str) -> int:
    free = gpu_memory()
    if free is None:
        return ALL_LAYERS
    if not free:
        return 0
    shape = _shape(LlamaModel(path, ModelSettings(gpu_layers=0), vocab_only=True))
    return layers_that_fit(model_size(path) + n_ctx * shape.bytes_per_token(kv_type), shape.layers, free)


def _shape(model: LlamaModel) -> CacheShape:
    """The shape of the cache by the file's metadata, without the weights being loaded."""
    architecture = model.metadata("general.architecture")

    def number(name: str, otherwise: int) -> int:
        found = model.metadata(f"{architecture}.{name}")
        return int(found) if found and found.isdigit() else otherwise

    heads = number("attention.head_count", 1)
    head = number("embedding_length", 0) // heads
    kv_heads, key = number("attention.head_count_kv", heads), number("attention.key_length", head)
    return CacheShape(number("block_count", 1), kv_heads, key, number("attention.value_length", key))


def layers_that_fit(size: int, layers: int, free: int) -> int:
    """How many of `layers` layers, which with the output take `size` bytes, fit into `free` bytes."""
    fitting = int(max(0, free - _RESERVE) * (layers + 1) / size)
    return ALL_LAYERS if fitting > layers else fitting // _STEP * _STEP
