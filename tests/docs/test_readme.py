"""The README says what is so, in a thousand words: its commands, its output, its tables."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.bench.example_texts import LINES
from engine.cli import engine_app

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def table(first: str) -> list[list[str]]:
    """The rows of the table whose first heading is `first`."""
    found = re.search(rf"^\| {re.escape(first)} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", README, re.MULTILINE)
    assert found is not None
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in found[1].splitlines()]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def help_of(*words: str) -> str:
    return CliRunner().invoke(engine_app, [*words, "--help"]).stdout


def test_first_command_runs_the_demo_and_second_runs_the_tests() -> None:
    commands = [line for line in README.splitlines() if line.startswith("pip install")]
    assert commands == ["pip install . && engine demo", "pip install '.[test]' && pytest"]


def test_output_of_the_demo_is_that_of_the_seven_lines() -> None:
    output = next(body for language, body in BLOCKS if language == "" and body.startswith("{"))
    users = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert [f"My name is {user['name']} and I am {user['age']} years old" for user in users] == list(LINES)


@pytest.mark.real_model
def test_python_example_prints_what_stands_below_it(real_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = next(index for index, (language, _) in enumerate(BLOCKS) if language == "python")
    monkeypatch.setenv("ENGINE_MODEL", str(real_path))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(BLOCKS[at][1], {"__name__": "example"})
    assert printed.getvalue() == BLOCKS[at + 1][1]


def test_every_command_line_exists_with_its_options() -> None:
    lines = [line for language, body in BLOCKS if language == "sh" for line in body.splitlines()]
    commands = [shlex.split(line)[1:] for line in lines if line.startswith("engine ")]
    assert len(commands) == 6
    for command, *words in commands:
        place = [command, words[0]] if command in ("models", "bench") else [command]
        described = help_of(*place)
        assert described, place
        for option in (word for word in words if word.startswith("--")):
            assert re.search(rf"{option}\b", described), (place, option)


def test_it_is_read_in_five_minutes() -> None:
    assert len(README.split()) <= 1000


def test_folders_are_those_of_the_package() -> None:
    named = {folder for row in table("folder") for folder in quoted(row[0])}
    there = {f"engine/{path.parent.name}/" for path in (ROOT / "engine").glob("*/__init__.py")}
    assert named == there


def test_the_numbers_are_those_of_the_benchmarks() -> None:
    benchmarks = (ROOT / "engine" / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    found = re.search(r"^## Numbers\n(.*?)^## ", README, re.MULTILINE | re.DOTALL)
    assert found is not None
    numbers = re.findall(r"^\|[^|]+\| ([\d.]+)", found[1], re.MULTILINE)
    assert len(numbers) == 4
    assert [number for number in numbers if not re.search(rf"(?<![\d.]){re.escape(number)}(?![\d])", benchmarks)] == []
