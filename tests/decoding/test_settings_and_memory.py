"""Settings that make no sense are refused, and memory is counted before it is taken."""

from __future__ import annotations

import pytest

from engine.decoding.cpu_cores import usable_cores
from engine.decoding.memory import RESERVE, CacheShape, available_memory, require_memory
from engine.decoding.settings import ModelSettings
from engine.decoding.statistics import Statistics
from engine.errors import NotEnoughMemory, UsageError


@pytest.mark.parametrize(
    "arguments",
    [
        {"n_ctx": 0},
        {"n_ctx": -5},
        {"threads": 0},
        {"gpu_layers": -2},
        {"kv_type": "f12"},
        {"sequences": 0},
        {"sequences": 1000},
        {"n_batch": 0},
    ],
)
def test_settings_that_make_no_sense_are_refused(arguments: dict[str, int]) -> None:
    (name,) = arguments
    with pytest.raises(UsageError, match=name):
        ModelSettings(**arguments)  # type: ignore[arg-type]


def test_settings_are_values() -> None:
    assert ModelSettings(n_ctx=99) == ModelSettings(n_ctx=99)
    assert len({ModelSettings(), ModelSettings(), ModelSettings(threads=2)}) == 2


def test_the_cache_of_mistral_7b_takes_128_kib_a_token() -> None:
    shape = CacheShape(layers=32, kv_heads=8, key=128, value=128)
    assert shape.bytes_per_token("f16") == 128 << 10
    assert shape.bytes_per_token("q8_0") == (128 << 10) * 34 // 64


def test_too_much_is_refused_with_both_amounts() -> None:
    with pytest.raises(NotEnoughMemory, match="n_ctx") as caught:
        require_memory(1000, 1000 + RESERVE - 1)
    assert (caught.value.needed, caught.value.available) == (1000 + RESERVE, 1000 + RESERVE - 1)
    require_memory(1000, 1000 + RESERVE)
    require_memory(1 << 60, None)


def test_this_machine_has_memory_and_cores() -> None:
    available = available_memory()
    assert available is None or available > 1 << 20
    assert usable_cores() >= 1


def test_seconds_are_counted_by_stage() -> None:
    statistics = Statistics()
    assert statistics.tokens_per_second == 0
    with statistics.stage("model"):
        pass
    statistics.decoded_tokens = 10
    assert statistics.seconds["model"] > 0
    assert statistics.tokens_per_second == 10 / statistics.seconds["model"]
