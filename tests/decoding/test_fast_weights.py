"""When other weights are faster, who hears of it, and for which model they are made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.decoding import fast_weights
from engine.decoding.child import ChildFailed
from engine.decoding.fast_weights import default_weights, measured_gain
from engine.decoding.loaded_model import load_model
from engine.decoding.pass_times import PassTimes
from engine.decoding.requantize import requantize
from engine.decoding.settings import ModelSettings
from engine.decoding.weights_gain import WeightsGain, known_gain
from engine.models import ModelFile, resolve, sha256_of
from engine.models.environment import DEFAULT_MODEL

SETTINGS = ModelSettings(n_ctx=256, threads=1, sequences=1)
SLOW = PassTimes(None, 1, ((1, 10.0),), 3.0)
FAST = PassTimes(None, 1, ((1, 10.0),), 1.5)


@pytest.fixture(autouse=True)
def _own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENGINE_PROBE")
    monkeypatch.setenv("ENGINE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("ENGINE_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def default(bpe_path: Path) -> ModelFile:
    """A tiny model under the name of the default one."""
    return replace(resolve(bpe_path), name=DEFAULT_MODEL, sha256=sha256_of(bpe_path))


def gains(monkeypatch: pytest.MonkeyPatch, now: PassTimes, fast: PassTimes) -> None:
    monkeypatch.setattr(fast_weights, "measured_gain", lambda *_: WeightsGain(now, fast, 1))


def test_a_gain_is_measured_once_and_known_from_then_on(bpe_path: Path, tmp_path: Path) -> None:
    small = requantize(resolve(bpe_path), "Q5_0").path
    told: list[str] = []
    assert known_gain(small, SETTINGS) is None
    found = measured_gain(small, SETTINGS, told.append)
    assert found is not None
    assert found.size > small.stat().st_size
    assert known_gain(small, SETTINGS) == found == measured_gain(small, SETTINGS, told.append)
    assert len(told) == 1


def test_a_large_model_is_measured_by_some_layers(bpe_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = requantize(resolve(bpe_path), "Q5_0").path
    monkeypatch.setattr(fast_weights, "_WHOLE", 0)
    found = measured_gain(small, SETTINGS, lambda _: None)
    assert found is not None
    assert found.size > small.stat().st_size


def test_what_cannot_be_measured_or_kept_is_not_tried_each_time(
    bpe_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def fail(*_: object, **__: object) -> None:
        raise ChildFailed("died with SIGSEGV")

    with monkeypatch.context() as patch:
        patch.setattr(fast_weights, "ask_child", fail)
        assert measured_gain(bpe_path, SETTINGS, told.append) is None
    assert measured_gain(bpe_path, SETTINGS, told.append) is None
    assert len(told) == 1
    monkeypatch.setenv("ENGINE_CACHE_DIR", str(tmp_path / "file"))
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert measured_gain(bpe_path, SETTINGS, told.append) is None
    assert len(told) == 1


def test_fast_weights_have_nothing_to_gain(bpe_path: Path) -> None:
    fast = requantize(resolve(bpe_path), "Q8_0").path
    assert measured_gain(fast, SETTINGS, lambda _: None) is None


def test_the_plan_of_a_run_gives_the_advice_where_it_was_measured(
    bpe_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "faster with" not in load_model(bpe_path, SETTINGS).plan
    monkeypatch.setattr("engine.decoding.loaded_model.known_gain", lambda *_: WeightsGain(SLOW, FAST, 145 * 10**6))
    advice = f"prompts 2.0 × faster with Q8_0 weights (145 MB): `engine models requantize {bpe_path}`"
    assert load_model(bpe_path, SETTINGS).plan.endswith(advice)


def test_the_default_model_is_made_so_where_that_pays(default: ModelFile, monkeypatch: pytest.MonkeyPatch) -> None:
    gains(monkeypatch, SLOW, FAST)
    told: list[str] = []
    assert default_weights(default, SETTINGS, told.append, make=False) is default
    found = default_weights(default, SETTINGS, told.append)
    assert found.name == f"{DEFAULT_MODEL}-q8_0"
    assert found.sha256 == sha256_of(found.path) != default.sha256
    assert len(told) == 1
    assert default_weights(default, SETTINGS, told.append) == found
    assert default_weights(default, SETTINGS, told.append, make=False) == found
    assert len(told) == 1


def test_where_it_does_not_pay_or_is_not_wanted_the_model_stays(
    default: ModelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    gains(monkeypatch, SLOW, replace(SLOW, prompt=2.9))
    assert default_weights(default, SETTINGS, lambda _: None) is default
    gains(monkeypatch, SLOW, FAST)
    assert default_weights(default, replace(SETTINGS, calibrated=False), lambda _: None) is default
    assert default_weights(replace(default, name="mine"), SETTINGS, lambda _: None).name == "mine"
    monkeypatch.setenv("ENGINE_PROBE", "off")
    assert default_weights(default, SETTINGS, lambda _: None) is default


def test_a_folder_that_cannot_be_written_to_changes_nothing(
    default: ModelFile, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gains(monkeypatch, SLOW, FAST)
    (tmp_path / "models").write_text("", encoding="utf-8")
    told: list[str] = []
    assert default_weights(default, SETTINGS, told.append) is default
    assert "used as it is" in told[-1]
