"""Task: what the model is told to do.

The grammar says what may be written, not what is meant, so the fields are described too: names, types, descriptions. The
part before the document is the same for all documents and is evaluated once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.decoding.chat_template import Message
from engine.extraction.document import readable
from engine.formats.named_languages import NamedLanguage
from engine.schema import Schema
from engine.schema.schema import Alternative, Array, Literals, Number, Object, SchemaId, Text, Vertex

Example = tuple[str, Any]

_TASK_MANY = "Extract every {name} from the text as a JSON array of objects like this:\n{shape}"
_TASK_ONE = "Extract the {name} from the text as JSON like this:\n{shape}"
_TYPES = {"address": "IP address", "interface": "IP interface", "network": "IP network"}
_DEPTH = 4  # how deep nested objects are described; what lies deeper is the grammar's business


@dataclass(frozen=True, slots=True)
class Task:
    """What stands before every document. `answer_writer` are texts with the JSON of their answers."""

    system: str
    examples: tuple[tuple[str, str], ...] = ()

    def messages(self, text: str) -> list[Message]:
        """The conversation up to the answer, with the text made `readable`."""
        turns: list[Message] = [{"role": "system", "content": self.system}]
        for question, answer in self.examples:
            turns += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        return [*turns, {"role": "user", "content": readable(text)}]


def task_for(
    schema: Schema,
    name: str,
    *,
    many: bool,
    instructions: str | None,
    examples: Sequence[tuple[str, str]],
) -> Task:
    """The task for items of `schema`. `instructions` are added to the description; `answer_writer` are texts with JSON
    answers.
    """
    shape = describe(schema)
    lines = [(_TASK_MANY if many else _TASK_ONE).format(name=name, shape=f"[{shape}]" if many else shape)]
    if instructions:
        lines.append(instructions)
    return Task("\n".join(lines), tuple(examples))


def describe(schema: Schema) -> str:
    """The shape of a value in one line: `{"name": string, "age": integer (in years)}`."""
    return _vertex(schema, schema.root, _DEPTH)


def _vertex(schema: Schema, vertex_id: SchemaId, depth: int) -> str:
    vertex = schema.vertices[vertex_id]
    parts: list[str] = []
    for alternative in vertex.alternatives:
        part = _alternative(schema, alternative, depth)
        if part not in parts:
            parts.append(part)
    return " or ".join(parts[:6]) or "nothing"


def _alternative(schema: Schema, alternative: Alternative, depth: int) -> str:
    match alternative.shape:
        case Literals(values):
            return " or ".join(json.dumps(value, ensure_ascii=False) for value in values[:12])
        case Text():
            return _text(alternative.shape)
        case Number(integer=integer):
            return "integer" if integer else "number"
        case Array(prefix, rest):
            if depth == 0:
                return "array"
            items = [_vertex(schema, item, depth - 1) for item in prefix]
            if rest is not None:
                items.append(_vertex(schema, rest, depth - 1) + ", …")
            return "[" + ", ".join(items) + "]"
        case Object(properties, others):
            if depth == 0:
                return "object"
            members = [
                f"{json.dumps(p.name, ensure_ascii=False)}: {_described(schema, p.schema, p.description, depth)}"
                for p in properties
            ]
            if others and not properties:
                members.append("…: " + _vertex(schema, others[0].schema, depth - 1))
            return "{" + ", ".join(members) + "}"


def _text(shape: Text) -> str:
    """A format, or the type that a spelling is of: `date` says more than `string`."""
    spelled = [pattern.kind for pattern in shape.patterns if isinstance(pattern, NamedLanguage)]
    named = [*shape.formats, *(_TYPES.get(kind, kind) for kind in spelled)]
    return named[0] if named else "string"


def _described(schema: Schema, vertex_id: SchemaId, description: str, depth: int) -> str:
    vertex: Vertex = schema.vertices[vertex_id]
    note = description or vertex.description
    text = _vertex(schema, vertex_id, depth - 1)
    return f"{text} ({' '.join(note.split())})" if note else text
