"""Grounded extraction: each document's own grammar and decisions, and the spans of what was extracted from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engine.automaton.automaton import Automaton
from engine.basics.json_pointer import json_pointer
from engine.errors import GrammarEmpty, NotInText, UsageError
from engine.extraction.compilation import lower_schema
from engine.grounding.decision import FieldPath, Span
from engine.grounding.decisions import GroundedDecisions
from engine.grounding.document import GroundedDocument
from engine.grounding.ground import Grounder
from engine.grounding.recognisers import usual_recognisers
from engine.grounding.source_text import SourceText
from engine.lowering.lowering import Style
from engine.masks.mask import Masks, Walks
from engine.masks.matcher import Matcher
from engine.schema.schema import Schema

GroundedMode = Literal[True, False, "prefer"]
Rank = Literal["calibrated", "probability", "greedy"]


@dataclass(frozen=True, slots=True)
class SourceSpan:
    """Where a value stands in its document: `[start, end)` in characters, `[byte_start, byte_end)` in its UTF-8. `others` are
    the further places that have the same text, or the same reading."""

    start: int
    end: int
    byte_start: int
    byte_end: int
    others: tuple[Span, ...] = ()

    def moved(self, characters: int, size: int) -> SourceSpan:
        """The span of the same value in a longer text, which has so many characters, of so many bytes, before this one."""
        others = tuple((low + characters, high + characters) for low, high in self.others)
        return SourceSpan(
            self.start + characters, self.end + characters, self.byte_start + size, self.byte_end + size, others
        )


@dataclass(frozen=True, slots=True)
class Opened:
    """What a document is decoded with."""

    matcher: Matcher
    decisions: GroundedDecisions | None
    document: GroundedDocument


class GroundedDocuments:
    """Opens documents under `schema`, the schema of the whole output."""

    def __init__(self, schema: Schema, style: Style, grounded: GroundedMode, rank: Rank) -> None:
        if style == "any":
            raise UsageError("grounded values have one spelling each; style 'any' has many: take 'spaced' or 'compact'")
        self._style, self._rank = style, rank
        self._grounder = Grounder(schema, usual_recognisers(), prefer=grounded == "prefer")

    def open(self, index: int, text: str, walks: Walks, *, decide: bool) -> Opened:
        """The grammar of what a text says; `NotInText` where that leaves no output. `decide`: values are compared as wholes."""
        grounded = self._grounder.ground(SourceText(text))
        try:
            automaton = Automaton(lower_schema(grounded.schema, self._style))
        except GrammarEmpty as error:
            raise NotInText(index, grounded.missing) from error
        document = GroundedDocument(grounded)
        decisions = GroundedDecisions(document, walks, self._style) if decide and self._rank != "greedy" else None
        return Opened(Matcher(Masks(automaton, walks)), decisions, document)


def source_spans(document: GroundedDocument, output: bytes, item: FieldPath) -> Mapping[str, SourceSpan | None]:
    """The spans of the grounded values of one item of an output, by their JSON pointers within it; None for a value that stands
    nowhere in the document."""
    found: dict[str, SourceSpan | None] = {}
    text = document.text
    for path, span in document.chosen(output).items():
        if path[: len(item)] != item:
            continue
        where = json_pointer(path[len(item) :])
        if span is None:
            found[where] = None
            continue
        low, high = span
        before = len(text[:low].encode("utf-8", "surrogatepass"))
        size = len(text[low:high].encode("utf-8", "surrogatepass"))
        others = tuple(other for other in document.places(path) if other != span)
        found[where] = SourceSpan(low, high, before, before + size, others)
    return found
