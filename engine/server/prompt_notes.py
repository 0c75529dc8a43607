"""Prompt notes: what the model is told of a schema or of tools; the grammar says what may be written, not what is meant."""

from __future__ import annotations

import json
from typing import Any

from engine.decoding.chat_template import Message
from engine.extraction.compilation import read_schema
from engine.extraction.task import describe
from engine.server.constraint_grammar import json_schema

_LONGEST = 4000  # characters of a description


def schema_note(schema: str) -> str:
    """The shape of the JSON that is wanted, in a line; nothing where it is too long to help."""
    note = f"Answer as JSON like this:\n{describe(read_schema(json_schema(schema)))}"
    return note if len(note) <= _LONGEST else ""


def tool_note(tools: list[dict[str, Any]], *, optional: bool) -> str:
    """The tools and how one is called."""
    lines = ["Tools:"]
    for tool in tools:
        shown = {key: tool[key] for key in ("name", "description", "parameters") if key in tool}
        lines.append(json.dumps(shown, ensure_ascii=False))
    call = 'Call one with {"name": …, "arguments": {…}}'
    lines.append(f"{call}, or answer in words." if optional else f"{call}.")
    return "\n".join(lines)


def with_note(messages: list[Message], note: str) -> list[Message]:
    """The conversation with a note at the end of its system message, which is added where there is none."""
    if messages[0]["role"] == "system":
        first = {**messages[0], "content": f"{messages[0]['content']}\n\n{note}"}
        return [first, *messages[1:]]
    return [{"role": "system", "content": note}, *messages]
