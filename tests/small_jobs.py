"""Documents for jobs on a model of random weights, and what their outputs say."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from engine import ModelSettings
from engine.jobs.job import Job

NUMBER = {
    "type": "object",
    "properties": {"n": {"type": "integer", "minimum": 0, "maximum": 999}, "kind": {"enum": ["a", "b"]}},
    "required": ["n", "kind"],
    "additionalProperties": False,
}
SETTINGS = ModelSettings(n_ctx=1024, threads=1)
ALONE = ModelSettings(n_ctx=512, threads=1, sequences=1)

Records = list[dict[str, Any]]
MakeJob = Callable[..., Job]
Start = Callable[..., "subprocess.Popen[str]"]


def write_documents(path: Path, count: int, *, order: Iterable[int] | None = None) -> Path:
    """So many short texts with ids, in an order."""
    words = ("John", "Mary", "is", "20", "and", "ü", "{}", "<|im_end|>")
    with path.open("w", encoding="utf-8") as file:
        for number in order if order is not None else range(count):
            text = " ".join(words[(number * 7 + at * at) % len(words)] for at in range(2 + number % 9))
            file.write(json.dumps({"id": f"d{number}", "text": f"{number} {text}"}) + "\n")
    return path


def read_records(path: Path) -> Records:
    """The records without the one member that two runs do not share."""
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for record in records:
        del record["seconds"]
    return records


def workers_of(pid: int) -> list[int]:
    """The worker processes of a job."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
        return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]
    except (FileNotFoundError, ProcessLookupError):
        return []
