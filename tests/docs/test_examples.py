"""The examples of the guide run, and say something."""

from __future__ import annotations

import gc
import runpy
import sys
from pathlib import Path

import pytest

import engine

FOLDER = Path(engine.__file__).parent / "docs" / "examples"
EXAMPLES = sorted(path.name for path in FOLDER.glob("*.py"))
ARGUMENTS = {"log_lines.py": ["--sample"]}
NEEDS = {"ray_job.py": "ray", "server_clients.py": "uvicorn"}
WITHOUT_MODEL = ("recognisers.py", "exported_grammar.py", "beside_others.py")


def run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [name, *ARGUMENTS.get(name, [])])
    # Pydantic looks up the module of a type, which must be the example's own.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    runpy.run_path(str(FOLDER / name), run_name="__main__")


# The clients of the server leave their connections to the collector, which may find them during a later example.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.real_model
@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in WITHOUT_MODEL])
def test_example_runs_on_its_text(
    name: str, real_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    monkeypatch.setenv("ENGINE_MODEL", str(real_path))
    run(name, monkeypatch)
    assert capsys.readouterr().out.strip()
    gc.collect()


def test_recognisers_read_what_their_text_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run("recognisers.py", monkeypatch)
    said = capsys.readouterr().out
    assert "datetime.date(2024, 9, 23)" in said
    assert "Decimal('1234.50')" in said
    assert "'T-4711'" in said


def test_exported_grammar_names_what_it_does_not_enforce(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run("exported_grammar.py", monkeypatch)
    said = capsys.readouterr().out
    assert "root ::=" in said
    assert "# not enforced by this grammar: uniqueItems" in said


def test_nothing_wrong_is_let_through_here_in_the_comparison(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run("beside_others.py", monkeypatch)
    lines = capsys.readouterr().out.splitlines()[1:]
    assert len(lines) == 10
    assert all(line[26:].startswith("exact") for line in lines)


def test_there_are_enough_and_they_are_short() -> None:
    assert len(EXAMPLES) >= 12
    for name in EXAMPLES:
        assert 20 <= len((FOLDER / name).read_text(encoding="utf-8").splitlines()) <= 85, name
