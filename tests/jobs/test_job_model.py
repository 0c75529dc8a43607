"""Which model a job decodes with where none was named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.decoding.requantize import requantize
from engine.decoding.settings import ModelSettings
from engine.jobs import job_spec
from engine.jobs.job_spec import JobSpec, model_fingerprint
from engine.models import resolve, sha256_of
from engine.models.environment import DEFAULT_MODEL

SPEC = JobSpec.of({"type": "object"})
FAST = f"{DEFAULT_MODEL}-q8_0"


@pytest.fixture(autouse=True)
def _fast_weights(bpe_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default model is a tiny one, and there are fast weights of it."""
    monkeypatch.delenv("ENGINE_MODEL", raising=False)
    tiny = replace(resolve(bpe_path), name=DEFAULT_MODEL)
    monkeypatch.setattr(job_spec, "resolve", lambda *_, **__: tiny)
    monkeypatch.setattr(job_spec, "default_weights", lambda file, *_: replace(file, name=FAST))


def test_a_new_job_takes_the_fast_weights_of_the_default_model() -> None:
    assert SPEC.with_model(None, here=True).model == FAST


@pytest.mark.parametrize(("begun", "expected"), [(None, DEFAULT_MODEL), (FAST, FAST), ("mine", "mine")])
def test_a_job_goes_on_with_the_model_that_it_began_with(begun: str | None, expected: str) -> None:
    known: dict[str, Any] = replace(SPEC, model=begun).as_json()
    assert SPEC.with_model(known, here=True).model == expected


def test_machines_that_differ_take_the_model_as_it_is() -> None:
    assert SPEC.with_model(None, here=False).model == DEFAULT_MODEL
    settings = ModelSettings(sequences=1, threads=1)
    assert replace(SPEC, deterministic=True, settings=settings).with_model(None, here=True).model == DEFAULT_MODEL


def test_a_named_model_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    assert replace(SPEC, model="mine").with_model(None, here=True).model == "mine"
    monkeypatch.setenv("ENGINE_MODEL", "mine")
    assert SPEC.with_model(None, here=True).model is None


def test_the_fingerprint_names_the_origin(bpe_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    line = requantize(resolve(bpe_path), "Q8_0")
    facts = model_fingerprint(resolve(line.name))
    assert (facts["model sha256"], facts["model made from"]) == (line.sha256, sha256_of(bpe_path))
    assert "model made from" not in model_fingerprint(resolve(bpe_path))
