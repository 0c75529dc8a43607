"""Grounded extraction: each document's own grammar and decisions, and the spans of what was extracted from it."""

from __future__ import annotations

import math
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
# What scores are divided by before they become probabilities.
TEMPERATURE = 1.5
_OTHERS = 3

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


@dataclass(frozen=True, slots=True)
class ValueConfidence:
    """How sure a value is: its probability among the values that were considered at its place, null among them, and the JSON
    texts of the best others with theirs."""

    probability: float
    others: tuple[tuple[str, float], ...] = ()


def confidences(document: GroundedDocument, output: bytes, item: FieldPath) -> Mapping[str, ValueConfidence]:
    """How sure the values of one item of an output are, by their JSON pointers within it; only those that were compared as
    wholes, with

        P(value) = exp(score / T) / Σ exp(score of each considered value / T)

    where T is `TEMPERATURE`: scores of small models are too sure of themselves (Guo et al. 2017, "On Calibration of Modern Neural
    Networks")."""
    found: dict[str, ValueConfidence] = {}
    for path, text in document.values(output):
        considered = dict(document.considered.get(path, ()))
        if path[: len(item)] != item or text not in considered:
            continue
        best = max(considered.values())
        weights = {one: math.exp((score - best) / TEMPERATURE) for one, score in considered.items()}
        whole = sum(weights.values())
        others = sorted(
            ((one, weight / whole) for one, weight in weights.items() if one != text), key=lambda one: -one[1]
        )
        shown = tuple((one.decode("utf-8", "replace"), round(share, 4)) for one, share in others[:_OTHERS] if one)
        found[json_pointer(path[len(item) :])] = ValueConfidence(round(weights[text] / whole, 4), shown)
    return found


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
