"""The measurement itself, on a tiny model; no time is asserted."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from engine.decoding import calibration
from engine.decoding.calibration import ROWS, calibrate, measure
from engine.decoding.llama import LlamaModel
from engine.decoding.settings import ModelSettings

SETTINGS = ModelSettings(n_ctx=256, threads=1)


def test_every_open_choice_is_measured_in_a_child(bpe_path: Path) -> None:
    found = calibrate(bpe_path, SETTINGS, seconds=60)
    assert [one.flash_attention for one in found] == [None, False]
    assert all(tuple(rows for rows, _ in one.rows) == ROWS for one in found)
    assert all(one.prompt > 0 and all(time > 0 for _, time in one.rows) for one in found)


def test_what_the_settings_decide_is_left_alone(bpe_path: Path) -> None:
    settings = ModelSettings(n_ctx=256, threads=1, flash_attention=False)
    model = LlamaModel(bpe_path, settings)
    assert [one.flash_attention for one in measure(model, settings, until=0)] == [False]


def test_without_time_only_the_least_is_measured(bpe_path: Path) -> None:
    model = LlamaModel(bpe_path, SETTINGS)
    found = measure(model, SETTINGS, until=0)
    assert [one.rows[0][0] for one in found] == [1, 1]
    assert all(len(one.rows) == 1 for one in found)


def test_fewer_threads_are_tried_on_an_idle_machine(bpe_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ModelSettings(n_ctx=256)
    monkeypatch.setattr(calibration, "usable_cores", lambda: 2)
    model = LlamaModel(bpe_path, settings)
    for busy, allowed in ((True, {2}), (False, {1, 2})):
        monkeypatch.setattr(calibration, "is_busy", lambda busy=busy: busy)
        assert {one.threads for one in measure(model, settings, until=time.perf_counter() + 5)} <= allowed


def test_a_model_that_cannot_be_measured_has_no_times(tmp_path: Path) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"GGUF")
    assert calibrate(tmp_path / "bad.gguf", SETTINGS, seconds=60) == ()
