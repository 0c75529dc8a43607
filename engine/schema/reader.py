"""Reader: JSON Schema → Schema.

A vertex of the graph stands for a set of places in the document whose schemas must all hold. Reading is a worklist over
such sets: each is brought into disjunctive normal form (engine.schema.dnf), each conjunction into one shape a kind of value
(engine.schema.shapes), and the shapes name sets again. Siblings of `$ref`, `allOf`, `properties` beside `anyOf` and so on
come out by construction, and recursion is a cycle of ids. Vertices without any value are removed at the end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from engine.errors import SchemaEnveloped, SchemaError, UnsupportedSchema
from engine.regular.expression import WORK_LIMIT, bounded
from engine.regular.python_pattern import PatternUnknown
from engine.schema.assertions import assertions_of
from engine.schema.disjunction import REFERENCES, reference
from engine.schema.dnf import to_dnf
from engine.schema.emptiness import without_empty
from engine.schema.envelopes import find_envelope
from engine.schema.location import Location, SchemaDocument
from engine.schema.schema import Alternative, Json, Schema, SchemaId, Vertex
from engine.schema.shapes import alternatives, distinct_alternatives

_WORK = WORK_LIMIT  # of all searches whether patterns overlap
MOST_VERTICES = 100_000
MOST_COMBINATIONS = 4_000  # of two schemas or more
MOST_ALTERNATIVES = 80_000  # of all vertices together


def read_json_schema(document: Json, *, allow_unenforced: Collection[str] = ()) -> Schema:
    """The graph of a JSON Schema.

    `allow_unenforced` names keywords (`"$schema"`) or their JSON pointers (`"/properties/a/format"`) that may go
    unenforced; all else that is not enforced raises UnsupportedSchema, a malformed schema SchemaError, one without any
    valid value UnsatisfiableSchema.
    """
    if (envelope := find_envelope(document)) is not None:
        raise SchemaEnveloped(envelope.kind, envelope.pointers)
    try:
        opened = SchemaDocument(document, allow_unenforced=allow_unenforced)
    except (TypeError, ValueError) as error:
        raise SchemaError("", "", f"not a JSON document: {error}") from None
    except RecursionError:
        raise SchemaError("", "", "nested too deeply") from None
    return read_document(opened)


def read_document(document: SchemaDocument) -> Schema:
    """The graph of an opened document."""
    reader = SchemaBuilder()
    try:
        with bounded(_WORK):
            root = reader.vertex([document.root])
            reader.run()
    except RecursionError:
        raise SchemaError("", "", "nested too deeply") from None
    except PatternUnknown as error:
        raise UnsupportedSchema("", "pattern", str(error)) from None
    return without_empty(reader.vertices, root, tuple(document.annotations), document.unenforced)


class SchemaBuilder:
    """The worklist. `vertex` hands out ids, `run` fills the vertices in."""

    def __init__(self) -> None:
        self.vertices: dict[SchemaId, Vertex] = {}
        self._ids: dict[frozenset[Location], SchemaId] = {}
        self._todo: list[tuple[SchemaId, list[Location]]] = []
        self._never: SchemaId | None = None
        self._combined = 0
        self._targets: dict[Location, Location | None] = {}

    def vertex(self, locations: Iterable[Location]) -> SchemaId:
        """The id of the conjunction of these places."""
        wanted: dict[Location, None] = {}
        for location in locations:
            if location.value is False:
                return self.never()
            found = self._targets[location] if location in self._targets else self._resolved(location)
            if found is None:
                continue
            if found.value is False:
                return self.never()
            wanted[found] = None
        key = frozenset(wanted)
        known = self._ids.get(key)
        if known is None:
            self._combined += len(wanted) > 1
            known = self._new_id(next(iter(wanted), None))
            self._ids[key] = known
            self._todo.append((known, list(wanted)))
        return known

    def never(self) -> SchemaId:
        """The vertex that has no value."""
        if self._never is None:
            self._never = self._new_id(None)
            self.vertices[self._never] = Vertex(())
        return self._never

    def _new_id(self, place: Location | None) -> SchemaId:
        made = SchemaId(len(self._ids) + (self._never is not None))
        if made > MOST_VERTICES or self._combined > MOST_COMBINATIONS:
            raise SchemaError(place.path if place else "", "", "too many combinations of schemas")
        return made

    def _resolved(self, location: Location) -> Location | None:
        """Where a bare reference leads in the end; None for what asserts nothing."""
        start, passed = location, set()
        while location.value is not True:
            facts = assertions_of(location)
            if facts.asserts_nothing:
                break
            keyword = facts.applicators[0] if len(facts.applicators) == 1 and facts.only_applies else ""
            if keyword not in REFERENCES or location in passed:
                return self._targets.setdefault(start, location)
            passed.add(location)
            location = reference(location, keyword)
            if location.value is False:
                return self._targets.setdefault(start, location)
        return self._targets.setdefault(start, None)

    def run(self) -> None:
        """Fill in every vertex that was asked for."""
        made = 0
        while self._todo:
            known, locations = self._todo.pop()
            found: list[Alternative] = []
            for conjunction in to_dnf(locations):
                found += alternatives(self, conjunction)
            made += len(found)
            if made > MOST_ALTERNATIVES:
                path = locations[0].path if locations else ""
                raise SchemaError(path, "", f"there are more alternatives up to here than {MOST_ALTERNATIVES}")
            self.vertices[known] = Vertex(distinct_alternatives(found), *_named(locations))


def _named(locations: list[Location]) -> tuple[str, str]:
    """A title and a description."""
    title = _first(locations, "title")
    named = (one for one in locations if one.parent is not None and one.parent.token in ("$defs", "definitions"))
    title = title or next((one.token for one in named), "")
    return title, _first(locations, "description")


def _first(locations: list[Location], keyword: str) -> str:
    said = (location.value.get(keyword) for location in locations if isinstance(location.value, dict))
    return next((text for text in said if isinstance(text, str) and text), "")
