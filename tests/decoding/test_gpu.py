"""How many layers go to a GPU, on machines that are made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.decoding import gpu, loaded_model
from engine.decoding.gpu import ALL_LAYERS, layers_on_gpu, layers_that_fit
from engine.decoding.loaded_model import load_model, plan_of
from engine.decoding.settings import ModelSettings

GIB = 1 << 30


@pytest.fixture(autouse=True)
def _forget() -> None:
    gpu._fitting.cache_clear()


@pytest.mark.parametrize(
    ("free", "expected"),
    [(0, 0), (GIB // 4, 0), (GIB, 4), (3 * GIB, 20), (5 * GIB, ALL_LAYERS), (80 * GIB, ALL_LAYERS)],
)
def test_as_many_layers_as_fit(free: int, expected: int) -> None:
    assert layers_that_fit(4 * GIB, 32, free) == expected


@pytest.mark.parametrize(("free", "expected"), [(None, ALL_LAYERS), (0, 0), (8 * GIB, ALL_LAYERS), (1 << 20, 0)])
def test_the_gpu_is_taken_where_there_is_one(
    free: int | None, expected: int, bpe_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "gpu_memory", lambda: free)
    assert layers_on_gpu(bpe_path, ModelSettings()) == expected
    assert layers_on_gpu(bpe_path, ModelSettings(gpu_layers=7)) == 7
    assert layers_on_gpu(bpe_path, ModelSettings(calibrated=False)) == 0


def test_what_this_process_has_loaded_changes_nothing(bpe_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "gpu_memory", lambda: 8 * GIB)
    assert layers_on_gpu(bpe_path, ModelSettings()) == ALL_LAYERS
    monkeypatch.setattr(gpu, "gpu_memory", lambda: 1)
    assert layers_on_gpu(bpe_path, ModelSettings()) == ALL_LAYERS


@pytest.mark.parametrize(("layers", "said"), [(ALL_LAYERS, "all layers on the GPU"), (12, "12 layers on the GPU")])
def test_the_plan_says_so(layers: int, said: str, bpe_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaded_model, "offloads_to_gpu", lambda: True)
    monkeypatch.setattr(loaded_model, "layers_on_gpu", lambda *_: layers)
    choice = plan_of(bpe_path, ModelSettings())
    assert said in str(choice)
    assert choice.plan.applied(ModelSettings()).gpu_layers == layers
    assert choice.plan.applied(ModelSettings(gpu_layers=3)).gpu_layers == 3


def test_layers_that_are_asked_for_in_vain_are_said(bpe_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaded_model, "offloads_to_gpu", lambda: False)
    told: list[str] = []
    assert "GPU" not in load_model(bpe_path, ModelSettings(n_ctx=64, gpu_layers=5), tell=told.append).plan
    assert "built without a GPU" in told[0]
