"""`engine report`, and `--html` of the commands that extract."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest
from typer.testing import Result

Engine = Callable[..., Result]


def embedded(page: Path) -> list[dict[str, Any]]:
    """The documents in a page, without its header."""
    data = page.read_text("utf-8").split('id="data">')[1].split("</script>")[0]
    return [json.loads(line) for line in data.split("\n")[1:]]


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    rows = [{"id": "a", "text": "Ann is 31 & <b>"}, {"id": "b", "text": ""}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_batch_writes_its_page_and_report_writes_it_again(
    engine: Engine, small: list[str], texts: Path, tmp_path: Path
) -> None:
    output, page = tmp_path / "out.jsonl", tmp_path / "page.html"
    words = (
        "name, age int",
        texts,
        output,
        *small,
        "--one",
        "--grounded",
        "--html",
        page,
        "--parquet",
        tmp_path / "out.parquet",
    )
    assert engine("batch", *words, "--sequences", "1").exit_code == 1  # the empty document
    first, empty = embedded(page)
    assert (first["id"], first["text"]) == ("a", "Ann is 31 & <b>")
    assert first["spans"]["/0/age"] == [7, 9]
    assert empty["error"]["type"] == "EmptyDocument"
    (row,) = parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert (row["document"], row["item"], row["age"]) == ("a", 0, 31)
    result = engine("report", output)
    assert (result.exit_code, result.stdout.strip()) == (0, str(output.with_suffix(".html")))
    assert embedded(output.with_suffix(".html")) == [first, empty]
    texts.unlink()
    assert engine("report", output).exit_code == 0
    assert embedded(output.with_suffix(".html"))[0]["text"] is None


def test_extract_writes_a_page(engine: Engine, small: list[str], tmp_path: Path) -> None:
    text, page = tmp_path / "a.txt", tmp_path / "page.html"
    text.write_text("Ann is 31", encoding="utf-8")
    result = engine("extract", "name, age int", text, *small, "--one", "--grounded", "--html", page)
    assert result.exit_code == 0, result.output
    (document,) = embedded(page)
    assert (document["id"], document["text"], document["spans"]["/0/age"]) == (str(text), "Ann is 31", [7, 9])


def test_pages_that_cannot_be_written_are_refused(engine: Engine, texts: Path, tmp_path: Path) -> None:
    assert "not the output of a job" in engine("report", texts).output
    assert "no such folder" in engine("report", texts, "--html", tmp_path / "no" / "page.html").output
    assert "is a file of the job itself" in engine("report", texts, "--html", texts).output
    missing = tmp_path / "no" / "page.html"
    assert "cannot be written" in engine("extract", "name", texts, "--html", missing).output
