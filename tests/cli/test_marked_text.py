"""`engine extract --explain` and the marks of `--table`: what is in colour, and what is doubtful."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from typer.testing import Result

from engine.cli.marked_text import MarkedTexts
from engine.cli.output import LiveTable
from engine.extraction.extraction import Extracted
from engine.extraction.grounded import SourceSpan
from engine.report.report_document import ReportDocument

Engine = Callable[..., Result]


def shown(document: ReportDocument, *, colour: bool) -> str:
    stream = io.StringIO()
    MarkedTexts(
        Console(file=stream, width=80, force_terminal=colour, color_system="standard" if colour else None)
    ).show(document)
    return stream.getvalue()


def test_spans_are_in_colour_and_values_say_what_is_wrong() -> None:
    document = ReportDocument(
        "a\x1b[2J", "Ann \x1b[31m is 31", ['{"name": "Ann", "age": 31, "at": "x", "no": null}'],
        {"/0/name": (0, 3), "/0/age": (13, 15), "/0/at": None, "/0/no": None}, {"/0/age": 0.25}, ["/0/name"],
        others={"/0/age": (("30", 0.7),)},
    )  # fmt: skip
    plain = shown(document, colour=False)
    assert "\x1b" not in plain
    lines = [line.split() for line in plain.splitlines()]
    assert ["0/name", "Ann", "0–3", "cut"] in lines
    assert ["0/age", "31", "13–15", "25%", "30", "70%", "doubtful"] in lines
    assert ["0/at", "x", "not", "in", "the", "text"] in lines
    assert ["0/no", "–"] in lines
    coloured = shown(document, colour=True)
    assert "\x1b[7;36mAnn\x1b[0m" in coloured
    assert "\x1b[7;35m31\x1b[0m" in coloured


def test_the_table_has_question_marks() -> None:
    stream = io.StringIO()
    span = SourceSpan(0, 1, 0, 1)
    with LiveTable(Console(file=stream, width=80)) as table:
        spans = {"/name": span, "/age": None, "/no": None}
        table.write(Extracted({"name": "Ann", "age": 3, "no": None}, 0, "", (), spans), "a")
        table.write(Extracted({"name": "Bob", "age": 4, "no": None}, 0, "", ("/name",), {}), "a")
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in stream.getvalue().splitlines() if "│" in line]
    assert cells == [["Ann", "3 ?", ""], ["Bob ?", "4", ""]]


def test_explain_prints_each_document(engine: Engine, small: list[str], tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_text("Ann is 31", encoding="utf-8")
    result = engine("extract", "name, age int", text, *small, "--one", "--grounded", "--explain")
    assert result.exit_code == 0, result.output
    assert "Ann is 31" in result.stdout
    assert any(line.split()[:3] == ["0/age", "31", "7–9"] for line in result.stdout.splitlines())
    assert engine("extract", "name", text, "--table", "--explain").exit_code == 2
