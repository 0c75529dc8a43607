"""What a shell can do to the three streams of a command: an exit code and one message, never a traceback or silence."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from engine.__main__ import main

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX")

ENGINE = f"{sys.executable} -m engine"
EXTRACT = f"{ENGINE} extract 'kind a|b' --max-items 1 --min-items 1 --n-ctx 1024 --threads 1 --max-tokens 40"


def shell(line: str, model: Path) -> tuple[int, str, str]:
    environment = {**os.environ, "ENGINE_MODEL": str(model)}
    found = subprocess.run(["sh", "-c", line], capture_output=True, text=True, env=environment, timeout=120)
    return found.returncode, found.stdout, found.stderr


needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")


@needs_full
@pytest.mark.parametrize(
    "command",
    ["--help", "explain --help", "grammar name", "explain name", "extract name --show-prompt"],
)
def test_full_disk_is_told_by_every_command(command: str, bpe_path: Path) -> None:
    code, _, said = shell(f"echo hi | {ENGINE} {command} > /dev/full", bpe_path)
    assert (code, said) == (6, "engine: standard output cannot be written to: No space left on device\n")


@needs_full
@pytest.mark.parametrize(("table", "unbuffered"), [("", ""), ("", "1"), ("--table", "")])
def test_full_disk_ends_an_extraction(table: str, unbuffered: str, bpe_path: Path) -> None:
    code, _, said = shell(f"echo hi | PYTHONUNBUFFERED={unbuffered} {EXTRACT} {table} > /dev/full", bpe_path)
    assert (code, said) == (6, "engine: standard output cannot be written to: No space left on device\n")


def test_closed_streams_are_told_where_they_can(bpe_path: Path) -> None:
    assert shell(f"echo hi | {EXTRACT} >&-", bpe_path) == (
        6,
        "",
        "engine: standard output cannot be written to: it is closed\n",
    )
    code, out, said = shell(f"{EXTRACT} <&-", bpe_path)
    assert (code, out) == (2, "")
    assert said.startswith("engine: standard input is closed")
    assert shell(f"echo hi | {EXTRACT} >&- 2>&-", bpe_path) == (6, "", "")
    assert shell(f"{EXTRACT} <&- >&- 2>&-", bpe_path) == (2, "", "")


def test_messages_that_nobody_takes_change_nothing(bpe_path: Path) -> None:
    whole = shell(f"echo hi | {EXTRACT} --stats", bpe_path)
    assert whole[0] == 0
    for away in ("2>&-", "2>/dev/full" if Path("/dev/full").exists() else "2>/dev/null"):
        assert shell(f"echo hi | {EXTRACT} --stats {away}", bpe_path) == (0, whole[1], "")


def test_reader_that_reads_one_line_leaves_no_traceback(bpe_path: Path) -> None:
    lines = "import sys; sys.stdout.write('one\\n' * 500)"
    code, out, said = shell(
        f'{sys.executable} -c "{lines}" | ({EXTRACT} --lines; echo code $? >&2) | head -n 1', bpe_path
    )
    assert (code, len(out.splitlines())) == (0, 1)
    assert said == "code 141\n"


def test_output_is_utf8_whatever_the_locale(bpe_path: Path, tmp_path: Path) -> None:
    schema = tmp_path / "s.json"
    schema.write_text('{"const": "ü日"}', encoding="utf-8")
    for setting in ("LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0", "PYTHONIOENCODING=latin-1"):
        environment = {**os.environ, "ENGINE_MODEL": str(bpe_path)}
        line = f"{setting} {ENGINE} grammar {schema}; {setting} {ENGINE} explain {schema}"
        found = subprocess.run(["sh", "-c", line], capture_output=True, env=environment, timeout=120)
        assert found.returncode == 0
        assert found.stdout.decode().count("ü日") == 2


@pytest.mark.parametrize("columns", ["1", "20"])
def test_narrow_terminals_without_colours_are_served(columns: str, bpe_path: Path) -> None:
    code, out, said = shell(f"echo hi | NO_COLOR=1 FORCE_COLOR= COLUMNS={columns} {EXTRACT} --table", bpe_path)
    assert (code, said) == (0, "")
    assert not re.search("\x1b\\[[0-9;]*3[0-9]m", out)


@pytest.mark.parametrize("wrapped", [False, True])
def test_interrupt_while_modules_are_loaded_is_one(wrapped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.11 makes a RuntimeError of an interrupt that comes while a class is made."""

    class Loading(ModuleType):
        def __getattr__(self, name: str) -> object:
            if wrapped:
                raise RuntimeError("Error calling __set_name__") from KeyboardInterrupt()
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "engine.cli", Loading("engine.cli"))
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130


@pytest.mark.parametrize("delay", [0.1, 0.3, 0.6, 1.2])
def test_interrupt_at_any_time_leaves_no_traceback(delay: float, bpe_path: Path) -> None:
    """Before our first line is run, the interpreter ends itself in its own way."""
    environment = {**os.environ, "ENGINE_MODEL": str(bpe_path)}
    with subprocess.Popen(
        ["sh", "-c", f"exec {EXTRACT} --lines"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        said, code = process.stderr.read(), process.wait(60)
    assert code in (130, -signal.SIGINT) or said.startswith("Fatal Python error")
    assert str(Path("engine", "cli")) not in said
    assert not said or code != 130
