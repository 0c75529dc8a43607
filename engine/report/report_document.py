"""Report document: what a report shows of one document, and its line in the page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.basics.json_pointer import escaped_token


@dataclass(frozen=True, slots=True)
class ReportDocument:
    """`objects` are JSON texts, so that numbers stay as they are spelled. `spans` (in characters; None: nowhere in the text),
    `confidence` (from 0 to 1), `others` (what was considered beside a value, with its probability) and `cut` go by JSON pointers
    within the list of objects. `text` is None where it is not at hand, `error` a type and a message."""

    id: str | int
    text: str | None
    objects: Sequence[str] = ()
    spans: Mapping[str, Sequence[int] | None] = field(default_factory=dict)
    confidence: Mapping[str, float] = field(default_factory=dict)
    cut: Sequence[str] = ()
    finish: str | None = None
    error: tuple[str, str] | None = None
    others: Mapping[str, Sequence[tuple[str, float]]] = field(default_factory=dict)

    def line(self) -> str:
        """One line of JSON that may stand in a `script` element."""
        error = None if self.error is None else {"type": self.error[0], "message": self.error[1]}
        members = {"id": self.id, "text": self.text, "spans": dict(self.spans), "confidence": dict(self.confidence),
                   "cut": list(self.cut), "finish": self.finish, "error": error}  # fmt: skip
        objects = ", ".join(text.replace("\n", " ") for text in self.objects)
        head = json.dumps(members, ensure_ascii=False)
        return _harmless(f'{head[:-1]}, "objects": [{objects}]}}')

    def leaves(self) -> Iterator[tuple[str, str, Any]]:
        """The values that are no lists and no objects with something in them: pointer, field (a pointer from the object on, with
        "*" for each index), value."""
        for index, text in enumerate(self.objects):
            yield from _leaves(json.loads(text), f"/{index}", "")


def header_line(documents: Sequence[ReportDocument], *, many: bool, digest: str) -> str:
    """What the page knows before it parses any document: all fields, and of each document what its list shows."""
    fields: dict[str, None] = {}
    index = []
    for document in documents:
        absent = False
        for pointer, name, value in document.leaves():
            fields[name] = None
            absent = absent or (value is not None and document.spans.get(pointer, ()) is None)
        flags = (document.error is not None) + 2 * bool(document.cut) + 4 * absent
        least = min(document.confidence.values(), default=None)
        index.append([document.id, flags, len(document.objects), least])
    header = {"many": many, "digest": digest, "fields": list(fields), "index": index}
    return _harmless(json.dumps(header, ensure_ascii=False))


def _leaves(value: Any, pointer: str, name: str) -> Iterator[tuple[str, str, Any]]:
    if isinstance(value, dict) and value:
        for key, member in value.items():
            step = escaped_token(key)
            yield from _leaves(member, f"{pointer}/{step}", f"{name}/{step}")
    elif isinstance(value, list) and value:
        for index, member in enumerate(value):
            yield from _leaves(member, f"{pointer}/{index}", f"{name}/*")
    else:
        yield pointer, name, value


def _harmless(text: str) -> str:
    """JSON without a character that could end a `script` element or a line."""
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
