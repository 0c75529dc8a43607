"""Jobs on a model of random weights that answers at once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_jobs import NUMBER, SETTINGS, MakeJob, Start

from engine.jobs.job import Job
from engine.jobs.job_spec import JobSpec
from engine.jobs.source import open_source

ROOT = Path(__file__).parents[2]


@pytest.fixture
def make_job(bpe_path: Path, tmp_path: Path) -> MakeJob:
    """A job over a file; what is not named is what all these tests do."""

    def make(source: Path | str, output: Path | None = None, **options: Any) -> Job:
        named: dict[str, Any] = {
            "model": str(bpe_path),
            "mode": "one",
            "max_tokens": 30,
            "on_budget": "keep",
            "settings": SETTINGS,
        }
        kept = {name: options.pop(name) for name in list(options) if name in JobSpec.__dataclass_fields__}
        spec = JobSpec.of(options.pop("schema_of", NUMBER), **{**named, **kept})
        found = open_source(str(source), **options.pop("opened", {}))
        return Job(spec, found, output or tmp_path / "out.jsonl", **options)

    return make


@pytest.fixture
def start(bpe_path: Path) -> Iterator[Start]:
    """Start `engine batch` as a process of its own; what is left of it at the end of a test is cleared away."""
    started: list[subprocess.Popen[str]] = []

    def run(*words: str | Path, **options: Any) -> subprocess.Popen[str]:
        settings = [
            "--model",
            bpe_path,
            "--n-ctx",
            "512",
            "--threads",
            "1",
            "--max-tokens",
            "30",
            "--on-budget",
            "keep",
            "--one",
        ]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            [sys.executable, "-m", "engine", "batch", *map(str, words), *map(str, settings)],
            stdin=options.pop("stdin", subprocess.DEVNULL),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            **options,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
