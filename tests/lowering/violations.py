"""For each constraint that the lowering gives to the grammar, a valid text and texts that violate just that constraint.

Nothing here looks at a grammar: texts are put together from the Schema graph, numbers by arithmetic, strings by the algebra
of regular expressions (the shortest string of the complement within all other constraints), containers from the texts of
their parts. Where a constraint is implied by its siblings, the violation breaks those too. A constraint that nothing can
violate (`multipleOf: 1` of an integer) is told as such.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import lcm
from typing import Any

from engine.errors import GrammarTooComplex
from engine.extraction.compilation import lower_schema
from engine.formats.formats import INEXACT, format_language
from engine.lowering.certificate import CertificateEntry, attributed
from engine.lowering.enforcement import Enforcement, admits_anything
from engine.lowering.lowering import Style
from engine.lowering.schema_paths import SchemaPaths
from engine.regular import charset, prefixes
from engine.regular import expression as ex
from engine.regular.expression import Expression
from engine.regular.pattern import UnsupportedPattern
from engine.schema import schema as s

LONGEST = 50_000  # characters of a text
_SAMPLES = {
    "object": "{}",
    "array": "[]",
    "string": '""',
    "whole": "0",
    "fraction": "0.5",
    "true": "true",
    "false": "false",
    "null": "null",
}
Members = list[tuple[str, str]]  # keys and the texts of their values


class Unviolable(Exception):
    """No text violates the constraint."""


class NoGenerator(Exception):
    """No text is found here."""


@dataclass(frozen=True)
class Case:
    """`alone` is the Schema of just the alternatives that the entry speaks of; `left` says why there is no violation."""

    entry: CertificateEntry
    alone: s.Schema
    valid: str
    violations: tuple[str, ...]
    left: str = ""
    unviolable: bool = False


def cases(schema: s.Schema, style: Style) -> Iterator[Case]:
    """One case an entry of the certificate that is marked "grammar"."""
    noted: list[Enforcement] = []
    lower_schema(schema, style, note=noted.append)
    texts = _Texts(schema, style)
    for entry, notes in attributed(SchemaPaths(schema), noted):
        if entry.by == "grammar":
            yield texts.case(entry, notes)


def alone(schema: s.Schema, alternatives: tuple[s.Alternative, ...]) -> s.Schema:
    """The same graph with another root."""
    root = s.SchemaId(max(schema.vertices) + 1)
    return s.Schema({**schema.vertices, root: s.Vertex(alternatives)}, root)


class _Texts:
    def __init__(self, schema: s.Schema, style: Style) -> None:
        self.schema = schema
        self._comma, self._colon = (",", ":") if style == "compact" else (", ", ": ")
        self._short: dict[s.SchemaId, str] = {}
        pending = True
        while pending:  # a vertex gets its text as soon as its parts have theirs
            pending = False
            for vertex in schema.vertices:
                if vertex not in self._short:
                    for alternative in schema.vertices[vertex].alternatives:
                        found = self._attempt(alternative.shape)
                        if found is not None:
                            self._short[vertex] = found
                            pending = True
                            break

    def _attempt(self, shape: s.Shape) -> str | None:
        try:
            return self.valid(shape)
        except (KeyError, NoGenerator):
            return None

    def case(self, entry: CertificateEntry, notes: tuple[Enforcement, ...]) -> Case:
        vertex = self.schema.vertices[notes[0].vertex]
        alternatives = tuple(vertex.alternatives[note.alternative] for note in notes)
        schema = alone(self.schema, alternatives)
        valid = ""
        try:
            if entry.keyword == "type":
                valid = self.valid(alternatives[0].shape)
                violations = list(_other_types(alternatives))
            else:
                valid, violations = self._violated(alternatives[0].shape, notes[0])
        except (KeyError, NoGenerator) as error:
            return Case(entry, schema, valid, (), repr(error))
        except Unviolable as error:
            return Case(entry, schema, valid, (), str(error), unviolable=True)
        violations = [text for text in violations if len(text) <= LONGEST]
        if not violations or len(valid) > LONGEST:
            return Case(entry, schema, valid, (), "too long")
        return Case(entry, schema, valid, tuple(violations))

    # -- valid texts

    def short(self, vertex: s.SchemaId) -> str:
        return self._short[vertex]

    def valid(self, shape: s.Shape) -> str:
        match shape:
            case s.Literals(values):
                return self._json(values[0])
            case s.Text():
                return self._json(_shortest(ex.intersection(*(language for _, language in _pieces(shape)))))
            case s.Number():
                return _spelled(_some_number(shape))
            case s.Array():
                return self._array([self._item(shape, index) for index in range(shape.min_items)])
            case s.Object():
                return self._object(self._base(shape))

    def _json(self, value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(self._comma, self._colon))

    def _array(self, items: list[str]) -> str:
        return "[" + self._comma.join(items) + "]"

    def _object(self, members: Members) -> str:
        return "{" + self._comma.join(self._json(key) + self._colon + text for key, text in members) + "}"

    def _item(self, shape: s.Array, index: int) -> str:
        if index < len(shape.prefix):
            return self.short(shape.prefix[index])
        return self.short(shape.rest) if shape.rest is not None else "0"

    # -- wrong values

    def wrong(self, vertex: s.SchemaId) -> str:
        """A JSON text that the shapes of a vertex do not allow."""
        alternatives = self.schema.vertices[vertex].alternatives
        for text in _other_types(alternatives):
            return text
        kinds = [type(alternative.shape) for alternative in alternatives]
        noted: list[Enforcement] = []
        lower_schema(alone(self.schema, alternatives), "spaced", note=noted.append)
        for note in noted:
            if note.vertex not in self.schema.vertices and note.by == "grammar" and note.keyword != "type":
                shape = alternatives[note.alternative].shape
                if kinds.count(type(shape)) == 1:
                    return self._violated(shape, note)[1][0]
        raise NoGenerator("every kind of value is allowed")

    def _violated(self, shape: s.Shape, note: Enforcement) -> tuple[str, list[str]]:
        """A valid text and violations."""
        match shape:
            case s.Literals():
                return self.valid(shape), [self._json(value) for value in _outside(shape.values)]
            case s.Text():
                return self.valid(shape), [self._json(_string_violation(shape, note))]
            case s.Number():
                return self.valid(shape), [_spelled(_number_violation(shape, note.keyword))]
            case s.Array():
                valid, violations = self._array_violations(shape, note.keyword)
                return self._array(valid), [self._array(items) for items in violations]
            case s.Object():
                members, wrong = self._object_violations(shape, note)
                return self._object(members), [self._object(one) for one in wrong]

    # -- arrays

    def _array_violations(self, shape: s.Array, keyword: str) -> tuple[list[str], list[list[str]]]:
        match keyword:
            case "minItems":
                items = [self._item(shape, index) for index in range(shape.min_items)]
                return items, [items[:-1]]
            case "maxItems":
                most = len(shape.prefix) if shape.rest is None else shape.max_items
                assert most is not None
                items = [self._item(shape, index) for index in range(most + 1)]
                return items[:-1], [items]
            case "items":
                assert shape.rest is not None
                count = max(shape.min_items, len(shape.prefix) + 1)
                items = [self._item(shape, index) for index in range(count)]
                return items, [[*items[:-1], self.wrong(shape.rest)]]
            case "prefixItems":
                items = [self._item(shape, index) for index in range(max(shape.min_items, len(shape.prefix)))]
                held = [n for n, child in enumerate(shape.prefix) if not admits_anything(self.schema, child)]
                return items, [[*items[:n], self.wrong(shape.prefix[n]), *items[n + 1 :]] for n in held]
        raise NoGenerator(keyword)

    # -- objects

    def _base(
        self, shape: s.Object, *, count: int | None = None, without: str | None = None, also: str = ""
    ) -> Members:
        """The required members and `also`, filled up to `count` with whatever else there may be."""
        chosen = {one.name for one in shape.properties if one.required or one.name == also} - {without}
        count = shape.min_properties if count is None else count
        for one in shape.properties:
            if len(chosen) < count and one.name != without and one.schema in self._short:
                chosen.add(one.name)
        members = [(one.name, self.short(one.schema)) for one in shape.properties if one.name in chosen]
        missing = count - len(members)
        for keys in shape.others if missing > 0 else ():
            names = prefixes.shortest_texts(ex.intersection(_undeclared(shape), _key_language(keys)), missing)
            members += [(name, self.short(keys.schema)) for name in names]
            missing -= len(names)
        if missing > 0:
            raise NoGenerator(f"only {len(members)} keys of {count}")
        return members

    def _object_violations(self, shape: s.Object, note: Enforcement) -> tuple[Members, list[Members]]:
        base = self._base(shape)
        kinds: dict[str, Callable[[], tuple[Members, list[Members]]]] = {
            "required": lambda: (base, list(self._without_required(shape))),
            "properties": lambda: self._wrong_properties(shape, note),
            "additionalProperties": lambda: self._additional(shape, note),
            "patternProperties": lambda: self._further(shape, [keys for keys in shape.others if keys.matching]),
            "propertyNames": lambda: (base, [[*base, *one] for one in self._wrong_names(shape)]),
            "minProperties": lambda: (base, [self._base_of(shape, shape.min_properties - 1)]),
            "maxProperties": lambda: self._too_many(shape),
            "aliases": lambda: self._under_aliases(shape, note),
            "key order": lambda: self._disordered(shape),
            "unique keys": lambda: self._repeated(shape),
        }
        return kinds[note.keyword]()

    def _base_of(self, shape: s.Object, count: int) -> Members:
        return self._base(shape, count=count)

    def _without_required(self, shape: s.Object) -> Iterator[Members]:
        for one in shape.properties:
            if one.required:
                try:
                    yield self._base(shape, without=one.name)
                except NoGenerator:  # no other key can take its place in the count
                    yield [member for member in self._base(shape) if member[0] != one.name]

    def _wrong_properties(self, shape: s.Object, note: Enforcement) -> tuple[Members, list[Members]]:
        if note.detail.startswith("never "):
            base = self._base(shape)
            return base, [[*base, (name, text)] for name in shape.forbidden for text in ("0", "{}")]
        found = []
        held = [one for one in shape.properties if not admits_anything(self.schema, one.schema)]
        for one in held:
            members = self._base(shape, also=one.name)
            found.append([(key, self.wrong(one.schema) if key == one.name else text) for key, text in members])
        return self._base(shape, also=held[0].name), found

    def _additional(self, shape: s.Object, note: Enforcement) -> tuple[Members, list[Members]]:
        if note.detail != "no others":
            return self._further(shape, [keys for keys in shape.others if not keys.matching])
        base = self._base(shape)
        allowed = [ex.complement(_key_language(keys)) for keys in shape.others]
        name = _shortest(ex.intersection(_undeclared(shape), *allowed))
        return base, [[*base, (name, "0")], [*base, (name, "{}")]]

    def _further(self, shape: s.Object, classes: list[s.AdditionalProperties]) -> tuple[Members, list[Members]]:
        base, valid, found = self._base(shape), None, []
        for keys in classes:
            if not admits_anything(self.schema, keys.schema):
                used = [name for name, _ in base]
                fresh = ex.intersection(_undeclared(shape), _key_language(keys), ex.complement(ex.finite_set(used)))
                if fresh.alive:
                    valid = valid or [*base, (fresh.shortest, self.short(keys.schema))]
                    found.append([*base, (fresh.shortest, self.wrong(keys.schema))])
        if valid is None:
            raise Unviolable("no further key is possible")
        if shape.max_properties is not None and len(valid) > shape.max_properties:
            valid = base
        return valid, found

    def _wrong_names(self, shape: s.Object) -> Iterator[Members]:
        for keys in shape.others:
            inside = ex.complement(ex.intersection(*(_name_language(name) for name in keys.names)))
            outside = ex.intersection(
                _undeclared(shape),
                _key_language(s.AdditionalProperties(keys.schema, keys.matching, keys.excluding)),
                inside,
            )
            if keys.names and outside.alive:
                yield [(outside.shortest, self.short(keys.schema))]

    def _too_many(self, shape: s.Object) -> tuple[Members, list[Members]]:
        assert shape.max_properties is not None
        try:
            more = self._base(shape, count=shape.max_properties + 1)
        except NoGenerator as error:
            raise Unviolable(str(error)) from error
        return self._base(shape, count=max(shape.max_properties, shape.min_properties)), [more]

    def _under_aliases(self, shape: s.Object, note: Enforcement) -> tuple[Members, list[Members]]:
        """A member twice, under two of its names; and, where only the first is written, under another."""
        one = next(one for one in shape.properties if one.aliases and note.detail.startswith(one.name))
        members = self._base(shape, also=one.name)
        found = [[*members, (alias, self.short(one.schema))] for alias in one.aliases]
        if ", never " in note.detail:
            found += [[(alias if key == one.name else key, text) for key, text in members] for alias in one.aliases]
        return members, found

    def _disordered(self, shape: s.Object) -> tuple[Members, list[Members]]:
        for other in shape.properties:
            members = self._base(shape, also=other.name)
            if len(members) > 1 and _fits(members, shape):
                return members, [[*members[1:], members[0]]]
        members = self._base(shape, count=2)
        if shape.properties and not any(key == shape.properties[0].name for key, _ in members):
            members = self._base(shape, also=shape.properties[0].name, count=2)
        if not _fits(members, shape):
            raise Unviolable("no room for two keys")
        return members, [[*members[1:], members[0]]]

    def _repeated(self, shape: s.Object) -> tuple[Members, list[Members]]:
        for one in shape.properties:
            members = self._base(shape, also=one.name)
            if _fits(members, shape):
                double = next(member for member in members if member[0] == one.name)
                return members, [[double, *members], [*members, double]]
        raise Unviolable("no declared key fits")


def _fits(members: Members, shape: s.Object) -> bool:
    return shape.max_properties is None or len(members) <= shape.max_properties


def _undeclared(shape: s.Object) -> Expression:
    return ex.complement(ex.finite_set(shape.names))


def _key_language(keys: s.AdditionalProperties) -> Expression:
    parts = [one.language() for one in keys.matching]
    parts += [ex.complement(one.language()) for one in keys.excluding]
    return ex.intersection(*parts, *(_name_language(name) for name in keys.names))


def _name_language(name: s.Text | s.Literals) -> Expression:
    if isinstance(name, s.Literals):
        return ex.finite_set(value for value in name.values if isinstance(value, str))
    return ex.intersection(*(language for _, language in _pieces(name)))


# -- types and literals


def _other_types(alternatives: tuple[s.Alternative, ...]) -> Iterator[str]:
    """A text of each kind that no alternative has."""
    present: set[str] = set()
    for alternative in alternatives:
        match alternative.shape:
            case s.Literals(values):
                present.update(kind for value in values for kind in _kinds(value))
            case s.Text():
                present.add("string")
            case s.Number(integer=integer):
                present.update(("whole",) if integer else ("whole", "fraction"))
            case s.Array():
                present.add("array")
            case s.Object():
                present.add("object")
    for kind, text in _SAMPLES.items():
        if kind not in present:
            yield text


def _kinds(value: Any) -> tuple[str, ...]:
    match value:
        case None | bool():
            return (json.dumps(value),)
        case str():
            return ("string",)
        case list():
            return ("array",)
        case dict():
            return ("object",)
    return "whole", "fraction"


def _outside(values: tuple[Any, ...]) -> Iterator[Any]:
    """Values near those of an enum that are none of them: one a kind."""
    texts = {json.dumps(value) for value in values}
    numbers = [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    strings = [value for value in values if isinstance(value, str)]
    for near in (strings and max(strings) + "x", numbers and max(numbers) + 1, [*texts], {"x": 0}, None, True, False):
        if near != [] and json.dumps(near) not in texts:
            yield near
    if strings:
        yield from (one for one in (strings[0][:-1], strings[0].swapcase()) if one not in strings)


# -- strings


def _pieces(text: s.Text) -> Iterator[tuple[object, Expression]]:
    """What the grammar holds a string to, each under the keyword, the Pattern or the name of its format."""
    if text.min_length or text.max_length is not None:
        yield "length", ex.repeat(ex.char_class(charset.ANY), text.min_length, text.max_length)
    for pattern in text.patterns:
        try:
            yield pattern, pattern.language()
        except UnsupportedPattern:
            continue
    for name in text.formats:
        language = format_language(name)
        if language is not None:
            yield (name, "format") if name in INEXACT else name, language


def _string_violation(text: s.Text, note: Enforcement) -> str:
    pieces = list(_pieces(text))
    if note.keyword in ("minLength", "maxLength"):
        others = [language for piece, language in pieces if piece != "length"]
        return _wrong_length(text, others, short=note.keyword == "minLength")
    about = note.subject or note.detail
    broken = next(language for piece, language in pieces if piece == about)
    others = [language for piece, language in pieces if piece != about]
    length = [language for piece, language in pieces if piece == "length"]
    for kept in (others, length, []):
        found = _shortest_if_any(ex.intersection(ex.complement(broken), *kept))
        if found is not None:
            return found
    raise Unviolable("every string matches")


def _wrong_length(text: s.Text, others: list[Expression], *, short: bool) -> str:
    just = text.min_length - 1 if short else (text.max_length or 0) + 1
    if just > LONGEST:
        raise NoGenerator("too long")
    wide = (0, just) if short else (just, None)
    for low, high in ((just, just), wide):
        found = _shortest_if_any(ex.intersection(ex.repeat(ex.char_class(charset.ANY), low, high), *others))
        if found is not None:
            return found
    return "a" * just


def _shortest_if_any(language: Expression) -> str | None:
    try:
        return language.shortest if language.alive else None
    except GrammarTooComplex:
        return None


def _shortest(language: Expression) -> str:
    found = _shortest_if_any(language)
    if found is None:
        raise NoGenerator("no string")
    return found


# -- numbers


def _step(shape: s.Number) -> int | None:
    """What all values are multiples of, if they are whole."""
    whole = [int(step) for step in shape.multiples_of if step == int(step)]
    return lcm(*whole) if whole else 1 if shape.integer else None


def _some_number(shape: s.Number) -> Decimal:
    low, high, step = shape.minimum, shape.maximum, _step(shape)
    if step is not None:
        if low is not None:
            return _aligned_above(low, step, beyond=shape.exclusive_minimum)
        return Decimal(0) if high is None else _aligned_below(high, step, beyond=shape.exclusive_maximum)
    if low is not None and not shape.exclusive_minimum:
        return low
    if high is not None and not shape.exclusive_maximum:
        return high
    if low is not None and high is not None:
        return (low + high) / 2
    return low + 1 if low is not None else high - 1 if high is not None else Decimal(0)


def _aligned_above(bound: Decimal, step: int, *, beyond: bool) -> Decimal:
    return -_aligned_below(-bound, step, beyond=beyond)


def _aligned_below(bound: Decimal, step: int, *, beyond: bool) -> Decimal:
    """The largest multiple of `step` up to the bound, or below it."""
    numerator, denominator = bound.as_integer_ratio()
    found = numerator // (denominator * step) * step
    return Decimal(found - step) if beyond and found == bound else Decimal(found)


def _number_violation(shape: s.Number, keyword: str) -> Decimal:
    step = _step(shape)
    match keyword:
        case "minimum" | "exclusiveMinimum":
            assert shape.minimum is not None
            return _under(shape.minimum, step, itself=shape.exclusive_minimum)
        case "maximum" | "exclusiveMaximum":
            assert shape.maximum is not None
            return -_under(-shape.maximum, step, itself=shape.exclusive_maximum)
        case "multipleOf":
            return _off(shape, step)
    raise NoGenerator(keyword)


def _under(bound: Decimal, step: int | None, *, itself: bool) -> Decimal:
    """The nearest value that a lower bound forbids."""
    if step is not None:
        return _aligned_below(bound, step, beyond=not itself)
    if itself:
        return bound
    places = max(0, -int(bound.as_tuple().exponent))
    return bound - Decimal(1).scaleb(-places - 1)


def _off(shape: s.Number, step: int | None) -> Decimal:
    """A value between two multiples, within the bounds if there is one."""
    if step == 1:
        raise Unviolable("every integer is a multiple of 1")
    here = _some_number(shape)
    for near in (here + 1, here - 1):
        above = shape.minimum is None or near > shape.minimum
        if above and (shape.maximum is None or near < shape.maximum):
            return near
    return here + 1


def _spelled(value: Decimal) -> str:
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text
