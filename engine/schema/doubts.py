"""Doubts: what in a JSON Schema is legal, asserts nothing or something else, and is hardly meant so.

A keyword that is nearly a known one, a field beside `properties`, a keyword of OpenAPI that JSON Schema does not have, and
pieces of patterns that ECMAScript reads otherwise than Python, Ruby, Perl or Rust. In: a JSON Schema. Out: one doubt each.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from engine.basics.json_pointer import json_pointer
from engine.schema.assertions import EXTENSION, known_keywords
from engine.schema.location import subschemas
from engine.schema.schema import Json

_MEANT = {
    "nullable": 'OpenAPI has it, JSON Schema does not; write "null" into type, as in ["string", "null"]',
    "optional": "what is not in required is optional",
    "regex": "the keyword is pattern",
    "regexp": "the keyword is pattern",
    "choices": "the keyword is enum",
    "options": "the keyword is enum",
    "values": "the keyword is enum",
    "min": "the keyword is minimum, minLength or minItems",
    "max": "the keyword is maximum, maxLength or maxItems",
    "length": "the keywords are minLength and maxLength",
    "fields": "the keyword is properties",
    "attributes": "the keyword is properties",
}
# Annotations of tools that stand beside those of JSON Schema and are near none.
_OTHERS = frozenset(
    ["discriminator", "xml", "externalDocs", "errorMessage", "enumNames", "propertyOrder", "note", "notes", "order"]
)
_SHORT = 5  # characters; between shorter words one letter makes too much of a difference
_NEAR = 0.8
_SCHEMA_LIKE = frozenset(
    ["type", "$ref", "properties", "items", "enum", "const", "anyOf", "oneOf", "allOf", "format", "pattern"]
)


@dataclass(frozen=True, slots=True)
class Doubt:
    """`path` is the JSON pointer of what is doubtful; `text` says why, and what to write."""

    path: str
    text: str


def doubts(schema: Json) -> tuple[Doubt, ...]:
    """All doubts about a JSON Schema, in the order of the document."""
    found: list[Doubt] = []
    todo: list[tuple[Json, tuple[str, ...]]] = [(schema, ())]
    while todo:
        value, path = todo.pop()
        if isinstance(value, dict):
            found += _of_keywords(value, path)
            found += _of_patterns(value, path)
            todo += reversed(list(subschemas(value, path)))
    return tuple(found)


def _of_keywords(value: dict[str, Json], path: tuple[str, ...]) -> Iterator[Doubt]:
    known = known_keywords()
    for keyword, operand in value.items():
        if keyword in known or keyword.startswith(("x-", EXTENSION, "$")) or keyword in _OTHERS:
            continue
        place, said = json_pointer((*path, keyword)), f"{keyword!r} is no keyword and asserts nothing; "
        if (near := _nearest(keyword, known)) is not None:
            yield Doubt(place, f"{said}did you mean {near!r}?")
        elif isinstance(operand, dict) and operand.keys() & _SCHEMA_LIKE:
            yield Doubt(place, f"{said}a field stands in properties, at {json_pointer((*path, 'properties', keyword))}")
        elif keyword in _MEANT:
            yield Doubt(place, said + _MEANT[keyword])


def _nearest(keyword: str, known: frozenset[str]) -> str | None:
    plain = {_plain(name): name for name in sorted(known, reverse=True)}
    for same in (_plain(keyword), _plain(keyword).removesuffix("s"), _plain(keyword) + "s"):
        if same in plain:
            return plain[same]
    if len(keyword) < _SHORT:
        return None
    near = difflib.get_close_matches(
        _plain(keyword), [name for name in plain if len(name) >= _SHORT], n=1, cutoff=_NEAR
    )
    return plain[near[0]] if near else None


def _plain(keyword: str) -> str:
    return re.sub(r"[\s_$-]", "", keyword).lower()


# -- patterns -----------------------------------------------------------------------------------------------------

_ESCAPES = {
    "A": "write ^",
    "Z": "write $",
    "z": "write $",
    "G": "it has no anchor for the last match",
    "h": "write [0-9a-fA-F] for a hexadecimal digit, or [ \\t] for a blank",
    "H": "write [^0-9a-fA-F], or [^ \\t]",
    "R": "write (?:\\r\\n|\\n|\\r)",
    "K": "it cannot drop what was matched",
    "X": "it has no word for a grapheme",
    "Q": "escape each character by itself",
    "E": "escape each character by itself",
    "a": "write \\u0007",
    "e": "write \\u001b",
    "N": "write the character, or \\uXXXX",
    "U": "write the character, or two \\uXXXX",
    "l": "write [a-z]",
}
# A piece of a pattern; one that is not named is passed over.
_PIECE = re.compile(
    r"""\\(?P<code>x\{[0-9a-fA-F]+\}) | \\(?P<escape>.) | (?P<class>\[:\^?[a-z]+:\]) | (?P<set>\[(?:[^\]\\]|\\.)*?(?:&&|--|~~)\[)
      | (?P<upto>\{,\d+\})""",
    re.VERBOSE | re.DOTALL,
)


def _of_patterns(value: dict[str, Json], path: tuple[str, ...]) -> Iterator[Doubt]:
    pattern, keys = value.get("pattern"), value.get("patternProperties")
    if isinstance(pattern, str):
        yield from (Doubt(json_pointer((*path, "pattern")), text) for text in _of_pattern(pattern))
    for key in keys if isinstance(keys, dict) else ():
        place = json_pointer((*path, "patternProperties", key))
        yield from (Doubt(place, text) for text in _of_pattern(key))


def _of_pattern(pattern: str) -> Iterator[str]:
    said = "JSON Schema's patterns are ECMAScript's, where"
    seen: set[str] = set()
    for found in _PIECE.finditer(pattern):
        if found[0] in seen:
            continue
        seen.add(found[0])
        if found["code"]:
            digits = found["code"][2:-1]
            yield f"{said} {found[0]!r} is the letter x so many times; write \\u{digits.zfill(4)}"
        elif found["escape"] in _ESCAPES:
            yield f"{said} '\\{found['escape']}' is the letter {found['escape']}; {_ESCAPES[found['escape']]}"
        elif found["class"]:
            yield f"{said} '{found[0]}' is a set of these characters; write the ranges, as in a-z"
        elif found["set"]:
            yield f"{said} sets are not combined inside of brackets; write what is left as ranges"
        elif found["upto"]:
            yield f"{said} '{found[0]}' is this text itself; write {{0{found['upto'][1:]}"
