"""`engine models` as it is typed."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from engine.cli.models import DownloadBar, models_app
from engine.errors import ModelNotFound
from engine.models import resolve
from engine.models.environment import user_models_file

MakeGguf = Callable[..., bytes]


@pytest.fixture
def known(make_gguf: MakeGguf, tmp_path: Path) -> Path:
    user_models_file().parent.mkdir(parents=True)
    user_models_file().write_text("known hf:me/models k.gguf - - MIT gemma\n", encoding="utf-8")
    path = tmp_path / "models" / "known" / "k.gguf"
    path.parent.mkdir(parents=True)
    path.write_bytes(make_gguf())
    return path


def test_list_shows_each_model_and_whether_it_is_here(known: Path) -> None:
    result = CliRunner().invoke(models_app, ["list"])
    rows = {line.split()[0]: line.split() for line in result.stdout.splitlines()}
    assert result.exit_code == 0
    assert rows["known"][1:] == ["yes", "-", "MIT", "gemma", "me/models", "(model", "hub)"]
    assert rows["smollm2-135m-instruct"][1:4] == ["no", "98.4", "MB"]
    assert str(user_models_file()) in result.stderr


def test_pull_prints_the_path_alone_on_standard_output(known: Path) -> None:
    result = CliRunner().invoke(models_app, ["pull", "known"])
    assert result.exit_code == 0
    assert result.stdout == f"{known}\n"
    assert "as recorded at the first download" in result.stderr


def test_verify_without_a_name_takes_every_model_that_is_here(known: Path, make_gguf: MakeGguf) -> None:
    assert CliRunner().invoke(models_app, ["verify"]).stdout == f"{known}\n"
    known.write_bytes(make_gguf(template="other"))
    result = CliRunner().invoke(models_app, ["verify"])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "delete it and fetch it again" in result.stderr


def test_verify_with_nothing_here_says_so() -> None:
    result = CliRunner().invoke(models_app, ["verify"])
    assert result.exit_code == 0
    assert "no model is on this disk" in result.stderr


def test_verify_of_one_that_is_not_here_is_a_typed_error() -> None:
    result = CliRunner().invoke(models_app, ["verify", "smollm2-135m-instruct"])
    assert isinstance(result.exception, ModelNotFound)
    assert "engine models pull smollm2-135m-instruct" in str(result.exception)


@pytest.mark.parametrize("command", ["list", "pull", "verify"])
def test_help_has_an_example(command: str) -> None:
    result = CliRunner().invoke(models_app, [command, "--help"])
    assert f"engine models {command}" in result.stdout


@pytest.mark.parametrize("terminal", [True, False])
def test_bar_tells_what_and_how_large(known: Path, terminal: bool) -> None:
    screen = io.StringIO()
    bar = DownloadBar(Console(file=screen, force_terminal=terminal, width=120))
    resolve("known", progress=bar)
    assert "checking the sha256 of k.gguf" in screen.getvalue()
    assert "kB" in screen.getvalue() or "MB" in screen.getvalue()
