"""Files that are packed by hand around a program of a few lines, so that the launcher is tested without PyInstaller."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.binary.launcher import compile_launcher
from engine.binary.packing import Weights, pack
from engine.models.digest import compute
from engine.models.ollama_parameters import RecommendedParameters
from engine.models.progress import SILENT
from engine.models.single_file import PackedModel

# Single files are for Linux.
collect_ignore_glob = [] if sys.platform.startswith("linux") else ["test_*.py"]

PROGRAM = """#!/bin/sh
echo "$ENGINE_CARRIER|$ENGINE_CACHE_DIR"
for word; do echo "$word"; done
cat "$(dirname "$0")/data/text"
"""
MANIFEST = {"schema": {"target": "users:User", "document": False, "sha256": "0" * 64}, "model": None}

MakeFile = Callable[..., Path]


@pytest.fixture(scope="session")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("launcher")
    (folder / "source").mkdir()
    compile_launcher(folder / "launcher", folder / "source")
    return folder / "launcher"


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    """What a file unpacks: a program, files of several kinds, a folder without any, a link."""
    folder = tmp_path / "runtime"
    (folder / "data" / "none").mkdir(parents=True)
    (folder / "engine").write_text(PROGRAM)
    (folder / "engine").chmod(0o755)
    (folder / "data" / "text").write_text("unpacked\n")
    (folder / "data" / "empty").touch()
    (folder / "data" / "noise").write_bytes(os.urandom(50_000))
    (folder / "data" / "zeros").write_bytes(bytes(1_000_000))
    (folder / "data" / "link").symlink_to("text")
    return folder


@pytest.fixture
def make_file(tmp_path: Path, launcher: Path, runtime: Path) -> MakeFile:
    """A file around that runtime, with the model at `model` in it if there is one."""

    def make(name: str = "file", model: Path | None = None) -> Path:
        entry = PackedModel("tiny", compute(model), "chatml", RecommendedParameters(2048)).as_json() if model else None
        weights = Weights(model, compute(model)) if model else None
        target = tmp_path / name
        pack(target, launcher, runtime, MANIFEST | {"model": entry}, weights, SILENT)
        return target

    return make


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Start a file with these words and nothing in the environment but PATH, which the little program needs."""

    def start(file: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        given = {"PATH": os.environ["PATH"]} | environment
        return subprocess.run(
            [file, *words], env=given, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )

    return start
