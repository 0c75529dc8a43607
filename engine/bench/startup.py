"""Startup: what a fresh process pays, by how far it goes, each step in a new child process; medians."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from engine.errors import BackendFailed

_LOAD = "from engine.extraction.extractor import Extractor; e = Extractor({schema!r}, model={model!r})"
_STEPS = (
    ("python", "pass"),
    ("import engine", "import engine"),
    ("from engine import extract", "from engine import extract"),
    ("grammar, prompt and model ready", _LOAD),
    ("first object", _LOAD + "; next(iter(e.extract({text!r}, max_tokens=64)))"),
)
_SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
_TEXT = "My name is John and I am 20 years old"


def startup(model: str | None, *, rounds: int, tell: Callable[[str], None] = lambda _: None) -> list[tuple[str, float]]:
    """Each step with the median of its seconds from the start of the process to its end."""
    times: dict[str, list[float]] = {name: [] for name, _ in _STEPS}
    for number in range(rounds + 1):  # the first fills the caches on the disk
        for name, code in _STEPS:
            tell(f"round {number} of {rounds}: {name}")
            seconds = _seconds([sys.executable, "-c", code.format(schema=_SCHEMA, model=model, text=_TEXT)])
            if number:
                times[name].append(seconds)
    return [(name, statistics.median(found)) for name, found in times.items()]


def _seconds(command: Sequence[str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackendFailed("startup", f"{command[-1]!r} ended with {done.returncode}: {done.stderr[-500:]}")
    return time.perf_counter() - started
