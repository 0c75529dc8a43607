"""Schema: what JSON values are valid, with references resolved and keywords intersected.

A Schema is a graph. Each vertex, named by a `SchemaId`, is a union of alternatives; each alternative is one shape (a kind
of JSON value with all constraints of that kind) and the checks that its shape cannot say. A value is valid under a vertex
when it is valid under at least one alternative; no alternatives means that nothing is valid. Recursion is a cycle of ids.

Nothing here knows of GBNF, tokens or Pydantic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NewType

from engine.formats.named_languages import NamedLanguage
from engine.regular.expression import Expression
from engine.regular.pattern import parse_pattern
from engine.schema.grounding_marks import Grounding

Json = Any  # one JSON value as the json module gives it; the only place where Any enters
SchemaId = NewType("SchemaId", int)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression that must be found in the text; `dialect` is "ecma", "rust" or "python"."""

    source: str
    dialect: str

    def __str__(self) -> str:
        return self.source

    def language(self) -> Expression:
        """The texts that it is found in; raises `InvalidPattern`, and `UnsupportedPattern` where it is not regular."""
        return parse_pattern(self.source, self.dialect)


@dataclass(frozen=True, slots=True)
class Check:
    """A constraint that needs the closed value: it must satisfy `schema` (JSON Schema, `root` resolves its references).

    `kind` "json-schema" is judged by jsonschema, "pydantic" by `validator` (a callable that takes the value's JSON bytes
    and raises ValueError). `keywords` says what it stands for, `path` where.
    """

    path: str
    keywords: tuple[str, ...]
    kind: str
    schema: Json = field(default=None, hash=False, compare=False)
    root: Json = field(default=None, hash=False, compare=False)
    validator: Any = field(default=None, hash=False, compare=False)


@dataclass(frozen=True, slots=True)
class Literals:
    """Exactly these JSON values (null, booleans, const, enum); each is a value of the json module, numbers as spelled."""

    values: tuple[Json, ...] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Text:
    """A string. Lengths count code points; every pattern must be found in it; every format is asserted. It is the JSON of a
    value of `content`, where a check says so too: the grammar may say less of it."""

    min_length: int = 0
    max_length: int | None = None
    patterns: tuple[Pattern | NamedLanguage, ...] = ()
    formats: tuple[str, ...] = ()
    content: SchemaId | None = None
    pieces: Expression | None = None  # of the document that it must be one of


@dataclass(frozen=True, slots=True)
class Number:
    """A number; `integer` admits whole numbers only. Bounds are exact decimals.

    Of an integer `1.0` and `1e0` are spellings too, unless `digits_only` (draft 4, strict types).
    """

    integer: bool = False
    digits_only: bool = False
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    exclusive_minimum: bool = False
    exclusive_maximum: bool = False
    multiples_of: tuple[Decimal, ...] = ()


@dataclass(frozen=True, slots=True)
class Array:
    """An array: the first items by `prefix`, the others by `rest` (None: there are no others)."""

    prefix: tuple[SchemaId, ...] = ()
    rest: SchemaId | None = None
    min_items: int = 0
    max_items: int | None = None


@dataclass(frozen=True, slots=True)
class Property:
    """A declared member. `schema` already holds what pattern keywords say about this name.

    `aliases` are other names that the same member may have; it comes under one of them.
    """

    name: str
    schema: SchemaId
    required: bool
    description: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AdditionalProperties:
    """Further members: names that match all of `matching` and none of `excluding` (and no declared name)."""

    schema: SchemaId
    matching: tuple[Pattern, ...] = ()
    excluding: tuple[Pattern, ...] = ()
    names: tuple[Text | Literals, ...] = ()  # each key must satisfy each of these (propertyNames)


@dataclass(frozen=True, slots=True)
class Object:
    """An object: declared properties in their order, then further members by `others` (pairwise disjoint key sets)."""

    properties: tuple[Property, ...] = ()
    others: tuple[AdditionalProperties, ...] = ()
    min_properties: int = 0
    max_properties: int | None = None
    forbidden: tuple[str, ...] = ()  # names that `others` must not have either; no member may

    @property
    def names(self) -> tuple[str, ...]:
        """All that `others` cannot have: declared names, their aliases, forbidden ones."""
        return (*(name for one in self.properties for name in (one.name, *one.aliases)), *self.forbidden)


Shape = Literals | Text | Number | Array | Object


@dataclass(frozen=True, slots=True)
class Alternative:
    """One shape, and the checks that a value of it must also pass. `path` is a JSON pointer for messages; `grounding` is how
    the type says that a value of it stands in a document."""

    shape: Shape
    checks: tuple[Check, ...] = ()
    path: str = ""
    grounding: Grounding | None = None


@dataclass(frozen=True, slots=True)
class Vertex:
    """A union of alternatives. `title` names it in printed grammars, `description` in prompts."""

    alternatives: tuple[Alternative, ...]
    title: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Schema:
    """The whole graph. `annotations` lists keywords that assert nothing (unknown formats …) with their paths."""

    vertices: Mapping[SchemaId, Vertex]
    root: SchemaId
    annotations: tuple[tuple[str, str], ...] = ()
    unenforced: tuple[tuple[str, str], ...] = ()  # what `allow_unenforced` let through: path and keyword
