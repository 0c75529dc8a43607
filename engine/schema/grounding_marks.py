"""Grounding marks: what a type says of where its values come from.

They are annotations of a Pydantic field, `Annotated[str, Verbatim()]`, and reach the Schema with its vertex.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

MARK = "engine_grounding"  # under which the metadata of a core schema holds one


@dataclass(frozen=True, slots=True)
class _Mark:
    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """The type's own schema, with the mark on it."""
        schema = dict(handler(source))
        schema["metadata"] = {**(schema.get("metadata") or {}), MARK: self}
        return schema


@dataclass(frozen=True, slots=True)
class Verbatim(_Mark):
    """The text is a piece of the document: whole words, whole lines or any characters of it, at most `max_words` words.

    White space is folded: one blank stands for any run of it in the document, a line's end included.
    """

    of: Literal["words", "lines", "characters"] = "words"
    max_words: int | None = None


@dataclass(frozen=True, slots=True)
class Free(_Mark):
    """The value need not stand in the document, whatever else is grounded."""


Grounding = Verbatim | Free
