"""Pages of the guide are run as they are written: their files are made, their commands and Python blocks are run in order.

A line "`NAME`:" before a block makes the block a file. A block `sh` is run with bash, a block `python` that is no file is
executed; a block `text` right behind one is what it prints (both streams of a command). Blocks `py` and `console` are only
shown. To write the outputs anew:

    python tests/docs/executed_pages.py tutorial
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import engine

GUIDE = Path(engine.__file__).parent / "docs"
ROOT = GUIDE.parent.parent
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_GENERATED = re.compile(r"<!-- generated: .*?<!-- end -->", re.DOTALL)
# Only where a command takes long enough.
_PROGRESS = re.compile(r"^\d+ of \d+ documents, .*\n", re.MULTILINE)
# What differs from run to run and from machine to machine.
_FIGURES = re.compile(r"[0-9a-f]{16,64}|\d[\d.,]*")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: where it stands in the page, its language, its text, and the file that it is, if any."""

    start: int
    end: int
    language: str
    text: str
    file: str | None


def blocks(page: str) -> list[Block]:
    hidden = _GENERATED.sub(lambda region: " " * len(region[0]), page)
    found = []
    for block in _BLOCK.finditer(hidden):
        named = re.search(r"`([\w.-]+)`:\n\n$", hidden[: block.start()])
        found.append(Block(block.start(2), block.end(2), block[1], block[2], named[1] if named else None))
    return found


def run_page(path: Path, folder: Path, model: str | None = None) -> Iterator[tuple[Block, str]]:
    """Each block of what is printed, with what really was; an error of a command is an error here."""
    page = path.read_text(encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)]), "COLUMNS": "100"}
    environment |= {"PATH": f"{_engine_command(folder)}{os.pathsep}{environment['PATH']}"}
    if model is not None:
        environment["ENGINE_MODEL"] = model
    before, printed = None, ""
    for block in blocks(page):
        if block.file is not None:
            (folder / block.file).write_text(block.text, encoding="utf-8")
        elif block.language in ("sh", "python"):
            words = ["bash", "-euo", "pipefail", "-c", block.text]
            if block.language == "python":
                words = [sys.executable, "-c", block.text]
            done = subprocess.run(
                words,
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{path.name}: {block.text}\n{done.stdout}"
            before, printed = block, re.sub(r" +$", "", _PROGRESS.sub("", done.stdout), flags=re.MULTILINE)
            continue
        elif block.language == "text" and before is not None:
            yield block, printed
        before = None


def _engine_command(folder: Path) -> Path:
    """A folder with an `engine` that is this checkout's."""
    place = folder / ".bin"
    place.mkdir(exist_ok=True)
    script = place / "engine"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m engine "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    return place


def shape(output: str) -> list[str]:
    """What stays of an output on another machine: its lines without figures, JSON without values."""
    lines = []
    for line in output.splitlines():
        line = line.rstrip()
        if line.startswith("{") and (value := _json(line)) is not None:
            lines.append(json.dumps(_keys(value)))
        elif line.startswith("{"):
            lines.append("{")  # cut by the page
        elif line:
            lines.append(" ".join(_FIGURES.sub("#", line).split()))
    return lines


def _json(line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError:
        return None


def _keys(value: Any) -> Any:
    """An object with the keys of its objects alone; what spans and confidence have depends on what was found."""
    if isinstance(value, dict):
        return {key: _keys(inner) if key not in ("spans", "confidence") else None for key, inner in value.items()}
    return None


def rewritten(path: Path, folder: Path) -> str:
    """The page with its outputs as they are now."""
    page = path.read_text(encoding="utf-8")
    for block, printed in reversed(list(run_page(path, folder))):
        page = page[: block.start] + printed.rstrip() + "\n" + page[block.end :]
    return page


if __name__ == "__main__":
    for topic in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as name:
            file = GUIDE / f"{topic}.md"
            file.write_text(rewritten(file, Path(name)), encoding="utf-8")
        print(f"{topic}.md")
