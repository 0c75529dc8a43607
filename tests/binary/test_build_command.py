"""`engine build` as it is typed: what it refuses before anything is made, and what a failed build leaves."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.binary import builder, pyinstaller
from engine.binary.schema_source import SchemaSource
from engine.binary.smoke_test import smoke_test
from engine.cli import engine_app
from engine.errors import BuildFailed, DownloadFailed
from engine.models.progress import SILENT

MakeFile = Callable[..., Path]
NEVER = SchemaSource("name")


def test_model_and_no_model_exclude_each_other(tmp_path: Path) -> None:
    words = ["build", "name", "-o", str(tmp_path / "file"), "--no-model", "--model", "x.gguf"]
    done = CliRunner().invoke(engine_app, words)
    assert done.exit_code == 2
    assert "cannot be used together" in done.stderr


@pytest.mark.parametrize("output", ["", "absent/file"])
def test_output_must_be_a_file_in_a_folder(tmp_path: Path, output: str) -> None:
    done = CliRunner().invoke(engine_app, ["build", "name", "--no-model", "-o", str(tmp_path / output)])
    assert done.exit_code == 2
    assert "must be a file in a folder that exists" in done.stderr


def test_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.cli.build.find_spec", lambda name: None)
    done = CliRunner().invoke(engine_app, ["build", "name", "--no-model", "-o", str(tmp_path / "file")])
    assert done.exit_code == 2
    assert "pip install 'engine[build]'" in done.stderr


def test_help_has_an_example() -> None:
    assert "engine build models.py:Invoice" in CliRunner().invoke(engine_app, ["build", "--help"]).stdout


def test_failed_freezing_leaves_nothing_and_says_what_pyinstaller_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pyinstaller, "_options", lambda *_: ["--no-such-option"])
    (tmp_path / "file").write_text("the file of before")
    with pytest.raises(BuildFailed, match=r"PyInstaller said:[\s\S]*no-such-option"):
        builder.build_file(NEVER, str, tmp_path / "file", model=None, portable=False, progress=SILENT)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "the file of before"


def test_missing_compiler_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler -O2")
    with pytest.raises(BuildFailed, match="no C compiler 'no-such-compiler'"):
        builder.build_file(NEVER, str, tmp_path / "file", model=None, portable=False, progress=SILENT)


def test_compiler_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "cc -Werror -include no-such-header.h")
    with pytest.raises(BuildFailed, match=r"no-such-header\.h"):
        builder.build_file(NEVER, str, tmp_path / "file", model=None, portable=False, progress=SILENT)


def test_portable_build_is_refused_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_OFFLINE", "1")
    monkeypatch.setenv("ENGINE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    with pytest.raises(DownloadFailed, match="ENGINE_OFFLINE is set"):
        builder.build_file(NEVER, str, tmp_path / "file", model=None, portable=True, progress=SILENT)


def test_file_that_does_not_do_what_it_should_fails_its_trial(make_file: MakeFile) -> None:
    with pytest.raises(BuildFailed, match="it says that it holds"):
        smoke_test(make_file(), str, {"model": None})


def test_trial_leaves_nothing_behind(make_file: MakeFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    with pytest.raises(BuildFailed):
        smoke_test(make_file(), str, {"model": None})
    assert os.listdir(scratch) == []
