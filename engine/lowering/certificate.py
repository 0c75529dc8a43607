"""Certificate: for each path of a model, what enforces its constraints, and what about it is costly or loose.

Takes a Schema and what its lowering noted. Paths are JSON pointers into the schema document, as in messages and in
`allow_unenforced`; the places of a recursive model are finite there. An entry "grammar" holds for the printed GBNF alone;
"guard" is judged on the closed value while decoding; "annotation" asserts nothing; "nothing" was let through by
`allow_unenforced`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from engine.lowering.enforcement import By, Enforcement
from engine.lowering.lint import Lint, lints
from engine.lowering.plain_schema import shows
from engine.lowering.schema_paths import SchemaPaths
from engine.schema import schema as s

_VALIDATOR = "Python validator, run as the value closes"
_EVERY_TYPE = {"object", "array", "string", "number", "null or boolean"}
_WEAKER: tuple[By, ...] = ("annotation", "grammar", "guard", "nothing")
ANY_JSON_VALUE = "any JSON value"


@dataclass(frozen=True, slots=True)
class CertificateEntry:
    """One constraint at one path. `keyword` is JSON Schema's, or the name of a validator."""

    path: str
    keyword: str
    by: By
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Cost:
    """What the guard `keyword` at a path may cost."""

    path: str
    keyword: str
    text: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """`lost` are the entries that the plain JSON Schema of a Pydantic type would not have shown."""

    entries: tuple[CertificateEntry, ...]
    lints: tuple[Lint, ...] = ()
    lost: tuple[CertificateEntry, ...] = ()
    costs: tuple[Cost, ...] = ()

    @property
    def fields(self) -> dict[str, By]:
        """What enforces all that is said at each path: "grammar" alone, or the weakest of what else there is."""
        found: dict[str, By] = {}
        for entry in self.entries:
            known = found.get(entry.path)
            if known is None or _WEAKER.index(entry.by) > _WEAKER.index(known):
                found[entry.path] = entry.by
        return found

    def as_json(self) -> dict[str, s.Json]:
        """`entries`, `lints`, `lost` and `costs` as lists of flat objects, `fields` as an object."""
        return {
            "fields": self.fields,
            "entries": [asdict(one) for one in self.entries],
            "lints": [asdict(one) for one in self.lints],
            "lost": [asdict(one) for one in self.lost],
            "costs": [asdict(one) for one in self.costs],
        }


def certificate(schema: s.Schema, noted: Iterable[Enforcement], *, plain: s.Json = None) -> Certificate:
    """What the notes come to, in the order of the schema.

    `plain` is the JSON Schema that Pydantic itself gives of a type, {} where it gives none; None if there is no type.
    """
    schema_paths = SchemaPaths(schema)
    entries: dict[CertificateEntry, None] = {}
    lost: dict[CertificateEntry, None] = {}
    costs: dict[Cost, None] = {}
    for entry, notes in attributed(schema_paths, noted):
        entries[entry] = None
        if entry.by == "guard":
            costs[Cost(entry.path, entry.keyword, _cost(notes[0], schema))] = None
        if plain is not None and not all(shows(plain, entry.path, note, schema) for note in notes):
            lost[entry] = None
    for ways in schema_paths.free.values():
        entries.update((CertificateEntry(way, "type", "grammar", ANY_JSON_VALUE), None) for way in ways)
    entries.update((CertificateEntry(path, keyword, "annotation"), None) for path, keyword in schema.annotations)
    entries.update(
        (CertificateEntry(path, keyword, "nothing", "by allow_unenforced"), None) for path, keyword in schema.unenforced
    )
    return Certificate(tuple(entries), lints(schema_paths, of_type=plain is not None), tuple(lost), tuple(costs))


def _cost(note: Enforcement, schema: s.Schema) -> str:
    """When the guard is asked, and how far decoding may have to go back where it refuses."""
    if note.keyword == "unique keys":
        return "asked as a key closes; a refusal changes the key"
    shape = schema.vertices[note.vertex].alternatives[note.alternative].shape
    if isinstance(shape, s.Object | s.Array):
        inside = "its members" if isinstance(shape, s.Object) else "its items"
        kind = type(shape).__name__.lower()
        return f"asked whenever the {kind} could close; a refusal may go back over all of {inside}, so it costs their passes"
    kind = "string" if isinstance(shape, s.Text) else "number"
    clock = "; the answer depends on the clock" if "by the clock" in note.keyword else ""
    return f"asked for each token that could close the {kind}; a refusal goes back within the {kind}{clock}"


def attributed(
    schema_paths: SchemaPaths, noted: Iterable[Enforcement]
) -> Iterator[tuple[CertificateEntry, tuple[Enforcement, ...]]]:
    """Each entry with the notes that it stands for: one, but for `type`, which is said once a path."""
    by_place: dict[tuple[s.SchemaId, int], list[Enforcement]] = {}
    for note in dict.fromkeys(noted):
        by_place.setdefault((note.vertex, note.alternative), []).append(note)
    for vertex in schema_paths.order:
        if vertex in schema_paths.free:
            continue
        notes = [
            note
            for index in range(len(schema_paths.schema.vertices[vertex].alternatives))
            for note in by_place.get((vertex, index), ())
        ]
        types: dict[str, list[Enforcement]] = {}
        for note in notes:
            if note.keyword == "type":
                types.setdefault(schema_paths.path(vertex, note.alternative), []).append(note)
        for note in notes:
            path = schema_paths.path(vertex, note.alternative)
            if note.keyword != "type":
                yield _entry(note, path), (note,)
            elif path in types:
                same = types.pop(path)
                if not _EVERY_TYPE.issubset(one.detail for one in same):
                    by: By = "guard" if any(one.by == "guard" for one in same) else "grammar"
                    yield (
                        CertificateEntry(path, "type", by, ", ".join(dict.fromkeys(one.detail for one in same))),
                        tuple(same),
                    )


def _entry(note: Enforcement, path: str) -> CertificateEntry:
    subject = note.subject
    if isinstance(subject, s.Check):
        return CertificateEntry(
            subject.path, note.keyword, note.by, _VALIDATOR if subject.kind == "pydantic" else note.detail
        )
    return CertificateEntry(path, note.keyword, note.by, note.detail)
