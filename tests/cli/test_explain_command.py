"""`engine explain`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

Engine = Callable[..., Result]

MODEL = """
from pydantic import BaseModel, field_validator

class Note(BaseModel):
    text: str
    even: int

    @field_validator("even")
    @classmethod
    def is_even(cls, value):
        if value % 2:
            raise ValueError("odd")
        return value
"""


def test_explain_shows_each_constraint_and_what_enforces_it(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "explained.py"
    path.write_text(MODEL, encoding="utf-8")
    result = engine("explain", f"{path}:Note")
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["/properties/text", "type", "grammar", "string"] in rows
    assert any(row[:1] == ["/properties/even"] and "is_even" in row[1] and row[2] == "guard" for row in rows if row)
    assert "Not in the plain JSON Schema" in result.stdout
    assert "/properties/text: unbounded string" in result.stdout
    assert "Enforced by the grammar alone: /, /properties/text" in result.stdout
    assert "Enforced by a guard too: /properties/even" in result.stdout
    assert (
        "is_even: asked for each token that could close the number; a refusal goes back within the number"
        in result.stdout
    )


def test_explain_as_json_says_the_same_for_machines(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "explained.py"
    path.write_text(MODEL, encoding="utf-8")
    found = json.loads(engine("explain", f"{path}:Note", "--json").stdout)
    assert found["fields"] == {"": "grammar", "/properties/text": "grammar", "/properties/even": "guard"}
    assert [cost["path"] for cost in found["costs"]] == [lost["path"] for lost in found["lost"]] == ["/properties/even"]


def test_explain_as_json_is_the_certificate(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text('{"type": "string", "pattern": "[a-z]", "format": "phone"}', encoding="utf-8")
    result = engine("explain", path, "--json", "--style", "any")
    found = json.loads(result.stdout)
    assert {"path": "", "keyword": "pattern", "by": "grammar", "detail": "[a-z]"} in found["entries"]
    assert {"path": "", "keyword": "format", "by": "annotation", "detail": ""} in found["entries"]
    assert "not anchored" in found["lints"][0]["text"] + found["lints"][1]["text"]


def test_explain_refuses_what_is_not_enforced_unless_it_is_named(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text('{"properties": {"a": {"$ref": "https://example.org/x"}}, "type": "object"}', encoding="utf-8")
    refused = engine("explain", path)
    assert refused.exit_code == 3
    assert "/properties/a" in refused.stderr
    allowed = engine("explain", path, "--allow-unenforced", "/properties/a/$ref")
    assert allowed.exit_code == 0
    assert ["/properties/a", "$ref", "nothing"] in [line.split()[:3] for line in allowed.stdout.splitlines()]


def test_markup_in_a_schema_is_shown_as_it_is(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text('{"type": "string", "pattern": "^[red]x[/red]$", "maxLength": 9}', encoding="utf-8")
    assert "^[red]x[/red]$" in engine("explain", path).stdout
