"""Decisions: where an output fills grounded places, and what a value there is worth beside its probability.

In: a grounded document, and the bytes of an output so far. Out: what the decoder is to do at its end. The grounded fields of an
object are blanks that are filled together; an item of a list is weighed against the list's end by its first grounded value.
A piece of the document belongs to one value: what repeats a piece that an earlier value took is worth less.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.automaton.automaton import Automaton
from engine.automaton.tracker import Container, Tracker
from engine.grammar import grammar as g
from engine.grounding.decision import Continuation, FieldPath, Fill, Span, Write
from engine.grounding.document import GroundedDocument, is_free
from engine.guards.guard import ValueGuard
from engine.lowering.lowering import Style, lower
from engine.masks.mask import Masks, Walks
from engine.masks.matcher import Matcher
from engine.schema.schema import Object, Property, Schema, SchemaId

# How much less a value is worth all of whose pieces were taken by values before it (natural logarithm).
TAKEN = 20.0
# What small models like too well, whatever the document says: null, and pieces of a few characters, for each that is missing.
NULL_WORTH, SHORT, ENOUGH = 1.5, 0.2, 5
END_WORTH = 1.0  # and the end of a list
# How fast a value loses worth with its distance from the value before it in the same object.
NEAR = 1.5
_WORDS = (b"null", b"true", b"false")
_WORD = 8  # characters
_BLANK = b" \n\r\t"


class GroundedDecisions:
    """The decisions of one document's output, in a style that has one spelling for each value."""

    def __init__(self, document: GroundedDocument, walks: Walks, style: Style) -> None:
        self._document, self._walks = document, walks
        self._comma, self._colon = (b",", b":") if style == "compact" else (b", ", b": ")
        self._style = style

    def note(self, path: FieldPath, considered: Sequence[tuple[bytes, float]]) -> None:
        self._document.considered[path] = tuple(considered)

    def at(self, output: bytes, forced: bytes, values: Mapping[FieldPath, bytes]) -> Continuation | Fill | Write | None:
        """What is to be done at the end of `output`, where `forced` must follow and `values` are decided."""
        here = Tracker().feed(output)
        ahead = here.feed(forced)
        container = ahead.container
        if container is None or container.is_object:
            return self._in_object(output, forced, ahead, values)
        return self._in_array(output, here, ahead, values)

    # -- objects

    def _in_object(
        self, output: bytes, forced: bytes, ahead: Tracker, values: Mapping[FieldPath, bytes]
    ) -> Fill | Write | None:
        container = ahead.container
        if container is None:
            return None
        at_value = not container.at_key and (
            ahead.in_string or ahead.in_scalar or ahead.output.rstrip(_BLANK)[-1:] == b":"
        )
        if at_value:
            path = ahead.path
            if path not in values and self._document.is_grounded(path):
                begun = ahead.start if ahead.in_string or ahead.in_scalar else len(ahead.output)
                return self._fill(output, ahead, path[:-1], values) if begun >= len(output) else None
            value = values.get(path, b"")
            written = ahead.output[ahead.start :] if ahead.in_string or ahead.in_scalar else b""
            if not value.startswith(written) or not value[len(written) :]:
                return None
            members = self._members_after(path, values)
            return Write(forced + value[len(written) :] + members)
        if ahead.in_string:
            return None  # a key is chosen
        object_path = ahead.path if container.at_key else ahead.path[:-1]
        following = self._next_property(object_path, container.keys[-1] if container.keys else None)
        if following is None:
            return None
        path = (*object_path, following.name)
        if path not in values:
            return self._fill(output, ahead, object_path, values) if self._document.is_grounded(path) else None
        if not values[path]:
            return None
        lead = b"" if container.at_key else self._comma
        return Write(forced + lead + self._key(following.name) + values[path] + self._members_after(path, values))

    def _members_after(self, path: FieldPath, values: Mapping[FieldPath, bytes]) -> bytes:
        """The members that follow one directly and are decided too."""
        out = b""
        following = self._next_property(path[:-1], path[-1])
        while following is not None and values.get((*path[:-1], following.name)):
            out += self._comma + self._key(following.name) + values[(*path[:-1], following.name)]
            following = self._next_property(path[:-1], following.name)
        return out

    def _next_property(self, path: FieldPath, last: str | int | None) -> Property | None:
        """The declared member behind `last` of the object at `path`, if it is clear which object that is."""
        shape = self._document.object_at(path)
        if shape is None:
            return None
        names = [one.name for one in shape.properties]
        index = names.index(last) + 1 if last in names else 0 if last is None else len(names)
        return shape.properties[index] if index < len(names) else None

    def _key(self, name: str) -> bytes:
        return json.dumps(name, ensure_ascii=False).encode() + self._colon

    def _fill(self, output: bytes, ahead: Tracker, path: FieldPath, values: Mapping[FieldPath, bytes]) -> Fill | None:
        """The blanks of the object at `path`, which begin behind its last member."""
        container, shape = ahead.container, self._document.object_at(path)
        assert container is not None
        if shape is None:
            return None
        keys = container.keys
        awaiting = (
            (not container.at_key and ahead.output.rstrip(_BLANK)[-1:] == b":") or ahead.in_string or ahead.in_scalar
        )
        if awaiting:
            keys = keys[:-1]
        if keys:
            end = (
                ahead.output.rfind(json.dumps(container.keys[-1], ensure_ascii=False).encode())
                if awaiting
                else len(ahead.output)
            )
            start = len(ahead.output[:end].rstrip(b"," + _BLANK))
        else:
            start = container.start
        lead = self._comma if keys else b"{"
        written = output[:start] if start <= len(output) else ahead.output[:start]
        before = self._document.taken(written)
        taken = before + self._document.spans_of(values)
        near = before[-1] if keys and before else None
        blanks = tuple(
            FieldBlank(self, self._document, where, ahead.output[:start], lead + key, vertex, end, taken, near)
            for where, key, vertex, end in self._leaves(path, shape, keys, values)
        )
        return Fill(min(start, len(output)), blanks) if blanks else None

    def _leaves(
        self, path: FieldPath, shape: Object, keys: Sequence[str], values: Mapping[FieldPath, bytes]
    ) -> Iterator[tuple[FieldPath, bytes, SchemaId, bytes]]:
        """The grounded scalar members of an object, with their keys, and of the objects that it must have; and what stands
        behind each."""
        for index, one in enumerate(shape.properties):
            where, key = (*path, one.name), self._key(one.name)
            if one.name in keys or where in values:
                continue
            inner = self._document.object_at(where)
            behind = self._comma + b'"' if index + 1 < len(shape.properties) else b"}"
            if inner is not None and one.required:
                for leaf, keys_inside, vertex, end in self._leaves(where, inner, (), values):
                    yield leaf, key + b"{" + keys_inside, vertex, end
            elif self._document.is_leaf(where):
                yield where, key, one.schema, behind

    def matcher(self, prefix: bytes, vertex: SchemaId, behind: bytes) -> Matcher:
        """What may be written of `prefix`, a value of a vertex and what stands behind it."""
        schema: Schema = replace(self._document.schema, root=vertex)
        grammar = lower(schema, self._style, ValueGuard)
        node = g.Sequence((g.Literal(prefix.decode()), g.RuleRef(grammar.root), g.Literal(behind.decode())))
        whole = g.Grammar({**grammar.rules, "blank": node}, "blank", grammar.depth, grammar.schema_paths)
        return Matcher(Masks(Automaton(whole), self._walks))

    # -- arrays

    def _in_array(
        self, output: bytes, here: Tracker, ahead: Tracker, values: Mapping[FieldPath, bytes]
    ) -> Continuation | None:
        path = ahead.path
        if ahead.in_string or ahead.in_scalar:
            if ahead.start < len(output) or not self._document.is_grounded(path):
                return None
            start = ahead.start
        else:
            if not self._document.has_grounded(path):
                return None
            start = len(ahead.output)
        taken = self._document.taken(output) + self._document.spans_of(values)
        return Deciding(self._document, taken, here, start, _depth(ahead.container))


@dataclass(frozen=True, slots=True)
class FieldBlank:
    """A `Blank`: `before` is the output up to where the blanks of its object begin, `lead` what leads from there to the value."""

    decisions: GroundedDecisions
    document: GroundedDocument
    path: FieldPath
    before: bytes
    lead: bytes
    vertex: SchemaId
    behind: bytes
    taken: tuple[Span, ...]
    near: Span | None

    @property
    def source(self) -> str:
        return self.document.text

    @property
    def key(self) -> bytes:
        return b"{" + self.lead.lstrip(b"{, ")

    def begin(self, offset: int, taken: Sequence[Span]) -> tuple[Matcher, Continuation]:
        prefix = self.before[offset:] + self.lead
        start = offset + len(prefix)
        here = Tracker().feed(self.before[:offset])
        state = Deciding(self.document, (*self.taken, *taken), here, start, near=self.near)
        return self.decisions.matcher(prefix, self.vertex, self.behind), state

    def spans(self, text: bytes) -> tuple[Span, ...]:
        found = self.document.occurrences(self.path, text, closed=True) or []
        return tuple(span for span in found if is_free(span, self.taken)) or tuple(found)


@dataclass(frozen=True, slots=True)
class Deciding:
    """A `Continuation`: `start` is where in the output the decision begins."""

    document: GroundedDocument
    taken: tuple[Span, ...]
    tracker: Tracker
    start: int
    depth: int = 0  # of the list that may end instead
    near: Span | None = None  # the piece of the value before it
    is_over: bool = False
    ends_list: bool = False
    worth: float = 0.0
    text: bytes = b""
    path: FieldPath = ()  # of the value that was decided on

    def feed(self, data: bytes) -> Deciding:
        here = self.tracker
        for index in range(len(data)):
            after = here.feed(data[index : index + 1])
            over = self._over(here, after)
            if over is not None:
                return replace(over, tracker=after)
            here = after
        if here.in_string and not _at_key(here.container) and here.start >= self.start:
            return replace(self, tracker=here, worth=self._worth(here.path, here.output[here.start :], closed=False))
        return replace(self, tracker=here)

    @property
    def has_begun(self) -> bool:
        here = self.tracker
        if self.is_over:
            return True
        in_value = here.in_scalar or (here.in_string and not _at_key(here.container) and here.end > here.start + 1)
        return in_value and self._counts(here.path, here.start)

    def draft(self) -> bytes:
        here = self.tracker
        if not (here.in_string or here.in_scalar) or _at_key(here.container) or here.start < self.start:
            return b""
        return self.document.expected(here.path, here.output[here.start :], self.taken)

    def end(self) -> Deciding:
        return replace(self, is_over=True)

    def _over(self, before: Tracker, after: Tracker) -> Deciding | None:
        """The decision made, if the byte between the two made it."""
        if after.in_scalar and after.value in _WORDS and self._counts(after.path, after.start):
            worth = -NULL_WORTH if after.value == b"null" else 0.0
            return replace(
                self, is_over=True, worth=worth, text=after.value, path=after.path
            )  # only a border can follow
        if before.in_scalar and not after.in_scalar and self._counts(before.path, before.start):
            return self._closed(before.path, before.output[before.start :])
        if (
            before.in_string
            and not after.in_string
            and not _at_key(after.container)
            and self._counts(after.path, before.start)
        ):
            return self._closed(after.path, after.output[before.start :])
        if _depth(after.container) < self.depth:
            return replace(self, is_over=True, ends_list=True, worth=-END_WORTH)
        return None

    def _closed(self, path: FieldPath, text: bytes) -> Deciding:
        return replace(self, is_over=True, worth=self._worth(path, text, closed=True), text=text, path=path)

    def _counts(self, path: FieldPath, start: int) -> bool:
        """Whether the value at the end is the one that is decided on."""
        return start >= self.start and self.document.is_grounded(path)

    def _worth(self, path: FieldPath, text: bytes, *, closed: bool) -> float:
        short = -SHORT * max(0, ENOUGH - (len(text) - 2 if text[:1] == b'"' else ENOUGH)) if closed else 0.0
        if not self.taken and self.near is None:
            return short
        spans = self.document.occurrences(path, text, closed=closed)
        if spans is None:
            return short
        free = [span for span in spans if is_free(span, self.taken)]
        if not free:
            return short - TAKEN
        if self.near is None or not closed:
            return short
        low, high = self.near
        return short - NEAR * math.log1p(min(max(begin - high, low - end, 0) for begin, end in free) / _WORD)


def _at_key(container: Container | None) -> bool:
    return container is not None and container.at_key


def _depth(container: Container | None) -> int:
    return 0 if container is None else container.depth
