"""Labelled documents, and the rows that a run leaves: JSON lines in, JSON lines out.

A labelled document is `{"id"?, "text", "answer"}`. The answer, which may be called `gold`, is an object, or in every line
a list of objects. A row of a run has `output` (null where nothing valid came out), `error` and `finish` too, so a run can
be scored or compared later.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import UsageError


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text and what has to come out for it."""

    id: str
    text: str
    answer: Any


@dataclass(frozen=True, slots=True)
class LabelledRow:
    """A labelled document and what came out for it; `output` is None where nothing valid did."""

    document: Labelled
    output: Any
    error: str | None = None
    finish: str | None = None
    confidence: Mapping[str, float] = field(default_factory=dict)  # by JSON pointer, with the object's number first

    def as_json(self) -> dict[str, Any]:
        """A line of the file that a run leaves."""
        document = self.document
        row = {"id": document.id, "text": document.text, "answer": document.answer, "output": self.output,
               "error": self.error, "finish": self.finish}  # fmt: skip
        return row | ({"confidence": dict(self.confidence)} if self.confidence else {})


def read_labelled(path: Path, limit: int | None = None) -> list[Labelled]:
    """The labelled documents of a file. `UsageError` names the line that is not valid."""
    documents = [_labelled(value, place, number) for number, place, value in _lines(path, limit)]
    if not documents:
        raise UsageError(f"{path}: no labelled document in it")
    kinds = {isinstance(x.answer, list) for x in documents}
    if len(kinds) > 1:
        raise UsageError(
            f"{path}: some answers are objects and some are lists of objects; an evaluation needs one of both"
        )
    seen: set[str] = set()
    for document in documents:
        if document.id in seen:
            raise UsageError(f"{path}: the id {document.id!r} stands in two lines")
        seen.add(document.id)
    return documents


def read_labelled_rows(path: Path, limit: int | None = None) -> list[LabelledRow]:
    """The rows that an earlier run left."""
    rows = []
    for number, place, value in _lines(path, limit):
        document = _labelled(value, place, number)
        if "output" not in value:
            raise UsageError(f'{place}: no "output" in it; write rows with `engine evaluate … --out {path}`')
        sure = value.get("confidence") or {}
        rows.append(LabelledRow(document, value["output"], value.get("error"), value.get("finish"), sure))
    if not rows:
        raise UsageError(f"{path}: no row in it")
    return rows


def _lines(path: Path, limit: int | None) -> Iterator[tuple[int, str, dict[str, Any]]]:
    place = str(path)
    try:
        with path.open(encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, start=1):
                place = f"{path}, line {number}"
                if line.strip():
                    value = json.loads(line)
                    if not isinstance(value, dict):
                        raise UsageError(f'{place}: a labelled document is {{"text": "…", "answer": …}}')
                    yield number, place, value
                if limit is not None and number >= limit:
                    return
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{place}: not JSON lines: {error}") from error


def _labelled(value: dict[str, Any], place: str, number: int) -> Labelled:
    text, answer = value.get("text"), value.get("answer", value.get("gold"))
    objects = answer if isinstance(answer, list) else [answer]
    if not isinstance(text, str) or not all(isinstance(x, dict) for x in objects):
        raise UsageError(
            f'{place}: a labelled document is {{"text": "…", "answer": …}}, the answer an object or a list of them'
        )
    return Labelled(str(value.get("id", number)), text, answer)
