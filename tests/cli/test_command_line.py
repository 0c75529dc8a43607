"""What holds for all commands: help, exit codes, interrupts, closed pipes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from engine import __version__, errors
from engine.cli.application import _COMMANDS, EXIT_CODES, exit_code

Engine = Callable[..., Result]
COMMANDS = [
    *_COMMANDS,
    "models list",
    "models pull",
    "models verify",
    "bench decode",
    "bench masks",
    "bench batch",
    "bench startup",
    "bench growth",
]


def command(*words: str | Path) -> list[str]:
    return [sys.executable, "-c", "from engine.cli import run_cli; run_cli()", *map(str, words)]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_every_command_has_an_example(name: str, engine: Engine) -> None:
    result = engine(*name.split(), "--help")
    assert result.exit_code == 0
    groups = {"models": "list", "bench": "decode"}
    assert re.search(rf"engine {name}\b|^  {groups.get(name, 'never')} ", result.stdout, re.MULTILINE)


def test_help_lists_all_commands_and_loads_none() -> None:
    code = (
        "import sys; sys.argv = ['engine', '--help']; from engine.cli import run_cli\n"
        "try: run_cli()\n"
        "finally: print(*sorted({'numpy', 'llama_cpp', 'pydantic', 'jinja2'} & set(sys.modules)), file=sys.stderr)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stderr == "\n"
    for name in _COMMANDS:
        assert re.search(rf"^  {name} +\S", found.stdout, re.MULTILINE)


def test_version(engine: Engine) -> None:
    assert engine("--version").stdout == f"engine {__version__}\n"


def test_command_that_does_not_exist_is_answered_with_one_that_does(engine: Engine) -> None:
    result = engine("extrct")
    assert result.exit_code == 2
    assert "Did you mean 'extract'?" in result.stderr


def test_every_error_has_an_exit_code_that_the_help_explains(engine: Engine) -> None:
    described = {int(code) for code in re.findall(r"^ +(\d+)  ", engine("--help").stdout, re.MULTILINE)}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.EngineError)]
    codes = {kind.__name__: exit_code(kind.__new__(kind)) for kind in kinds}
    assert set(codes.values()) | {0, 130, 141} == described
    assert codes["UsageError"] == 2
    assert codes["UnsupportedSchema"] == codes["NotPrintable"] == 3
    assert codes["DownloadFailed"] == 4
    assert codes["TextTooLong"] == codes["DeadEnd"] == 5
    assert codes["ExtractionFailed"] == 1
    assert EXIT_CODES[-1] == (errors.EngineError, 1)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["extract"], 2),
        (["extract", "name", "--no-such-option"], 2),
        (["extract", "name", "absent.txt"], 2),
        (["extract", "name wat"], 2),
        (["extract", "name", "--threads", "0"], 2),
        (["extract", "name", "--kv-type", "q1"], 2),
        (["extract", "name", "--one", "--max-items", "2"], 2),
        (["extract", "name", "--min-items", "2", "--max-items", "1"], 2),
        (["extract", "name", "--temperature", "-1"], 2),
        (["extract", "name", "--table", "--detailed"], 2),
        (["extract", "name", "--style", "loose"], 2),
        (["extract", "name", "--model", "no-such-model"], 4),
        (["extract", "name", "--model", "absent.gguf"], 4),
        (["grammar", "never.json"], 3),
        (["grammar", "name", "--max-items", "3"], 2),
        (["run", "--grammar", "absent.gbnf", "--prompt", "x"], 2),
        (["run", "--grammar", "broken.gbnf", "--prompt", "x"], 3),
        (["bench", "decode", "--data", "never.json"], 2),
        (["bench", "masks", "--data", "absent.jsonl"], 2),
    ],
)
def test_wrong_words_end_with_one_message_and_a_code(
    words: list[str], code: int, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "never.json").write_text('{"type": "string", "const": 1}', encoding="utf-8")
    (tmp_path / "broken.gbnf").write_text('root ::= "a', encoding="utf-8")
    result = engine(*words)
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.strip()
    assert "Traceback" not in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_interrupt_ends_cleanly_after_what_was_decoded(bpe_path: Path, tmp_path: Path) -> None:
    words = ["extract", "kind here|there", "--lines", "--model", str(bpe_path), "--threads", "1", "--sequences", "1"]
    arguments = command(*words, "--n-ctx", "2048", "--min-items", "1", "--max-items", "1")
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write("one\n")
        process.stdin.flush()
        first = process.stdout.readline()  # written out although the input is still open
        process.send_signal(signal.SIGINT)
        rest, said, code = process.stdout.read(), process.stderr.read(), process.wait()
    assert first in ('{"kind":"here"}\n', '{"kind":"there"}\n')
    assert (rest, said, code) == ("", "", 130)


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_reader_that_goes_away_ends_it_quietly(bpe_path: Path, tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    lines.write_text("one\n" * 200, encoding="utf-8")
    words = ["extract", "kind here|there", "--lines", str(lines), "--model", str(bpe_path), "--threads", "1"]
    arguments = command(*words, "--n-ctx", "2048", "--min-items", "1", "--max-items", "1")
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        said, code = process.stderr.read(), process.wait()
    assert (said, code) == ("", 141)
