"""`engine grammar`, `run`, `doctor`, `demo` and `bench`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from engine import parse_gbnf
from engine.automaton.automaton import Automaton
from engine.bench.decode import Comparison, total
from engine.bench.example_texts import LINES
from engine.masks.mask import Masks, Walks
from engine.masks.matcher import Matcher
from engine.masks.vocabulary import Vocabulary

Engine = Callable[..., Result]


def accepts(gbnf: str, text: str) -> bool:
    """Whether the printed grammar has `text`, byte by byte."""
    vocabulary = Vocabulary.from_pieces([bytes([byte]) for byte in range(256)])
    matcher = Matcher(Masks(Automaton(parse_gbnf(gbnf)), Walks(vocabulary)))
    for byte in text.encode():
        if not matcher.allows(byte):
            return False
        matcher.accept(byte)
    return matcher.may_end


def test_grammar_is_printed_as_gbnf(engine: Engine) -> None:
    result = engine("grammar", "name, age int")
    assert result.exit_code == 0
    assert accepts(result.stdout, '{"name": "Jörg", "age": 20}')
    assert not accepts(result.stdout, '{"name": "Jörg", "age": "20"}')


def test_grammar_of_many_items_has_their_number(engine: Engine) -> None:
    printed = engine("grammar", "kind a|b", "--many", "--min-items", "1", "--max-items", "2", "--style", "compact")
    assert accepts(printed.stdout, '[{"kind":"a"},{"kind":"b"}]')
    assert not accepts(printed.stdout, "[]")
    assert not accepts(printed.stdout, '[{"kind":"a"},{"kind":"b"},{"kind":"b"}]')


def test_grammar_that_gbnf_cannot_say_is_refused_unless_allowed(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text('{"type": "array", "items": {"type": "integer"}, "uniqueItems": true}', encoding="utf-8")
    refused = engine("grammar", path)
    assert refused.exit_code == 3
    assert refused.stdout == ""
    assert "uniqueItems" in refused.stderr
    allowed = engine("grammar", path, "--allow-unenforced")
    assert allowed.exit_code == 0
    assert re.search(r"^#.*uniqueItems", allowed.stdout, re.MULTILINE)
    assert accepts(allowed.stdout, "[1, 1]")


def test_run_decodes_any_gbnf(engine: Engine, small: list[str], tmp_path: Path) -> None:
    path = tmp_path / "g.gbnf"
    path.write_text('root ::= item+ "ende ü"\nitem ::= "- " [a-c]{1,3} "\\n"\n', encoding="utf-8")
    result = engine("run", "--grammar", path, "--prompt", "A list.", *small, "--temperature", "1.5", "--seed", "3")
    assert result.exit_code == 0
    assert re.fullmatch(r"(- [a-c]{1,3}\n)+ende ü\n", result.stdout)


def test_run_shows_where_a_grammar_is_wrong(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "g.gbnf"
    path.write_text('root ::= "a"\n  | missing\n', encoding="utf-8")
    result = engine("run", "--grammar", path, "--prompt", "x")
    assert result.exit_code == 3
    assert "missing" in result.stderr


def test_run_reads_the_prompt_from_standard_input(engine: Engine, small: list[str], tmp_path: Path) -> None:
    path = tmp_path / "g.gbnf"
    path.write_text('root ::= "yes"', encoding="utf-8")
    assert engine("run", "-g", path, "-p", "-", *small, "--system", "Be brief.", stdin="Is it?").stdout == "yes\n"


def test_doctor_tells_what_would_run(engine: Engine, bpe_path: Path) -> None:
    result = engine("doctor", "--model", bpe_path, "--n-ctx", "512", "--threads", "1")
    assert result.exit_code == 0, result.stdout
    for subject in ("engine", "python", "llama-cpp-python", "libllama", "threads", "model", "chat template", "memory"):
        assert re.search(rf"^ok +{subject}:", result.stdout, re.MULTILINE)
    assert "512 tokens of f16" in result.stdout
    assert str(bpe_path) in result.stdout


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["--model", "absent.gguf"], "model"),
        (["--model", "smollm2-135m-instruct"], "model"),
        (["--n-ctx", "2000000000"], "memory"),
        (["--threads", "500"], "threads"),
    ],
)
def test_doctor_finds_what_is_wrong(
    words: list[str], wrong: str, engine: Engine, bpe_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINE_MODELS_DIR", str(tmp_path))
    monkeypatch.setenv("ENGINE_MODEL", str(bpe_path))
    result = engine("doctor", *words)
    assert result.exit_code == 1
    assert re.search(rf"^WRONG +{wrong}:", result.stdout, re.MULTILINE)
    assert list(tmp_path.iterdir()) == []  # nothing is fetched


def test_bench_of_masks_writes_a_table_and_a_line_for_each_schema(
    engine: Engine, bpe_path: Path, tmp_path: Path
) -> None:
    data, out = tmp_path / "cases.jsonl", tmp_path / "out.jsonl"
    cases = [
        {
            "id": "a",
            "schema": {"type": "integer"},
            "tests": [{"valid": True, "data": 1}, {"valid": False, "data": "1"}],
        },
        {"id": "b", "schema": {"type": "string"}, "tests": [{"valid": False, "data": "ü"}]},
    ]
    data.write_text("\n".join(map(json.dumps, cases)), encoding="utf-8")
    result = engine("bench", "masks", "--data", data, "--model", bpe_path, "--out", out)
    assert result.exit_code == 0, result.stderr
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert {row["id"]: row["verdict"] for row in rows} == {"a": "pass", "b": "wrong accept"}
    if sys.platform == "linux":
        assert all(0 <= row["memory"] < row["process_memory"] for row in rows)
        assert "over 1 GiB" in result.stdout
    assert re.search(r"wrong accept .* 1 \(50\.00 %\)", result.stdout)


def test_bench_of_decoding_compares_the_very_same_text(engine: Engine, bpe_path: Path, tmp_path: Path) -> None:
    data = tmp_path / "texts.jsonl"
    data.write_text('{"text": "one"}\n{"text": "two"}\n{"text": "three"}\n', encoding="utf-8")
    words = ["--data", data, "--schema", "kind here|there", "--rounds", "1", "--limit", "2", "--max-tokens", "60"]
    result = engine("bench", "decode", *words, "--model", bpe_path, "--threads", "1")
    assert result.exit_code == 0, result.stderr
    assert "line 1" in result.stdout
    assert "line 2" in result.stdout
    assert "line 3" not in result.stdout


def test_ratio_is_the_rate_of_the_constrained_run_by_the_other() -> None:
    rows = [Comparison("a", b"x", 1, 0, 1.0, 2.0), Comparison("b", b"x", 1, 0, 3.0, 2.0)]
    assert [row.ratio for row in rows] == [2.0, 2.0 / 3.0]
    assert total(rows) == 1.0


@pytest.mark.real_model
def test_demo_gives_seven_users_and_a_line_of_figures(engine: Engine, real_path: Path) -> None:
    result = engine("demo", "--model", real_path, "--threads", "1")
    assert result.exit_code == 0
    users = [json.loads(line) for line in result.stdout.splitlines()]
    assert [f"My name is {user['name']} and I am {user['age']} years old" for user in users] == list(LINES)
    assert re.search(r"7 objects, \d+ tokens \(\d+ forced\).* tokens/s, first object after \d", result.stderr)
