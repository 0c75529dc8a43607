"""Assertions: what one schema object asserts by itself, keyword by keyword, before it is combined with others.

In: a `Location`. Out: its `Assertions`: kinds, literals, one constraint a kind, and the names of the keywords that apply other
schemas to the same value (those are followed in engine.schema.applicators). The operand of every keyword that is read is
validated here; a keyword that is unknown is an annotation, as JSON Schema says, one of ours from elsewhere is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from engine.errors import SchemaError, UnsupportedSchema
from engine.formats.formats import FORMATS
from engine.regular.python_pattern import PatternUnknown
from engine.schema.dialect import Dialect, exists
from engine.schema.grounding_marks import Grounding
from engine.schema.intersection import intersect_numbers, intersect_texts
from engine.schema.json_equality import literal_key
from engine.schema.keyword_values import (
    count_value,
    kind_name,
    malformed_value,
    number_value,
    schema_list,
    schema_map,
    string_list,
)
from engine.schema.kind import ANY_KIND, ARRAY, INTEGER, KINDS, NUMBER, STRING
from engine.schema.location import Location
from engine.schema.pattern_match import matches
from engine.schema.schema import Json, Number, Pattern, Text

EXTENSION = "x-engine-"  # our own vocabulary; only the reader of Python types writes it


@dataclass(slots=True)
class ItemAssertions:
    """What one schema says of an array's items."""

    prefix: tuple[Location, ...] = ()
    rest: Location | None = None
    unevaluated: Location | None = None
    minimum: int = 0
    maximum: int | None = None


@dataclass(slots=True)
class MemberAssertions:
    """What one schema says of an object's members."""

    properties: dict[str, Location] = field(default_factory=dict)
    patterns: tuple[tuple[Pattern, Location], ...] = ()
    additional: Location | None = None
    unevaluated: Location | None = None
    names: Location | None = None
    aliases: dict[str, list[str]] = field(default_factory=dict)  # further names of properties
    required: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int | None = None


@dataclass(slots=True)
class Assertions:
    """`applicators` and `residual` name keywords in the order in which they stand."""

    kinds: int = ANY_KIND
    digits_only: bool = False  # an integer is written without fraction and exponent
    values: tuple[Json, ...] | None = None
    text: Text | None = None
    content: Location | None = None  # of the JSON in a string
    number: Number | None = None
    items: ItemAssertions | None = None
    members: MemberAssertions | None = None
    applicators: list[str] = field(default_factory=list)
    residual: list[tuple[str, int]] = field(
        default_factory=list
    )  # keywords that only the closed value shows, and where
    guards: tuple[Json, ...] = ()  # NodeValidators; not named here because they need Pydantic
    grounding: Grounding | None = None  # asserts nothing by itself

    @property
    def asserts_nothing(self) -> bool:
        """Every value is valid."""
        return not (
            self.kinds != ANY_KIND
            or self.digits_only
            or self.values is not None
            or self.text
            or self.content
            or self.number
            or self.items
            or self.members
            or self.applicators
            or self.residual
            or self.guards
            or self.grounding
        )

    @property
    def only_applies(self) -> bool:
        """Nothing is asserted but by other schemas."""
        return (
            self.kinds == ANY_KIND
            and self.values is None
            and not (
                self.text or self.content or self.number or self.items or self.members or self.residual or self.guards
            )
            and self.grounding is None
        )


def assertions_of(location: Location) -> Assertions:
    """The assertions of a schema object, read once; `location.value` must be an object."""
    if location.assertions is None:
        location.assertions = _read(location)
    facts: Assertions = location.assertions
    return facts


def _read(location: Location) -> Assertions:
    value, facts = location.value, Assertions()
    if not isinstance(value, dict):
        raise SchemaError(location.path, "", f"a schema is an object, true or false, not {kind_name(value)}")
    dialect = location.dialect
    if "$ref" in value and dialect.reference_stands_alone:
        facts.applicators.append("$ref")
        return facts
    for keyword, operand in value.items():
        reader = _READERS.get(keyword)
        if reader is not None and exists(keyword, dialect):
            reader(location, facts, keyword, operand)
        elif keyword not in _SILENT:
            _unknown(location, facts, keyword, operand)
    return facts


def _unknown(location: Location, facts: Assertions, keyword: str, operand: Json) -> None:
    if keyword.startswith(EXTENSION):
        if not location.document.trusted:
            if not location.document.permits(location.path, keyword):
                raise UnsupportedSchema(location.path, keyword, "this keyword is the engine's own")
        elif keyword == "x-engine-patterns":
            facts.text = intersect_texts(facts.text or _NO_TEXT, Text(patterns=tuple(operand)))
        elif keyword == "x-engine-guards":
            facts.guards = tuple(operand)
        elif keyword == "x-engine-grounding":
            facts.grounding = operand
        elif keyword == "x-engine-digits":
            facts.digits_only = True
        elif keyword == "x-engine-aliases":
            facts.members = facts.members or MemberAssertions()
            facts.members.aliases = operand
    elif not keyword.startswith("x-"):
        location.document.annotations[location.path, keyword] = None


def known_keywords() -> frozenset[str]:
    """All keywords that are read or known to assert nothing, of every dialect."""
    return frozenset(_READERS) | _SILENT


_Reader = Callable[[Location, Assertions, str, Json], None]
_READERS: dict[str, _Reader] = {}


def _reads(*keywords: str) -> Callable[[_Reader], _Reader]:
    def register(reader: _Reader) -> _Reader:
        _READERS.update(dict.fromkeys(keywords, reader))
        return reader

    return register


@_reads("type")
def _type(location: Location, facts: Assertions, keyword: str, operand: Json) -> None:
    names = operand if isinstance(operand, list) else [operand]
    kinds = 0
    for name in names:
        if not isinstance(name, str) or name not in KINDS or (name == "fraction" and not location.is_derived):
            raise malformed_value(location, keyword, operand, "the name of a type or a list of them")
        kinds |= KINDS[name]
    facts.kinds &= kinds
    facts.digits_only = location.dialect is Dialect.DRAFT4 and kinds & NUMBER == INTEGER


@_reads("enum", "const")
def _values(location: Location, facts: Assertions, keyword: str, operand: Json) -> None:
    if keyword == "enum" and not isinstance(operand, list):
        raise malformed_value(location, keyword, operand, "a list of values")
    values: dict[Hashable, Json] = {}
    for value in operand if keyword == "enum" else [operand]:
        values.setdefault(literal_key(value), value)
    if facts.values is not None:
        values = {key: value for value in facts.values if (key := literal_key(value)) in values}
    facts.values = tuple(values.values())


@_reads("minLength", "maxLength", "pattern", "format")
def _string(location: Location, facts: Assertions, keyword: str, operand: Json) -> None:
    text = facts.text or Text()
    if keyword == "minLength":
        text = _with(text, min_length=count_value(location, keyword, operand))
    elif keyword == "maxLength":
        text = _with(text, max_length=count_value(location, keyword, operand))
    elif not isinstance(operand, str):
        raise malformed_value(location, keyword, operand, "a string")
    elif keyword == "pattern":
        text = _with(text, patterns=(*text.patterns, Pattern(operand, location.document.pattern_dialect)))
    elif operand in FORMATS:
        text = _with(text, formats=(*text.formats, operand))
    else:
        location.document.annotations[location.path, "format"] = None
        return
    if text != _NO_TEXT:
        facts.text = text


_NO_TEXT = Text()


def _with(text: Text, **changes: Json) -> Text:
    fields = {name: getattr(text, name) for name in ("min_length", "max_length", "patterns", "formats")}
    return Text(**(fields | changes))


def _known_pattern(location: Location, keyword: str, pattern: Pattern) -> None:
    try:
        matches(pattern, "")
    except PatternUnknown as error:
        raise UnsupportedSchema(location.path, keyword, str(error)) from None


@_reads("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
def _number(location: Location, facts: Assertions, keyword: str, operand: Json) -> None:
    if keyword.startswith("exclusive") and isinstance(operand, bool):
        if location.dialect not in (Dialect.DRAFT4, Dialect.LENIENT):
            raise malformed_value(location, keyword, operand, "a number")
        return  # read together with the bound that it modifies
    bound = number_value(location, keyword, operand)
    if keyword == "multipleOf":
        if bound <= 0:
            raise malformed_value(location, keyword, operand, "a number above zero")
        new = Number(multiples_of=(bound,))
    elif keyword in ("minimum", "exclusiveMinimum"):
        new = Number(minimum=bound, exclusive_minimum=keyword != "minimum" or _exclusive(location, "exclusiveMinimum"))
    else:
        new = Number(maximum=bound, exclusive_maximum=keyword != "maximum" or _exclusive(location, "exclusiveMaximum"))
    facts.number = new if facts.number is None else intersect_numbers(facts.number, new)


def _exclusive(location: Location, keyword: str) -> bool:
    return location.value.get(keyword) is True


@_reads("prefixItems", "items", "additionalItems", "unevaluatedItems", "minItems", "maxItems")
def _items(location: Location, facts: Assertions, keyword: str, operand: Json) -> None:
    items = facts.items = facts.items or ItemAssertions()
    if keyword == "minItems":
        items.minimum = count_value(location, keyword, operand)
    elif keyword == "maxItems":
        items.maximum = count_value(location, keyword, operand)
    elif keyword == "prefixItems" or isinstance(operand, list):
        if keyword not in ("prefixItems", "items") or (keyword == "items" and location.dialect is Dialect.DRAFT2020):
            raise malformed_value(location, keyword, operand, "a schema")
        items.prefix = schema_list(location, keyword)
    elif keyword == "unevaluatedItems":
        items.unevaluated = location.child(keyword)
    elif keyword == "items" or isinstance(location.value.get("items"), list):
        items.rest = location.child(keyword)


@_reads("properties", "required", "additionalProperties", "patternProperties", "unevaluatedProperties")
@_reads("propertyNames", "minProperties", "maxProperties")
def _members(location: Location, facts: Assertions, keyword: str, operand: Json) -> None:
    if keyword == "required" and isinstance(operand, bool) and location.dialect in (Dialect.DRAFT4, Dialect.LENIENT):
        location.document.annotations[location.path, keyword] = (
            None  # draft 3's spelling; no later draft gives it a meaning
        )
        return
    members = facts.members = facts.members or MemberAssertions()
    if keyword == "properties":
        members.properties = schema_map(location, keyword)
    elif keyword == "patternProperties":
        dialect = location.document.pattern_dialect
        members.patterns = tuple((Pattern(name, dialect), sub) for name, sub in schema_map(location, keyword).items())
        for pattern, _ in members.patterns:
            _known_pattern(location, keyword, pattern)
    elif keyword == "required":
        members.required = string_list(location, keyword, operand)
    elif keyword == "minProperties":
        members.minimum = count_value(location, keyword, operand)
    elif keyword == "maxProperties":
        members.maximum = count_value(location, keyword, operand)
    elif keyword == "additionalProperties":
        members.additional = location.child(keyword)
    elif keyword == "unevaluatedProperties":
        members.unevaluated = location.child(keyword)
    else:
        members.names = location.child(keyword)


@_reads("uniqueItems")
def _unique(location: Location, facts: Assertions, keyword: str, operand: Json) -> None:
    if not isinstance(operand, bool):
        raise malformed_value(location, keyword, operand, "true or false")
    if operand:
        facts.residual.append((keyword, ARRAY))


@_reads("contains")
def _contains(location: Location, facts: Assertions, keyword: str, operand: Json) -> None:
    facts.residual.append((keyword, ARRAY))


@_reads("minContains", "maxContains")
def _contains_count(location: Location, facts: Assertions, keyword: str, operand: Json) -> None:
    count_value(location, keyword, operand)


@_reads("contentEncoding", "contentMediaType")
def _content(location: Location, facts: Assertions, keyword: str, operand: Json) -> None:
    """An assertion in draft 7 (8.3, 8.4 let a validator judge it), an annotation everywhere else."""
    enforced = ("base64",) if keyword == "contentEncoding" else ("application/json",)
    if location.dialect is Dialect.DRAFT7 and operand in enforced:
        facts.residual.append((keyword, STRING))
    else:
        location.document.annotations[location.path, keyword] = None


@_reads("contentSchema")
def _content_schema(location: Location, facts: Assertions, keyword: str, operand: Json) -> None:
    """Asserted where our reader of types writes it, an annotation everywhere else."""
    if location.document.trusted:
        facts.content = location.child(keyword)
    else:
        location.document.annotations[location.path, keyword] = None


@_reads("allOf", "anyOf", "oneOf", "not", "$ref", "$dynamicRef", "$recursiveRef", "if")
@_reads("dependencies", "dependentRequired", "dependentSchemas")
def _applies(location: Location, facts: Assertions, keyword: str, operand: Json) -> None:
    facts.applicators.append(keyword)


_SILENT = frozenset(
    [
        "$schema",
        "$id",
        "id",
        "$anchor",
        "$dynamicAnchor",
        "$recursiveAnchor",
        "$defs",
        "definitions",
        "$comment",
        "$vocabulary",
        "title",
        "description",
        "default",
        "example",
        "examples",
        "readOnly",
        "writeOnly",
        "deprecated",
        "then",
        "else",
    ]
)
