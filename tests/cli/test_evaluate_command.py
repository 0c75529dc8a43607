"""`engine evaluate`: figures, tables, comparisons and refusals; scoring decodes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Engine = Callable[..., Result]
SCHEMA = "name, age int?"


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    return written(tmp_path / "labelled.jsonl", [
        {"id": "a", "text": "Ann is 20", "answer": {"name": "Ann", "age": 20}},
        {"id": "b", "text": "Bo", "answer": {"name": "Bo", "age": None}},
    ])  # fmt: skip


def written(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def rows_of(labelled: Path, path: Path, outputs: list[object]) -> Path:
    documents = [json.loads(line) for line in labelled.read_text("utf-8").splitlines()]
    return written(path, [{**x, "output": output} for x, output in zip(documents, outputs, strict=True)])


def test_a_run_is_scored_without_a_model(engine: Engine, labelled: Path, tmp_path: Path) -> None:
    rows = rows_of(labelled, tmp_path / "rows.jsonl", [{"name": "ann", "age": 21}, {"name": "Bo", "age": None}])
    result = engine("evaluate", SCHEMA, labelled, "--score", rows, "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert (told["documents"], told["invalid"], told["fields_right"]) == (2, 0, 0.75)
    assert told["fields"]["age"] == {
        "right": 0, "wrong": 1, "missing": 0, "null kept": 1, "invented": 0, "share": 0.0,
    }  # fmt: skip
    tables = engine("evaluate", SCHEMA, labelled, "--score", rows).stdout
    assert "0.750" in tables
    assert '"age": 21' in tables


def test_a_run_is_compared_with_another(engine: Engine, labelled: Path, tmp_path: Path) -> None:
    bad = rows_of(labelled, tmp_path / "bad.jsonl", [None, {"name": "Cy", "age": 3}])
    good = rows_of(labelled, tmp_path / "good.jsonl", [{"name": "Ann", "age": 20}, {"name": "Bo", "age": None}])
    result = engine("evaluate", SCHEMA, labelled, "--score", good, "--compare", bad, "--json")
    assert json.loads(result.stdout)["difference"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    shown = engine("evaluate", SCHEMA, labelled, "--score", good, "--compare", bad).stdout
    assert "+1.000 against the other run" in shown


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "no labelled document"),
        ([{"text": "x"}], "line 1: a labelled document is"),
        ([{"text": "x", "answer": {}}, {"text": "y", "answer": []}], "some answers are objects and some are lists"),
        (
            [{"id": 1, "text": "x", "answer": {}}, {"id": 1, "text": "y", "answer": {}}],
            "the id '1' stands in two lines",
        ),
    ],
)
def test_what_is_no_labelled_file_is_refused(
    engine: Engine, tmp_path: Path, lines: list[dict[str, object]], message: str
) -> None:
    result = engine("evaluate", SCHEMA, written(tmp_path / "x.jsonl", lines))
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_rows_of_other_documents_are_refused(engine: Engine, labelled: Path, tmp_path: Path) -> None:
    other = written(tmp_path / "rows.jsonl", [{"id": "a", "text": "Ann is 20", "answer": {}, "output": {}}])
    result = engine("evaluate", SCHEMA, labelled, "--score", other)
    assert result.exit_code == 2
    assert "no row of the document 'b'" in result.stderr
    assert 'no "output" in it' in engine("evaluate", SCHEMA, labelled, "--score", labelled).stderr


def test_answers_may_be_called_gold(engine: Engine, tmp_path: Path) -> None:
    gold = written(tmp_path / "gold.jsonl", [{"id": "a", "text": "Ann", "gold": {"name": "Ann", "age": None}}])
    rows = rows_of(gold, tmp_path / "rows.jsonl", [{"name": "Ann", "age": None}])
    assert json.loads(engine("evaluate", SCHEMA, gold, "--score", rows, "--json").stdout)["fields_right"] == 1
    assert engine("evaluate", SCHEMA, gold, "--score", rows, "--out", rows).exit_code == 2


@pytest.mark.real_model
def test_a_model_is_evaluated_and_its_rows_are_scored_alike(engine: Engine, labelled: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    first = engine("evaluate", SCHEMA, labelled, "--out", out, "--max-tokens", "60", "--json")
    assert first.exit_code == 0
    told = json.loads(first.stdout)
    assert told.pop("documents_per_second") > 0
    assert json.loads(engine("evaluate", SCHEMA, labelled, "--score", out, "--json").stdout) == told
