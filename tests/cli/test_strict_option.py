"""Doubts about a schema are said on standard error, and refused by --strict."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.cli.application import engine_app

SCHEMA = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}}, "requierd": ["a"]}


@pytest.fixture
def schema(tmp_path: Path) -> str:
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(SCHEMA), "utf-8")
    return str(path)


@pytest.mark.parametrize("command", [["explain"], ["grammar"]])
def test_a_doubt_is_a_warning(command: list[str], schema: str) -> None:
    result = CliRunner().invoke(engine_app, [*command, schema])
    assert result.exit_code == 0
    assert result.stderr.count("engine: warning: schema at /requierd: 'requierd' is no keyword") == 1


@pytest.mark.parametrize("command", ["explain", "extract", "grammar", "evaluate", "batch", "build"])
def test_strict_refuses_it(command: str, schema: str, tmp_path: Path) -> None:
    labelled = tmp_path / "labelled.jsonl"
    labelled.write_text('{"id": "a", "text": "b", "answer": []}\n', "utf-8")
    if command == "build":
        pytest.importorskip("PyInstaller")
    out = str(tmp_path / "out")
    more = {"evaluate": [str(labelled)], "batch": [str(labelled), out], "build": ["--output", out]}
    result = CliRunner().invoke(engine_app, [command, schema, *more.get(command, []), "--strict"])
    assert "did you mean 'required'? (refused by --strict)" in result.stderr
    assert result.exit_code == 3


def test_a_list_of_tools_is_refused_with_the_place_of_the_schema(tmp_path: Path) -> None:
    path = tmp_path / "tools.json"
    path.write_text(json.dumps([{"name": "f", "parameters": SCHEMA}]), "utf-8")
    result = CliRunner().invoke(engine_app, ["explain", str(path)])
    assert (result.exit_code, "take the schema inside, at /0/parameters" in result.stderr) == (3, True)
