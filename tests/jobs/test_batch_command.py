"""`engine batch` as it is typed."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_jobs import Start, read_records, write_documents
from typer.testing import CliRunner, Result

from engine.cli import engine_app
from engine.jobs.estimate import estimate
from engine.jobs.job_spec import JobSpec
from engine.jobs.source import open_source

Batch = Callable[..., Result]
MODEL = """
from typing import Literal
from pydantic import BaseModel, Field

class Place(BaseModel):
    city: str = Field(max_length=5)

class Person(BaseModel):
    name: str = Field(max_length=5)
    place: Place | None
    tags: list[bool] = Field(max_length=1)
    document: Literal["x"]
"""


@pytest.fixture
def batch(bpe_path: Path) -> Batch:
    def run(*words: str | Path, settings: bool = True) -> Result:
        options = ["--model", bpe_path, "--n-ctx", "1024", "--threads", "1", "--max-tokens", "60"] if settings else []
        result = CliRunner().invoke(engine_app, ["batch", *map(str, words), *map(str, options)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def schema(tmp_path: Path) -> str:
    (tmp_path / "people_of_test.py").write_text(MODEL, encoding="utf-8")
    return f"{tmp_path}/people_of_test.py:Person"


def test_job_its_views_and_its_verification(batch: Batch, schema: str, tmp_path: Path) -> None:
    source, output = write_documents(tmp_path / "in.jsonl", 6), tmp_path / "out.jsonl"
    views = ["--csv", tmp_path / "out.csv", "--flatten", tmp_path / "rows.jsonl"]
    result = batch(schema, source, output, "--max-items", "2", *views)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    assert "6 documents: " in result.stderr
    objects = [
        (record["id"], place, found) for record in read_records(output) for place, found in enumerate(record["objects"])
    ]
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text("utf-8").splitlines()]
    assert [(row["document"], row["item"], row["object"]) for row in rows] == objects
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert list(table[0]) == ["_document", "item", "name", "place.city", "document"]
    assert [row["name"] for row in table] == [found["name"] for _, _, found in objects]
    assert [row["place.city"] for row in table] == [(found["place"] or {"city": ""})["city"] for _, _, found in objects]
    assert f"out.csv: {len(objects)} rows, without tags" in result.stderr
    verified = batch("--verify", output, "--replay", "2", settings=False)
    assert verified.exit_code == 0, verified.stdout
    assert "WRONG" not in verified.stdout
    assert f"all {len(objects)} are valid" in verified.stdout
    quiet = batch(schema, source, output, "--max-items", "2", "--quiet")
    assert (quiet.exit_code, quiet.stderr, quiet.stdout) == (0, "", "")


def test_errors_are_told_and_end_with_one(batch: Batch, schema: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name, data in (("a.txt", b"fine"), ("b.txt", b""), ("c.txt", b"\xff")):
        (tmp_path / "in" / name).write_bytes(data)
    result = batch(schema, tmp_path / "in", tmp_path / "out.jsonl")
    assert result.exit_code == 1
    assert "2 documents ended in an error" in result.stderr
    assert [record["id"] for record in read_records(tmp_path / "out.jsonl")] == ["a.txt", "b.txt", "c.txt"]


def test_dry_run_counts_what_the_job_then_finds(batch: Batch, schema: str, tmp_path: Path, bpe_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    texts = ["", *("x" * size for size in range(500, 900, 4))]
    source.write_text(
        "".join(json.dumps({"id": number, "text": text}) + "\n" for number, text in enumerate(texts)), "utf-8"
    )
    said = batch(schema, source, tmp_path / "out.jsonl", "--dry-run", "--one")
    assert said.exit_code == 0, said.stderr
    assert "documents   101, 1 of them without text" in said.stdout
    assert "time        about" in said.stdout
    assert "MiB weights, shared" in said.stdout
    assert not (tmp_path / "out.jsonl").exists()
    assert batch(schema, source, tmp_path / "out.jsonl", "--one").exit_code == 1
    records = read_records(tmp_path / "out.jsonl")
    too_long = [record["id"] for record in records if record["error"] and record["error"]["type"] == "TextTooLong"]
    assert too_long
    assert f"too long    {len(too_long)}: {too_long[0]} (" in said.stdout
    spec = JobSpec.of({"type": "integer"}, model=str(bpe_path), chunk="auto", max_tokens=60)
    found = estimate(spec, open_source(str(source)), workers=1)
    assert found.unfit == 0


def test_standard_input_is_read_once_and_taken_up_again(start: Start, tmp_path: Path) -> None:
    source, output = write_documents(tmp_path / "in.jsonl", 20), tmp_path / "out.jsonl"
    lines = source.read_bytes().splitlines(keepends=True)

    def feed(data: bytes) -> tuple[int, str]:
        read, write = os.pipe()
        process = start("n int", "-", output, stdin=read)
        os.close(read)
        with os.fdopen(write, "wb") as pipe:
            pipe.write(data)
        said = process.communicate(timeout=300)[1]
        return process.returncode, said

    code, said = feed(b"".join(lines[:9]) + b"no JSON\n" + b"".join(lines[9:]))
    assert code == 7, said
    assert "standard input, line 10: not JSON" in said
    assert len(read_records(output)) == 9
    code, said = feed(b"".join([*lines[:3], lines[4], *lines[4:]]))
    assert code == 7, said
    assert "standard input, line 4 has the id 'd4', and 'd3' was there" in said
    code, said = feed(b"".join(lines))
    assert code == 0, said
    assert "11 of them in this run" in said
    assert [record["id"] for record in read_records(output)] == [f"d{number}" for number in range(20)]


def test_slow_input_holds_no_result_back(start: Start, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    process = start("n int", "-", output, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write('{"id": "a", "text": "x"}\n')
    process.stdin.flush()
    while not (output.exists() and output.read_bytes().endswith(b"\n")):  # it is written while the input stays open
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.stdin.close()
    process.stdin = None
    said = process.communicate(timeout=300)[1]
    assert process.returncode == 0, said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["n int"], "batch needs INPUT and OUTPUT"),
        (["n int", "in.jsonl", "o", "--replay", "1"], "--replay belongs to --verify"),
        (["n int", "in.jsonl", "o", "--document-timeout", "0"], "above 0"),
        (["n int", "in.jsonl", "o", "--chunk", "0"], "--chunk is auto or a number of tokens"),
        (["n int", "in.jsonl", "o", "--chunk", "auto", "--one"], "cannot be combined with --one"),
        (["n int", "in.jsonl", "o", "--deterministic", "--sequences", "2"], "cannot be combined with --sequences"),
        (["n int", "in.jsonl", "--verify", "o"], "and nothing else"),
        (["--verify", "o", "--restart"], "and nothing else"),
        (["--verify", "o", "--one"], "and nothing else"),
        (["n int", "in.jsonl", "-"], "OUTPUT must be a file"),
        (["n int", "in.jsonl", "o", "--restart", "--retry"], "give one of them"),
        (["n int", "in.jsonl", "o", "--csv", "o"], "o is a file of the job itself"),
        (["n int", "in.jsonl", "o", "--flatten", "o.manifest.json"], "is a file of the job itself"),
        (["n int", "in.jsonl", "o", "--flatten", "in.jsonl"], "in.jsonl is the input and the output"),
        (["n int", "in.jsonl", "o", "--flatten", "v", "--csv", "v"], "is named for two views"),
        (["s.json", "in.jsonl", "o", "--csv", "s.json"], "s.json is what the job reads"),
        (["n int", "in.jsonl", "o", "--csv", "none/v"], "there is no such folder"),
        (["n int", "in.jsonl", "o", "--csv", "."], "it is a folder"),
        (["list.json", "in.jsonl", "o", "--csv", "v"], "no scalar field"),
        (["n int", "-", "o", "--dry-run"], "cannot be a stream"),
        (["n int", "in.jsonl", "in.jsonl"], "is the input and the output"),
    ],
)
def test_command_lines_that_make_no_sense_are_refused(
    words: list[str], said: str, batch: Batch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = write_documents(tmp_path / "in.jsonl", 1)
    (tmp_path / "s.json").write_text('{"type": "integer"}', encoding="utf-8")
    (tmp_path / "list.json").write_text('{"type": "array", "items": {"type": "integer"}}', encoding="utf-8")
    before = source.read_bytes()
    result = batch(*words, settings="--verify" not in words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "list.json", "s.json"]
    assert source.read_bytes() == before


def test_progress_is_a_bar_in_a_terminal_and_lines_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console

    from engine.cli import batch_progress
    from engine.jobs.job import JobProgress

    figures: Any = JobProgress(total=10, before=2)
    figures.counts.documents, figures.counts.errors = 4, 1
    terminal = Console(force_terminal=True, width=100, record=True)
    with batch_progress.ProgressDisplay(quiet=False, console=terminal) as watch:
        watch.update(figures)
    assert "4/10" in terminal.export_text()
    plain = Console(force_terminal=False, width=100, record=True)
    monkeypatch.setattr(batch_progress, "_EVERY", 0.0)
    with batch_progress.ProgressDisplay(quiet=False, console=plain) as watch:
        watch.update(figures)
    text = plain.export_text()
    assert text.startswith("4 of 10 documents, ")
    assert "1 error" in text
    silent = Console(force_terminal=True, record=True)
    with batch_progress.ProgressDisplay(quiet=True, console=silent) as watch:
        watch.update(figures)
        watch.say("nothing")
    assert silent.export_text() == ""
