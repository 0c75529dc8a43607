"""Record: one line of a job's output, for one document.

    {"id": "a-7", "objects": [{"name": "Mary"}], "finish": "complete", "cut": [], "error": null, "input": "9f0c…",
     "spans": {"/0/name": [0, 4]}, "chunks": 1, "prompt_tokens": 61, "seconds": 0.412}

`objects` are the texts that the model wrote, which validate as they stand: the values that a type makes of them (defaults
filled in, dates parsed) need not validate again. `finish` is "complete", "budget", "loop" or null, and `cut` the JSON pointers,
within `objects`, of what the budget changed; `error` has a type of `engine.errors` and a message. `spans`, of grounded values
only, says by the same pointers where they stand in the document, in characters, or null where they stand nowhere. `input` is
a digest of the text that was read, `seconds` the only member that two runs do not share.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import NoneType
from typing import Any

from engine.errors import EngineError
from engine.extraction.document import DocumentId, Result

RecordedSpans = Mapping[str, Sequence[int] | None]
# The members of a line, in order. The optional ones are there only where values are grounded.
_OPTIONAL = ("spans", "confidence")
_KINDS: dict[str, tuple[type, ...]] = {
    "id": (str, int),
    "objects": (list,),
    "finish": (str, NoneType),
    "cut": (list,),
    "error": (dict, NoneType),
    "input": (str,),
    "spans": (dict,),
    "confidence": (dict,),
    "chunks": (int,),
    "prompt_tokens": (int,),
    "seconds": (int, float),
}


@dataclass(frozen=True, slots=True)
class RecordedOutcome:
    """What a worker says of a document; `error` is a type and a message, which travel where exceptions do not."""

    objects: tuple[str, ...] = ()
    finish: str | None = None
    error: tuple[str, str] | None = None
    cut: tuple[str, ...] = ()
    chunks: int = 1
    prompt_tokens: int = 0
    seconds: float = 0.0
    spans: RecordedSpans = field(default_factory=dict)
    confidence: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, result: Result) -> RecordedOutcome:
        """A result without what only this process knows."""
        # Inside a JSON text a line end is white space between two tokens, never a part of a string.
        objects = tuple(found.text.replace("\n", " ") for found in result.objects)
        error = None if result.error is None else describe_error(result.error)
        counts = result.chunks, result.prompt_tokens, round(result.seconds, 3)
        spans: dict[str, Sequence[int] | None] = {
            where: None if span is None else (span.start, span.end) for where, span in result.spans.items()
        }
        sure = {where: one.probability for where, one in result.confidence.items()}
        return cls(objects, result.finish, error, result.cut, *counts, spans, sure)

    @classmethod
    def failed(cls, error: EngineError, seconds: float = 0.0) -> RecordedOutcome:
        return cls(error=describe_error(error), seconds=round(seconds, 3))


@dataclass(frozen=True, slots=True)
class Record:
    """A line that was read back."""

    id: DocumentId
    objects: tuple[Any, ...]
    finish: str | None
    cut: list[str]
    error: dict[str, str] | None
    input: str
    chunks: int
    prompt_tokens: int
    seconds: float
    spans: RecordedSpans = field(default_factory=dict)
    confidence: Mapping[str, float] = field(default_factory=dict)


def describe_error(error: EngineError) -> tuple[str, str]:
    """An error's type and text; the document's number in some worker's run means nothing to anybody."""
    place = getattr(error, "document", None)
    return type(error).__name__, str(error).removeprefix(f"document {place}: ")


def line_of(document_id: DocumentId, digest: str, outcome: RecordedOutcome) -> bytes:
    """The line of a document, with its end."""
    error = None if outcome.error is None else {"type": outcome.error[0], "message": outcome.error[1]}
    members = [
        f'{{"id": {_json(document_id)}',
        f'"objects": [{", ".join(outcome.objects)}]',
        f'"finish": {_json(outcome.finish)}',
        f'"cut": {_json(outcome.cut)}',
        f'"error": {_json(error)}',
        f'"input": {_json(digest)}',
        *([f'"spans": {_json(outcome.spans)}'] if outcome.spans else []),
        *([f'"confidence": {_json(outcome.confidence)}'] if outcome.confidence else []),
        f'"chunks": {outcome.chunks}',
        f'"prompt_tokens": {outcome.prompt_tokens}',
        f'"seconds": {outcome.seconds}}}\n',
    ]
    return ", ".join(members).encode()


def read_line(line: bytes) -> Record | None:
    """The record of a line; None where it is not a record, or is incomplete."""
    if not line.endswith(b"\n"):
        return None
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    expected = tuple(name for name in _KINDS if name not in _OPTIONAL or (isinstance(row, dict) and name in row))
    if not isinstance(row, dict) or tuple(row) != expected:
        return None
    if any(not isinstance(value, _KINDS[name]) or isinstance(value, bool) for name, value in row.items()):
        return None
    return Record(**{**row, "objects": tuple(row["objects"])})


def object_texts(line: bytes) -> list[str] | None:
    """The objects of a record's line as they are spelled: a number's digits are not those of a float. None where the line
    has another form than a job gives it."""
    try:
        text = line.decode()
        decoder = json.JSONDecoder()
        at = _behind(text, 0, '{"id": ')
        _, at = decoder.raw_decode(text, at)
        at = _behind(text, at, ', "objects": [')
        found: list[str] = []
        while text[at] != "]":
            if found:
                at = _behind(text, at, ", ")
            _, end = decoder.raw_decode(text, at)
            found.append(text[at:end])
            at = end
    except (ValueError, IndexError):
        return None
    return found


def _behind(text: str, at: int, part: str) -> int:
    if not text.startswith(part, at):
        raise ValueError(part)
    return at + len(part)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
