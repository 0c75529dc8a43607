"""`engine extract`: JSON lines on standard output and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel
from rich.console import Console
from typer.testing import Result

from engine.cli.output import LiveTable
from engine.extraction.extraction import Extracted

Engine = Callable[..., Result]
ONE = ["--min-items", "1", "--max-items", "1"]


def test_one_json_object_a_line(engine: Engine, small: list[str]) -> None:
    result = engine("extract", "kind here, n 7|8", "--lines", *small, *ONE, stdin="a\n\nb\n")
    assert result.exit_code == 2  # a choice of one text is no type
    result = engine("extract", "kind here|hier, n 7|8?", "--lines", *small, *ONE, stdin="a\n\nb\n")
    assert result.exit_code == 0, result.stderr
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [set(row) for row in rows] == [{"kind", "n"}] * 2
    assert all(row["kind"] in ("here", "hier") and row["n"] in ("7", "8", None) for row in rows)
    assert result.stderr == ""


SHAPES = """
from typing import Literal
from pydantic import BaseModel, Field, computed_field

class Shape(BaseModel):
    kind: Literal["ü"] = Field(alias="der Name")

    @computed_field
    @property
    def sides(self) -> int:
        return 3
"""


def test_values_of_the_model_are_written_not_those_of_the_text(
    engine: Engine, small: list[str], tmp_path: Path
) -> None:
    (tmp_path / "shapes_of_test.py").write_text(SHAPES, encoding="utf-8")
    schema = f"{tmp_path}/shapes_of_test.py:Shape"
    result = engine("extract", schema, *small, "--one", "--detailed", stdin="a text")
    (row,) = map(json.loads, result.stdout.splitlines())
    value = {"der Name": "ü", "sides": 3}
    assert row == {"document": 0, "source": "-", "value": value, "text": '{"der Name": "ü"}', "cut": []}


def test_what_the_budget_changed_is_told(engine: Engine, small: list[str], tmp_path: Path) -> None:
    """A string that must have 30 characters and wants more; the random model never ends it by itself in time."""
    schema = {"type": "object", "properties": {"a/b": {"type": "string", "minLength": 30}}, "required": ["a/b"]}
    (tmp_path / "s.json").write_text(json.dumps(schema | {"additionalProperties": False}), encoding="utf-8")
    tight = ["--max-tokens", "45", "--max-value-tokens", "45", "--temperature", "1.5", "--seed", "1"]
    result = engine("extract", tmp_path / "s.json", *small, *tight, "--one", "--detailed", stdin="x")
    assert json.loads(result.stdout)["cut"] == ["/a~1b"]
    assert result.stderr == "-: --max-tokens was reached, which changed /a~1b\n"


def test_json_schema_in_any_style_is_still_one_line_each(engine: Engine, small: list[str], tmp_path: Path) -> None:
    schema = {"type": "array", "items": {"const": "ü"}, "minItems": 3, "maxItems": 3}
    (tmp_path / "s.json").write_text(json.dumps(schema), encoding="utf-8")
    hot = ["--style", "any", "--temperature", "2", "--seed", "5"]
    result = engine("extract", tmp_path / "s.json", *small, "--one", *hot, stdin="x")
    assert [json.loads(line) for line in result.stdout.splitlines()] == [["ü", "ü", "ü"]]


def test_documents_that_fail_are_named_and_the_others_printed(engine: Engine, small: list[str], tmp_path: Path) -> None:
    (tmp_path / "long").write_text("x " * 3000, encoding="utf-8")
    (tmp_path / "odd").write_bytes(b"\xff\xfe")
    (tmp_path / "good").write_text("a text", encoding="utf-8")
    files = [tmp_path / name for name in ("long", "odd", "good")]
    result = engine("extract", "kind a|b", *files, *small, *ONE)
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 1
    assert f"{tmp_path / 'long'}: document 0: 6093 tokens of prompt, 60 of output" in result.stderr
    assert f"{tmp_path / 'odd'}: not UTF-8 at byte 0" in result.stderr
    collected = engine("extract", "kind a|b", *files, *small, *ONE, "--collect-errors")
    assert collected.exit_code == 0
    assert collected.stdout == result.stdout
    assert f"{tmp_path / 'odd'}: not UTF-8 at byte 0" in collected.stderr


def test_only_document_that_fails_decides_the_code(engine: Engine, small: list[str]) -> None:
    assert engine("extract", "kind a|b", *small, stdin="x " * 3000).exit_code == 5


def test_output_that_was_closed_early_is_told(engine: Engine, small: list[str]) -> None:
    short = ["--max-tokens", "16", "--min-items", "1", "--temperature", "1.5", "--seed", "1"]
    result = engine("extract", "name", *small, *short, stdin="x")
    assert result.exit_code == 0
    assert "-: --max-tokens was reached" in result.stderr
    assert all(json.loads(line) for line in result.stdout.splitlines())


def test_figures_go_to_standard_error(engine: Engine, small: list[str]) -> None:
    result = engine("extract", "kind a|b", *small, *ONE, "--stats", stdin="x")
    assert len(result.stdout.splitlines()) == 1
    assert "1 document, 1 object, " in result.stderr
    assert "forced" in result.stderr


def test_prompt_is_shown_with_examples_and_instructions(engine: Engine, small: list[str], tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_text('{"text": "Ana!", "answer": [{"name": "Ana"}]}\n\n', encoding="utf-8")
    words = ["--show-prompt", "--instructions", "Only people.", "--examples", tmp_path / "e.jsonl"]
    result = engine("extract", "name: of a person", *small, *words, stdin="Eve?")
    assert result.exit_code == 0
    places = [result.stdout.index(part) for part in ("of a person", "Only people.", "Ana!", '{"name": "Ana"}', "Eve?")]
    assert places == sorted(places)


@pytest.mark.parametrize("line", ["{", "[]", '{"text": "a"}', '{"text": 1, "answer": []}', "\udcff"])
def test_examples_that_are_none_are_refused_with_their_place(line: str, engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    path.write_text(line, encoding="utf-8", errors="surrogateescape")
    result = engine("extract", "name", "--examples", path, stdin="x")
    assert result.exit_code == 2
    assert str(path) in result.stderr


def test_example_that_the_type_does_not_take_is_refused_with_its_line(
    engine: Engine, small: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "e.jsonl"
    path.write_text('{"text": "a", "answer": []}\n\n{"text": "b", "answer": [{"age": "old"}]}\n', encoding="utf-8")
    result = engine("extract", "age int", "--examples", path, *small, stdin="x")
    assert result.exit_code == 2
    assert f"{path}, line 3: example 1: the answer at /0/age: " in result.stderr


class Row(BaseModel):
    name: str
    tags: list[str] | None


def test_table_shows_rows_as_they_come_and_no_control_characters() -> None:
    console = Console(width=60, height=20, force_terminal=False, record=True)
    with LiveTable(console) as table:
        table.write(Extracted(Row(name="Jörg [bold]x[/]", tags=["a"]), 0, ""), "-")
        table.write(Extracted(Row(name="\x1b]0;owned\x07\n", tags=None), 1, ""), "-")
        table.write(Extracted(7, 2, ""), "-")
    text = console.export_text()
    assert "Jörg [bold]x[/]" in text
    assert '["a"]' in text
    assert "\\x1b]0;owned\\x07\\n" in text
    assert "\x1b]0" not in text
    assert "value" in text


def test_table_without_a_terminal_is_printed_once(engine: Engine, small: list[str]) -> None:
    result = engine("extract", "kind a|b", *small, *ONE, "--lines", "--table", stdin="x\ny\n")
    assert result.exit_code == 0
    assert result.stdout.count("kind") == 1
