"""Solved examples for the prompt, from a file of JSON lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.cli.documents import read_text
from engine.errors import UsageError


def read_examples(path: Path) -> tuple[list[tuple[str, Any]], list[str]]:
    """The texts with their answers, and where each stands; `UsageError` names the line that is not valid."""
    examples, locations = [], []
    lines = read_text(path).split("\n")
    try:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            locations.append(f"{path}, line {number}")
            row = json.loads(line)
            if not isinstance(row, dict) or set(row) != {"text", "answer"} or not isinstance(row["text"], str):
                raise UsageError(f'{locations[-1]}: an example is {{"text": "…", "answer": …}}')
            examples.append((row["text"], row["answer"]))
    except ValueError as error:
        raise UsageError(f"{locations[-1] if locations else path}: not JSON lines: {error}") from error
    return examples, locations
