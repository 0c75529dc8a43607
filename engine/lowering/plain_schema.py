"""Plain schema: whether the JSON Schema that Pydantic itself gives of a type shows a constraint that the engine enforces.

Takes that document, a path and a note of the lowering. What it loses: validators, bounds of dates and timedeltas, digits of
decimals, time zones, schemes of URLs, versions of UUIDs, types of keys, strictness. It is searched where the engine's own
document has the constraint, because both come from one walk over the core schema.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.basics.json_pointer import pointer_tokens
from engine.formats.named_languages import NamedLanguage
from engine.lowering.enforcement import Enforcement
from engine.schema import schema as s
from engine.schema import spellings

_ZONED = frozenset(make(zone) for make in (spellings.time, spellings.date_time) for zone in ("aware", "naive"))
_FORMAT_KEYWORDS = ("pattern", "format", "const", "enum")
_FLOAT_BOUNDS = ("exclusiveMinimum", "exclusiveMaximum", "multipleOf")  # the guard is for rounding only


def shows(plain: s.Json, path: str, note: Enforcement, schema: s.Schema) -> bool:
    """Whether `plain` says at `path`, in whatever words, what the note says."""
    subject = note.subject
    if isinstance(subject, s.Check):
        if subject.kind != "pydantic":
            return True
        return note.keyword == "float bounds" and _says(plain, path, _FLOAT_BOUNDS)
    if isinstance(subject, s.Pattern):
        return _says(plain, path, ("pattern",))
    if isinstance(subject, NamedLanguage):
        return note.keyword == "spelling" and _has_format(subject) and _says(plain, path, _FORMAT_KEYWORDS)
    if note.keyword == "propertyNames":
        return _says(plain, path, ("propertyNames", "patternProperties"))
    shape = schema.vertices[note.vertex].alternatives[note.alternative].shape
    return not (note.keyword == "type" and isinstance(shape, s.Number) and shape.digits_only)


def _has_format(named: NamedLanguage) -> bool:
    """Formats do not tell schemes and time zones, and nobody knows the formats of networks."""
    schemes = named.kind == "url" and named != NamedLanguage("url")
    return not schemes and named.kind not in ("network", "interface") and named not in _ZONED


def _says(plain: s.Json, path: str, keywords: tuple[str, ...]) -> bool:
    return any(keyword in node for node in _at(plain, path) for keyword in keywords)


def _at(plain: s.Json, path: str) -> Iterator[dict[str, s.Json]]:
    """The schema at the path, and those that it applies to the same value."""
    node = plain
    for name in pointer_tokens(path):
        inner = _resolved(plain, node)
        if isinstance(inner, dict) and name in inner:
            node = inner[name]
        elif isinstance(inner, list) and name.isdigit() and int(name) < len(inner):
            node = inner[int(name)]
        elif name != "allOf" and not (name == "0" and isinstance(inner, dict)):  # a wrapper of the engine's document
            return
    node = _resolved(plain, node)
    if isinstance(node, dict):
        yield node
        for keyword in ("anyOf", "oneOf", "allOf"):
            members = node.get(keyword)
            yield from (one for one in members or () if isinstance(one, dict))


def _resolved(plain: s.Json, node: s.Json) -> s.Json:
    seen = 0
    while (
        isinstance(node, dict)
        and isinstance(node.get("$ref"), str)
        and node["$ref"].startswith("#/$defs/")
        and seen < 9
    ):
        node = plain.get("$defs", {}).get(node["$ref"].removeprefix("#/$defs/"))
        seen += 1
    return node
