"""The command line as it is typed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from engine.cli import engine_app

Engine = Callable[..., Result]


@pytest.fixture
def engine() -> Engine:
    """Run a command in this process; `stdin` is what it reads."""

    def run(*words: str | Path, stdin: str | bytes = "") -> Result:
        result = CliRunner().invoke(engine_app, [str(word) for word in words], input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def small(bpe_path: Path) -> list[str]:
    """Options for a model that answers at once."""
    return ["--model", str(bpe_path), "--n-ctx", "2048", "--threads", "1", "--max-tokens", "60"]
