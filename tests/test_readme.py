"""The README says what is so: its commands, its output, its tables."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import engine
from engine import Grammar, compile_schema
from engine.bench.example_texts import LINES
from engine.cli import engine_app
from engine.grammar.grammar import Guarded
from engine.models import list_models
from engine.schema.assertions import _READERS

ROOT = Path(__file__).parent.parent
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
    output = next(body for language, body in BLOCKS if language == "" and body.startswith("fetching"))
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
    assert len(commands) >= 7
    for command, *words in commands:
        place = [command, words[0]] if command in ("models", "bench") else [command]
        described = help_of(*place)
        assert described, place
        for option in (word for word in words if word.startswith("--")):
            assert re.search(rf"{option}\b", described), (place, option)


def test_exit_codes_are_those_of_the_help() -> None:
    described = dict(re.findall(r"^ +(\d+)  (\S.*)$", help_of(), re.MULTILINE))
    assert {code: text.replace("`", "") for code, text in table("exit code")} == described


def test_names_of_models_are_known() -> None:
    known = {line.name for line in list_models()}
    named = set(re.findall(r"`((?:smollm|openhermes|gemma)[\w.-]*)`", README))
    assert named
    assert named <= known


def test_public_names_stand_in_the_table() -> None:
    named = {re.split(r"[.(]", name)[0] for row in table("name") for name in quoted(row[0])}
    assert named | {"Extracted", "Extraction"} == set(engine.__all__)


def test_folders_are_those_of_the_package() -> None:
    named = {folder for row in table("folder") for folder in quoted(row[0])}
    there = {f"engine/{path.parent.name}/" for path in (ROOT / "engine").glob("*/__init__.py")}
    assert named == there


# One schema for each keyword of the table, and what the row says of it first.
EXAMPLES: dict[str, Any] = {
    "type": {"type": ["string", "integer"]},
    "enum": {"enum": [1, "a", {"b": None}]},
    "const": {"const": [1.5]},
    "properties": {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False},
    "required": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
    "additionalProperties": {"type": "object", "additionalProperties": {"type": "integer"}},
    "patternProperties": {"type": "object", "patternProperties": {"^a": {"type": "integer"}}},
    "propertyNames": {"type": "object", "propertyNames": {"maxLength": 3}},
    "minProperties": {"type": "object", "minProperties": 1},
    "maxProperties": {"type": "object", "maxProperties": 3},
    "prefixItems": {"type": "array", "prefixItems": [{"type": "integer"}]},
    "items": {"type": "array", "items": {"type": "integer"}},
    "additionalItems": {"type": "array", "items": [{"type": "integer"}], "additionalItems": False},
    "minItems": {"type": "array", "minItems": 2},
    "maxItems": {"type": "array", "maxItems": 5},
    "minLength": {"type": "string", "minLength": 2},
    "maxLength": {"type": "string", "maxLength": 9},
    "pattern": {"type": "string", "pattern": "^a+$"},
    "minimum": {"type": "number", "minimum": 0.25},
    "maximum": {"type": "integer", "maximum": 7},
    "exclusiveMinimum": {"type": "number", "exclusiveMinimum": 0.5},
    "exclusiveMaximum": {"type": "number", "exclusiveMaximum": 7},
    "multipleOf": {"type": "integer", "multipleOf": 7},
    "format": {"type": "string", "format": "date"},
    "contentEncoding": {"type": "string", "contentEncoding": "base64"},
    "contentMediaType": {"type": "string", "contentMediaType": "application/json"},
    "contentSchema": {"type": "string", "contentSchema": {"type": "integer"}},
    "allOf": {"type": "integer", "allOf": [{"minimum": 1}, {"maximum": 4}]},
    "anyOf": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
    "oneOf": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
    "$ref": {"$defs": {"a": {"type": "integer"}}, "$ref": "#/$defs/a"},
    "$dynamicRef": {"$dynamicAnchor": "a", "type": "array", "items": {"$dynamicRef": "#a"}},
    "$recursiveRef": {"type": "array", "items": {"$recursiveRef": "#"}},
    "dependencies": {"type": "object", "dependencies": {"a": ["b"]}},
    "dependentRequired": {"type": "object", "dependentRequired": {"a": ["b"]}},
    "dependentSchemas": {"type": "object", "dependentSchemas": {"a": {"required": ["b"]}}},
    "unevaluatedItems": {"allOf": [{"prefixItems": [{"type": "integer"}]}], "unevaluatedItems": False},
    "unevaluatedProperties": {"allOf": [{"properties": {"a": True}}], "unevaluatedProperties": False},
    "not": {"type": "string", "not": {"pattern": "a"}},
    "if": {"type": "string", "if": {"pattern": "a"}, "then": {"pattern": "b"}},
    "uniqueItems": {"type": "array", "uniqueItems": True},
    "contains": {"type": "array", "contains": {"const": 1}},
    "minContains": {"type": "array", "contains": {"const": 1}, "minContains": 2},
    "maxContains": {"type": "array", "contains": {"const": 1}, "maxContains": 2},
}


def has_guard(grammar: Grammar) -> bool:
    return any(isinstance(node, Guarded) for rule in grammar.rules.values() for node in nodes(rule))


def nodes(node: Any) -> Iterator[Any]:
    """A node of a grammar and all below it."""
    yield node
    for field in dataclasses.fields(node):
        value = getattr(node, field.name)
        for part in value if isinstance(value, tuple) else (value,):
            if dataclasses.is_dataclass(part) and type(part).__module__ == "engine.grammar.grammar":
                yield from nodes(part)


def test_table_of_keywords_has_every_keyword_that_is_read() -> None:
    named = {keyword for row in table("keyword") for keyword in quoted(row[0])}
    assert named == set(_READERS) | {"then", "else"}
    assert named == set(EXAMPLES) | {"then", "else"}


@pytest.mark.parametrize(
    ("keyword", "enforced"),
    [(keyword, row[1]) for row in table("keyword") for keyword in quoted(row[0]) if keyword not in ("then", "else")],
)
def test_keyword_is_enforced_as_the_table_says(keyword: str, enforced: str) -> None:
    assert ("guard" if has_guard(compile_schema(EXAMPLES[keyword])) else "grammar") == enforced
