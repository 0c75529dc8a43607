"""Grounded document: which places of an output are grounded, and where their values stand in the document.

The places are found by walking the schema along a path of keys and indices. A value stands wherever the document has its
text (blanks folded), or a reading of it; which of these is meant is chosen in the order of the output: one that no value
before it took, and the nearest behind the piece before it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping

from engine.automaton.tracker import Tracker
from engine.grounding.decision import FieldPath, Span
from engine.grounding.ground import Grounded, grounding_kind
from engine.grounding.readings import spellings
from engine.schema.schema import Alternative, Array, Object, SchemaId

_EXPECTED = 80  # characters
_TO_BORDER = re.compile(r"\W*[^,;:()|\n]*")  # as far as a piece is likely to go


class GroundedDocument:
    """One document under one schema. `places` is the schema before it was grounded."""

    def __init__(self, grounded: Grounded) -> None:
        self._grounded = grounded
        self._schema = grounded.free
        self.schema = grounded.schema
        self._source = grounded.source
        self.text = grounded.source.text
        self._seen, self._scalars = (
            Tracker(),
            list[tuple[FieldPath, bytes]](),
        )  # of the output that was asked about last
        # What was considered for a value, with scores (natural logarithms), where values were compared as wholes.
        self.considered: dict[FieldPath, tuple[tuple[bytes, float], ...]] = {}
        self._spans: dict[bytes, list[Span]] = {}
        for readings in grounded.readings.values():
            for reading in readings:
                for is_text in (False, True):
                    for text, _ in spellings(reading.value, is_text=is_text):
                        spans = self._spans.setdefault(text, [])
                        if (reading.start, reading.end) not in spans:
                            spans.append((reading.start, reading.end))

    # -- places

    def is_grounded(self, path: FieldPath) -> bool:
        """Whether a value at `path` is filled from the document."""
        return any(grounding_kind(one) is not None for one in self._alternatives(path))

    def has_grounded(self, path: FieldPath) -> bool:
        """Whether a value at `path` is filled from the document, or has a part that is."""
        return self.is_grounded(path) or any(self._parts_grounded(one, set()) for one in self._alternatives(path))

    def is_leaf(self, path: FieldPath) -> bool:
        """Whether what stands at `path` is a scalar that is filled from the document."""
        alternatives = self._alternatives(path)
        return self.is_grounded(path) and not any(isinstance(one.shape, Array | Object) for one in alternatives)

    def object_at(self, path: FieldPath) -> Object | None:
        """The shape of the object at `path`, where nothing else can stand there."""
        alternatives = self._alternatives(path)
        shape = alternatives[0].shape if len(alternatives) == 1 else None
        return shape if isinstance(shape, Object) else None

    def _alternatives(self, path: FieldPath) -> list[Alternative]:
        here = [self._schema.root]
        for step in path:
            here = [known for vertex in here for known in self._below(vertex, step)]
        return [one for vertex in here for one in self._schema.vertices[vertex].alternatives]

    def _below(self, vertex: SchemaId, step: str | int) -> Iterator[SchemaId]:
        for alternative in self._schema.vertices[vertex].alternatives:
            match alternative.shape:
                case Array(prefix, rest) if isinstance(step, int):
                    if step < len(prefix):
                        yield prefix[step]
                    elif rest is not None:
                        yield rest
                case Object(properties, others) if isinstance(step, str):
                    named = [one.schema for one in properties if step in (one.name, *one.aliases)]
                    yield from named or [one.schema for one in others]

    def _parts_grounded(self, alternative: Alternative, seen: set[SchemaId]) -> bool:
        match alternative.shape:
            case Array(prefix, rest):
                below = [*prefix, *([rest] if rest is not None else [])]
            case Object(properties, others):
                below = [*(one.schema for one in properties), *(one.schema for one in others)]
            case _:
                return grounding_kind(alternative) is not None
        fresh = [vertex for vertex in below if vertex not in seen]
        seen.update(fresh)
        found = [one for vertex in fresh for one in self._schema.vertices[vertex].alternatives]
        return any(self._parts_grounded(one, seen) for one in found)

    # -- where values stand

    def occurrences(self, path: FieldPath, text: bytes, *, closed: bool) -> list[Span] | None:
        """The places in the document of a value, or of the ones that begin so; None where it need not stand there."""
        alternatives = self._alternatives(path)
        kinds = {grounding_kind(one) for one in alternatives}
        if text in (b"null", b"true", b"false", b'"', b"") or not kinds - {None}:
            return None
        found: list[Span] = []
        if "verbatim" in kinds and text[:1] == b'"':
            content = str(json.loads(text)) if closed else partial_text(text)
            found += self._pieces(content)
        if kinds - {None, "verbatim"}:
            if closed:
                found += self._spans.get(text, ())
            else:
                found += [span for known, spans in self._spans.items() if known.startswith(text) for span in spans]
        return found

    def expected(self, path: FieldPath, text: bytes, taken: tuple[Span, ...]) -> bytes:
        """What may follow the beginning of a value, as far as the document goes on so."""
        kinds = {grounding_kind(one) for one in self._alternatives(path)}
        if "verbatim" in kinds and text[:1] == b'"':
            content, folded = partial_text(text), self._source.folded
            at = folded.find(content) if content else -1
            while at >= 0:
                low, high = self._source.span(at, at + len(content))
                if is_free((low, high), taken):
                    following = folded[at + len(content) : at + len(content) + _EXPECTED]
                    likely = _TO_BORDER.match(following)
                    return json.dumps(likely[0] if likely else following, ensure_ascii=False).encode()[1:-1]
                at = folded.find(content, at + 1)
            return b""
        if kinds - {None, "verbatim"}:
            return next((known[len(text) :] for known in self._spans if known.startswith(text)), b"")
        return b""

    def _pieces(self, content: str) -> list[Span]:
        if not content:
            return []
        found, folded = [], self._source.folded
        at = folded.find(content)
        while at >= 0:
            found.append(self._source.span(at, at + len(content)))
            at = folded.find(content, at + 1)
        return found

    def taken(self, output: bytes) -> tuple[Span, ...]:
        """The pieces that the values of an output, which may be unfinished, stand for, in their order."""
        return tuple(span for span in self.chosen(output).values() if span is not None)

    def values(self, output: bytes) -> list[tuple[FieldPath, bytes]]:
        """The scalars of an output that have closed, with their paths."""
        if not output.startswith(self._seen.output):
            self._seen, self._scalars = Tracker(), []
        for index in range(len(self._seen.output), len(output)):
            after = self._seen.feed(output[index : index + 1])
            self._scalars += _closed(self._seen, after)
            self._seen = after
        return self._scalars

    def chosen(self, output: bytes) -> dict[FieldPath, Span | None]:
        """For each grounded value of an output the piece that it stands for; None where it stands nowhere."""
        pieces: dict[FieldPath, Span | None] = {}
        for path, text in self.values(output):
            spans = self.occurrences(path, text, closed=True)
            if spans is not None:
                taken = [span for span in pieces.values() if span is not None]
                pieces[path] = _nearest(spans, taken) if spans else None
        return pieces

    def places(self, path: FieldPath) -> list[Span]:
        """All places of the value at a path of the output that was asked about last."""
        text = next(text for known, text in self._scalars if known == path)
        return self.occurrences(path, text, closed=True) or []

    def spans_of(self, values: Mapping[FieldPath, bytes]) -> tuple[Span, ...]:
        """The pieces of values that are decided."""
        found: list[Span] = []
        for path, text in values.items():
            spans = self.occurrences(path, text, closed=True) if text else None
            if spans:
                found.append(_nearest(spans, found))
        return tuple(found)


def is_free(span: Span, taken: Collection[Span]) -> bool:
    """Whether no character of a piece is in another one."""
    return not any(span[0] < high and low < span[1] for low, high in taken)


def _nearest(spans: list[Span], taken: list[Span]) -> Span:
    """The first that is free behind the piece before, else any that is free, else the first."""
    free = [span for span in spans if is_free(span, taken)]
    at = taken[-1][1] if taken else 0
    return min([span for span in free if span[0] >= at] or free or spans)


def _closed(before: Tracker, after: Tracker) -> Iterator[tuple[FieldPath, bytes]]:
    """The scalar value that the byte between the two closes, if it does."""
    if before.in_string and not after.in_string and not (after.container is not None and after.container.at_key):
        yield after.path, after.output[before.start :]
    elif before.in_scalar and not after.in_scalar:
        yield before.path, before.output[before.start :]


def partial_text(data: bytes) -> str:
    """The decoded text of a JSON string that may not have come to its end."""
    body = data[1:]
    while body:
        try:
            return str(json.loads(b'"' + body + b'"', strict=False))
        except ValueError:
            body = body[:-1]
    return ""
