"""Ground: a schema and a document → the schema of what the document says.

Strings become pieces of the document, whatever else is demanded of them; dates, times, durations and numbers become the list
of their readings in it, each tried against all constraints of its place. What a type marks as free stays as it is, and so do
booleans, null and choices. A place of which the document says nothing loses its alternatives: the grammar writes null there
if it may, leaves an optional member out, and has no text at all where it must have one; `prefer` keeps the free alternatives
there instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from engine.automaton.automaton import DEAD, Automaton, Conditional
from engine.automaton.tracker import Tracker
from engine.errors import GrammarEmpty
from engine.formats.named_languages import NamedLanguage
from engine.grounding.readings import spellings
from engine.grounding.recogniser import Reading, Recogniser
from engine.grounding.source_text import SourceText
from engine.guards.guard import ValueGuard
from engine.lowering.lowering import lower
from engine.schema.grounding_marks import Free, Verbatim
from engine.schema.schema import Alternative, Json, Literals, Number, Schema, SchemaId, Text, Vertex

_VERBATIM = Verbatim()
# Texts that are a reading of the document, by the name of their format or spelling.
_READ = {
    "date": "date",
    "date-time": "date-time",
    "time": "time",
    "duration": "duration",
    "decimal": "number",
    "email": "email",
    "idn-email": "email",
    "uri": "url",
    "url": "url",
}
# Spellings that no text has of itself.
_ENCODED = ("base64-text", "base64url-text", "base64url", "hexadecimal")


class Accepts:
    """Whether the canonical JSON of a value is in what one alternative allows."""

    def __init__(self, schema: Schema, alternative: Alternative) -> None:
        root = SchemaId(max(schema.vertices) + 1)
        vertices = {root: Vertex((alternative,)), **schema.vertices}
        self._automaton: Automaton | None = None  # where no text at all is allowed
        with suppress(GrammarEmpty):
            self._automaton = Automaton(lower(replace(schema, vertices=vertices, root=root), "spaced", ValueGuard))

    def __call__(self, text: bytes) -> bool:
        if self._automaton is None:
            return False
        state, tracker = self._automaton.start, Tracker()
        for byte in text:
            step = self._automaton.step(state, byte)
            after = tracker.feed(bytes((byte,)))
            state = self._automaton.resolve(step, tracker, after) if isinstance(step, Conditional) else step
            if state == DEAD:
                return False
            tracker = after
        return self._automaton.may_end(state, tracker)

    @property
    def anything(self) -> bool:
        """Whether any text is allowed at all."""
        return self._automaton is not None


@dataclass(frozen=True, slots=True)
class Grounded:
    """A schema as one document fills it. `missing` are the places of which the document says nothing."""

    schema: Schema
    free: Schema  # before it was grounded
    source: SourceText
    readings: Mapping[str, tuple[Reading, ...]]  # by kind
    missing: tuple[str, ...] = ()


class Grounder:
    """Grounds one schema in one document after the other."""

    def __init__(self, schema: Schema, recognisers: Mapping[str, Recogniser], *, prefer: bool = False) -> None:
        self.schema = schema
        self._recognisers = recognisers
        self._prefer = prefer
        self._kinds = {
            kind for vertex in schema.vertices.values() for one in vertex.alternatives if (kind := grounding_kind(one))
        }
        self._accepts: dict[tuple[SchemaId, int], Accepts] = {}

    def ground(self, source: SourceText) -> Grounded:
        """The schema of what a document says."""
        missing: list[str] = []
        vertices: dict[SchemaId, Vertex] = {}
        readings = {
            kind: tuple(sorted(recogniser.readings(source.text)))
            for kind, recogniser in self._recognisers.items()
            if kind in self._kinds
        }
        grounded = Grounded(self.schema, self.schema, source, readings)
        for known, vertex in self.schema.vertices.items():
            found = tuple(self._alternatives(grounded, known, vertex, missing))
            vertices[known] = replace(vertex, alternatives=found)
        return replace(grounded, schema=replace(self.schema, vertices=vertices), missing=tuple(missing))

    def _alternatives(
        self, grounded: Grounded, known: SchemaId, vertex: Vertex, missing: list[str]
    ) -> Iterator[Alternative]:
        for index, alternative in enumerate(vertex.alternatives):
            kind = grounding_kind(alternative)
            if kind is None:
                yield alternative
                continue
            if kind == "verbatim":
                said = self._verbatim(grounded.source, alternative)
            else:
                said = self._read(
                    grounded.readings.get(kind, ()), alternative, self._acceptor(known, index, alternative)
                )
            if said is None:
                missing.append(alternative.path)
            if said is not None or self._prefer:
                yield said or alternative

    def _verbatim(self, source: SourceText, alternative: Alternative) -> Alternative | None:
        """The pieces of the document that an alternative allows; None where there is none."""
        assert isinstance(alternative.shape, Text)
        mark = alternative.grounding if isinstance(alternative.grounding, Verbatim) else _VERBATIM
        pieces = source.pieces(mark).pieces
        if not pieces.alive:
            return None
        found = replace(alternative, shape=replace(alternative.shape, pieces=pieces))
        return found if _is_plain(alternative) or Accepts(self.schema, found).anything else None

    def _read(self, readings: Iterable[Reading], alternative: Alternative, accepts: Accepts) -> Alternative | None:
        """The values among the readings that an alternative allows; None where there is none."""
        values: dict[bytes, Json] = {}
        for reading in readings:
            for text, value in spellings(reading.value, is_text=isinstance(alternative.shape, Text)):
                if text in values or accepts(text):
                    values.setdefault(text, value)
                    break
        return replace(alternative, shape=Literals(tuple(values.values())), checks=()) if values else None

    def _acceptor(self, known: SchemaId, index: int, alternative: Alternative) -> Accepts:
        found = self._accepts.get((known, index))
        if found is None:
            found = self._accepts[known, index] = Accepts(self.schema, alternative)
        return found


def grounding_kind(alternative: Alternative) -> str | None:
    """How a value of this alternative stands in a document: "verbatim", as a reading of some kind, or None: not at all."""
    if isinstance(alternative.grounding, Free):
        return None
    match alternative.shape:
        case Number():
            return "number"
        case Text(content=None) as text:
            named = [pattern.kind for pattern in text.patterns if isinstance(pattern, NamedLanguage)]
            if any(name in _ENCODED for name in named):
                return None
            return next((_READ[name] for name in (*named, *text.formats) if name in _READ), "verbatim")
    return None


def _is_plain(alternative: Alternative) -> bool:
    """Whether any piece will do."""
    text = alternative.shape
    return isinstance(text, Text) and not (text.min_length > 1 or text.max_length or text.patterns or text.formats)
