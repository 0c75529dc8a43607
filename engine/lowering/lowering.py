"""Lowering: from what values are valid to how they are written.

Takes a Schema and a style, gives a Grammar with guards on the nodes whose checks no grammar can say. Styles: "spaced" writes
`", "` and `": "` as `json.dumps` does, "compact" writes no white space, "any" allows every spelling of every valid value: any
key order, any escapes, bounded white space, `1.0` for an integer.

Every vertex with an object or an array becomes a rule; scalars are written in place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Literal as OneOf

from engine.errors import GrammarTooComplex, UnsupportedSchema
from engine.formats.formats import INEXACT, format_language
from engine.formats.named_languages import NamedLanguage
from engine.grammar import grammar as g
from engine.grammar.traversal import walk
from engine.lowering import enforcement
from engine.lowering.bounded_intersection import BoundedIntersection, force_search
from engine.lowering.enforcement import By, Enforcement
from engine.lowering.json_in_string import json_in_string_language
from engine.lowering.number_rules import literal_node, number_node
from engine.regular import charset
from engine.regular import expression as ex
from engine.regular.expression import Expression
from engine.regular.integers import EXACT
from engine.regular.pattern import UnsupportedPattern
from engine.regular.python_pattern import PatternUnknown
from engine.schema import schema as s
from engine.schema.location import SchemaDocument
from engine.schema.pattern_match import matches
from engine.schema.validation import Context

Style = OneOf["spaced", "compact", "any"]
STYLES: tuple[Style, ...] = ("spaced", "compact", "any")
MAX_NESTING = 200  # arrays and objects in each other; Pydantic's reader of JSON refuses 202

_WORK = 2 * ex.WORK_LIMIT  # of all searches of a compilation,
_WORK_OF_VERTEX = 5_000  # and more for each vertex
_FEW_NUMBERS = 64  # literals whose spellings with an exponent are written out; for more a guard is cheaper
_DECIDED_BY_ITEMS = ("uniqueItems",)  # what an array may be is known when its items are
_BLANKS = ex.repeat(ex.char_class(charset.of(" \t")), 0, 40)
_BRACKETS, _BRACES = (g.Literal("["), g.Literal("]")), (g.Literal("{"), g.Literal("}"))
WHITE_SPACE = ex.union(_BLANKS, ex.concat(ex.text("\n"), _BLANKS), ex.concat(ex.text("\r\n"), _BLANKS))


Note = Callable[[Enforcement], None]


def lower(
    schema: s.Schema,
    style: Style,
    make_guard: Callable[[s.Check, g.Scope], g.Guard],
    *,
    root: str = "root",
    note: Note | None = None,
) -> g.Grammar:
    """The grammar of `schema` in a style; `make_guard` makes the guard of a check, `note` is called with what enforces what."""
    with ex.bounded(_WORK + _WORK_OF_VERTEX * len(schema.vertices)):
        return _Lowering(schema, style, make_guard, note).grammar(root)


class _Lowering:
    def __init__(
        self,
        schema: s.Schema,
        style: Style,
        make_guard: Callable[[s.Check, g.Scope], g.Guard],
        note: Note | None = None,
    ) -> None:
        self._schema, self._watch, self._tell = schema, make_guard, note
        self._place = (schema.root, 0)  # the alternative that is being lowered; only kept where notes are taken
        self._style, self._any = style, style == "any"
        self._spelling: g.Spelling = "any" if self._any else "canonical"
        blank: g.Node = g.RegularTerminal(WHITE_SPACE) if self._any else g.EMPTY
        space = "" if style == "compact" else " "
        self._blank = blank
        self._colon = g.Sequence((blank, g.Literal(":"), blank)) if self._any else g.Literal(":" + space)
        self._comma = g.Sequence((blank, g.Literal(","), blank)) if self._any else g.Literal("," + space)
        self._names: dict[s.SchemaId, str] = {}
        self._pending: list[s.SchemaId] = []  # named, without a rule so far
        self._numbered: dict[str, int] = {}  # how often a name is taken
        self._rules: dict[str, g.Node] = {}
        self._single_numbers = 0  # literals that were written out
        self._scalars: dict[tuple[type, s.Json], g.Node] = {}

    def grammar(self, root: str) -> g.Grammar:
        self._names[self._schema.root] = root
        self._numbered[root] = 1
        self._rules[root] = g.EMPTY  # the first rule of the printed grammar
        self._pending.append(self._schema.root)
        while self._pending:
            vertex = self._pending.pop()
            self._rules[self._names[vertex]] = self._union(vertex)
        return g.Grammar(
            self._rules, root, MAX_NESTING, {name: self._path(vertex) for vertex, name in self._names.items()}
        )

    def _path(self, vertex: s.SchemaId) -> str:
        return next((one.path for one in self._schema.vertices[vertex].alternatives), "")

    def _node(self, vertex: s.SchemaId) -> g.Node:
        if vertex not in self._names:
            if not self._needs_rule(vertex):
                return self._union(vertex)
            self._names[vertex] = self._name(self._schema.vertices[vertex])
            self._pending.append(vertex)
        return g.RuleRef(self._names[vertex])

    def _needs_rule(self, vertex: s.SchemaId) -> bool:
        alternatives = self._schema.vertices[vertex].alternatives
        return any(isinstance(a.shape, s.Object | s.Array) for a in alternatives)

    def _name(self, vertex: s.Vertex) -> str:
        base = re.sub(r"[^A-Za-z0-9]+", "-", vertex.title).strip("-").lower() or "value"
        number = self._numbered[base] = self._numbered.get(base, 0) + 1
        name = f"{base}-{number}" if number > 1 else base
        if number > 1 and name in self._numbered:
            return self._name(vertex)  # a title that ends in a number was there before
        self._numbered[name] = 1
        return name

    def _union(self, vertex: s.SchemaId) -> g.Node:
        outside, nodes = self._place, []
        for index, alternative in enumerate(self._schema.vertices[vertex].alternatives):
            self._place = (vertex, index)
            try:
                nodes.append(self._alternative(alternative))
            except GrammarTooComplex as error:
                raise error.at(alternative.path) from None
        self._place = outside
        return nodes[0] if len(nodes) == 1 else g.Choice(tuple(nodes))

    def _alternative(self, alternative: s.Alternative) -> g.Node:
        match alternative.shape:
            case s.Literals(values) as literals:
                node = self._literals(values, alternative.path)
                self._note_scalar(enforcement.of_literals(literals), node)
            case s.Text() as text:
                node = self._text(text, alternative.path)
            case s.Number() as number:
                node = self._number(number, alternative.path)
                self._note_scalar(enforcement.of_number(number), node)
            case s.Array() as array:
                self._note(enforcement.of_array(array, self._schema))
                node = self._array(array, self._item_guards(alternative.checks))
            case s.Object() as an_object:
                self._note_object(an_object)
                node = self._object(an_object, alternative.path)
        for check in alternative.checks:
            self._note([(keyword, "") for keyword in check.keywords], "guard", check)
            if check.keywords != _DECIDED_BY_ITEMS:
                node = g.Guarded(node, self._watch(check, "value"))
        return node

    # -- notes for the certificate --------------------------------------------------------------------------------

    def _note(
        self,
        constraints: Iterable[enforcement.Constraint],
        by: By = "grammar",
        subject: s.Pattern | NamedLanguage | s.Check | None = None,
    ) -> None:
        if self._tell is not None:
            for keyword, detail in constraints:
                self._tell(Enforcement(*self._place, keyword, by, detail, subject))

    def _note_scalar(self, constraints: Iterable[enforcement.Constraint], node: g.Node) -> None:
        """A guard enforces them if any spelling needs one; that a number is one, the grammar does."""
        if self._tell is not None:
            guarded = any(isinstance(part, g.Guarded) for part in walk(node))
            for keyword, detail in constraints:
                surely = keyword == "type" and detail == "number"
                self._note([(keyword, detail)], "guard" if guarded and not surely else "grammar")

    def _note_object(self, an_object: s.Object) -> None:
        counted = _counts(an_object)
        self._note(enforcement.of_object(an_object, self._schema, counted, every_spelling=self._any))
        if an_object.others and counted[1] != 1:
            self._note([("unique keys", "additional keys: compared as they close")], "guard")

    # -- scalars --------------------------------------------------------------------------------------------------

    def _literals(self, values: tuple[s.Json, ...], path: str = "") -> g.Node:
        for value in values:
            _refuse_unwritable(value, path)
        strings = [v for v in values if isinstance(v, str)]
        small = [v for v in values if _is_small_number(v)]
        together = self._any and len(small) > _FEW_NUMBERS
        single = [v for v in values if not (isinstance(v, str) or (together and _is_small_number(v)))]
        nodes = [self._value(v) for v in single]
        if together:
            nodes.append(literal_node(small, path, self._watch))
        if self._any:
            words: list[g.Node] = [g.StringTerminal(ex.finite_set(strings), "any")] if strings else []
        else:
            words = [self._value(v) for v in strings]
        nodes = words + nodes
        return nodes[0] if len(nodes) == 1 else g.Choice(tuple(nodes))

    def _value(self, value: s.Json) -> g.Node:
        """Exactly this JSON value; one node for equal scalars."""
        if isinstance(value, list | dict):
            return self._spelled(value)
        key = (type(value), value)
        found = self._scalars.get(key)
        if found is None:
            found = self._scalars[key] = self._spelled(value)
        return found

    def _spelled(self, value: s.Json) -> g.Node:
        if not self._any:
            return g.Literal(self._canonical(value))
        if isinstance(value, str):
            return self._literals((value,))
        if isinstance(value, list):
            items = [self._value(item) for item in value]
            return self._brackets(_separated(items, self._comma))
        if isinstance(value, dict):
            declared = tuple(g.Member(name, self._value(item), True) for name, item in value.items())
            return self._braces(self._members(declared, ()))
        if isinstance(value, bool) or value is None:
            return g.Literal(json.dumps(value))
        self._single_numbers += 1
        if _is_small_number(value) and self._single_numbers > _FEW_NUMBERS:
            return literal_node([value], "", self._watch)
        exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        return self._number(s.Number(minimum=exact, maximum=exact), "")

    def _canonical(self, value: s.Json) -> str:
        """The one spelling of a value; whole numbers are written as integers."""
        separators = (",", ":") if self._style == "compact" else (", ", ": ")
        return json.dumps(_with_integers(value), ensure_ascii=False, separators=separators)

    def _content(
        self, text: s.Text, path: str, note: Callable[..., None] = lambda *_: None
    ) -> tuple[Expression, list[s.Check]]:
        """The contents of a string as far as an expression says them, and the checks for the rest; `note` is told which."""
        met = BoundedIntersection(ex.repeat(ex.char_class(charset.ANY), text.min_length, text.max_length))
        checks: list[s.Check] = []
        if text.pieces is not None:
            met.take(text.pieces, must=True)
        for pattern in text.patterns:
            reason = ""
            try:
                language = pattern.language()
                said = met.take(language, must=isinstance(pattern, NamedLanguage))
            except UnsupportedPattern as error:
                said, reason = False, str(error)
            if not said:
                assert isinstance(pattern, s.Pattern), "a named language is always said"
                checks.append(_pattern_check(pattern, path))
                reason = f" ({reason or 'together with the others too large for a grammar'})"
            keyword, detail = enforcement.of_pattern(pattern)
            note([(keyword, detail + reason)], "grammar" if said else "guard", pattern)
        for name in text.formats:
            known = format_language(name)
            said = known is not None and met.take(known) and name not in INEXACT
            if not said:
                checks.append(s.Check(path, ("format",), "json-schema", {"format": name}))
            note([("format", name)], "grammar" if said else "guard")
        if text.content is not None:
            embedded = self._embedded(text.content)
            said = embedded is not None and met.take(embedded)
            note([("contentSchema", "the JSON in the string")], "grammar" if said else "guard")
        return met.language, checks

    def _embedded(self, content: s.SchemaId) -> Expression | None:
        """The JSON of a value inside a string, as far as it is regular; in style any it could be spelled in any way."""
        if self._any:
            return None
        lowering = _Lowering(replace(self._schema, root=content), self._style, self._watch)
        return json_in_string_language(lowering.grammar("root"))

    def _text(self, text: s.Text, path: str) -> g.Node:
        language, checks = self._content(text, path, self._note)
        self._note(enforcement.of_lengths(text))
        force_search(language)
        node: g.Node = g.StringTerminal(language, self._spelling)
        for check in checks:
            node = g.Guarded(node, self._watch(check, "value"))
        return node

    def _number(self, number: s.Number, path: str) -> g.Node:
        node = number_node(number, path, self._watch, every_spelling=self._any)
        for part in walk(node):
            if isinstance(part, g.RegularTerminal):
                force_search(part.language)
        return node

    # -- containers -----------------------------------------------------------------------------------------------

    def _item_guards(self, checks: Iterable[s.Check]) -> list[g.Guard]:
        """What an array's checks say of each item as it closes: an array that broke them can only go on for ever."""
        out = []
        for check in checks:
            if check.keywords == _DECIDED_BY_ITEMS:
                out.append(self._watch(check, "items"))
            elif check.kind == "json-schema" and "maxContains" in check.keywords:
                out.append(self._watch(replace(check, schema={**check.schema, "minContains": 0}), "items"))
        return out

    def _array(self, array: s.Array, guards: Sequence[g.Guard] = ()) -> g.Node:
        prefix = list(array.prefix if array.max_items is None else array.prefix[: array.max_items])
        rest = array.rest if array.max_items is None or array.max_items > len(prefix) else None
        tail: g.Node = g.EMPTY
        if rest is not None:
            item = self._item(rest, guards)
            low = max(0, array.min_items - len(prefix))
            high = None if array.max_items is None else array.max_items - len(prefix)
            tail = self._rest(item, low, high, first=not prefix)
        needed = min(array.min_items, len(prefix))
        for index in range(len(prefix) - 1, needed - 1, -1):  # each may come only after the one before it
            here = self._item(prefix[index], guards)
            tail = g.Repeat(g.Sequence((*((self._comma,) if index else ()), here, tail)), 0, 1)
        first = [self._item(schema, guards) for schema in prefix[:needed]]
        return self._brackets(g.Sequence((*_separated(first, self._comma).items, tail)))

    def _item(self, vertex: s.SchemaId, guards: Sequence[g.Guard]) -> g.Node:
        node = self._node(vertex)
        for guard in guards:
            node = g.Guarded(node, guard)
        return node

    def _rest(self, item: g.Node, low: int, high: int | None, *, first: bool) -> g.Node:
        more = g.Sequence((self._comma, item))
        if not first:
            return g.Repeat(more, low, high)
        body = g.Sequence((item, g.Repeat(more, max(0, low - 1), None if high is None else high - 1)))
        return body if low else g.Repeat(body, 0, 1)

    def _brackets(self, inside: g.Node) -> g.Node:
        return g.Sequence((_BRACKETS[0], self._blank, inside, self._blank, _BRACKETS[1]))

    def _object(self, an_object: s.Object, path: str) -> g.Node:
        declared = tuple(
            g.Member(p.name, self._node(p.schema), p.required, p.aliases if self._any else ())
            for p in an_object.properties
        )
        names = ex.complement(ex.finite_set(an_object.names))
        others = []
        for other in an_object.others:
            language, checks = self._keys(other, names, path)
            if language.alive:
                guards = tuple(self._watch(check, "value") for check in checks)
                others.append(g.AdditionalMembers(language, self._node(other.schema), guards))
        members = self._members(declared, tuple(others))
        low, high = _counts(an_object)
        return self._braces(replace(members, low=low, high=high))

    def _keys(self, keys: s.AdditionalProperties, free: Expression, path: str) -> tuple[Expression, list[s.Check]]:
        """Those of the `free` names that such a member may have, as far as an expression says them, and the checks for the
        rest."""
        met, checks = BoundedIntersection(free), []
        for name in keys.names:
            if isinstance(name, s.Literals):
                met.take(ex.finite_set(v for v in name.values if isinstance(v, str)))
            else:
                language, more = self._content(name, path)
                met.take(language, must=True)
                checks += more
        said: list[tuple[s.Pattern, Expression]] = []
        for pattern in (*keys.matching, *keys.excluding):
            try:
                language = pattern.language()
                said.append((pattern, language if pattern in keys.matching else ex.complement(language)))
            except UnsupportedPattern:
                checks.append(_key_check(pattern, path, wanted=pattern in keys.matching))
        if not met.take_all([language for _, language in said]):
            left = [pattern for pattern, language in said if not met.take(language)]
            checks += [_key_check(pattern, path, wanted=pattern in keys.matching) for pattern in left]
        return met.language, checks

    def _members(self, declared: tuple[g.Member, ...], others: tuple[g.AdditionalMembers, ...]) -> g.Members:
        return g.Members(declared, others, not self._any, self._spelling, self._colon, self._comma)

    def _braces(self, members: g.Members) -> g.Node:
        return g.Sequence((_BRACES[0], self._blank, members, self._blank, _BRACES[1]))


def _counts(an_object: s.Object) -> tuple[int, int | None]:
    """How many members there may be, as far as that says more than the declarations."""
    required = sum(one.required for one in an_object.properties)
    low = an_object.min_properties if an_object.min_properties > required else 0
    high = an_object.max_properties
    if high is not None and not an_object.others and high >= len(an_object.properties):
        high = None
    return low, high


def _pattern_check(pattern: s.Pattern, path: str) -> s.Check:
    """The check of a pattern that is not regular, in the dialect that it is written in."""
    try:
        matches(pattern, "")
    except PatternUnknown as error:
        raise UnsupportedSchema(path, "pattern", str(error)) from None
    schema = {"pattern": pattern.source}
    document = SchemaDocument(schema)
    document.pattern_dialect = pattern.dialect
    return s.Check(path, ("pattern",), "json-schema", schema, Context.of(document.root))


def _is_small_number(value: s.Json) -> bool:
    """Whether it is a number of which a double keeps every digit."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < EXACT


def _with_integers(value: s.Json) -> s.Json:
    """The value with integers for whole floating-point numbers."""
    if isinstance(value, list):
        return [_with_integers(item) for item in value]
    if isinstance(value, dict):
        return {name: _with_integers(item) for name, item in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _key_check(pattern: s.Pattern, path: str, *, wanted: bool) -> s.Check:
    rule: s.Json = {"pattern": pattern.source}
    return s.Check(path, ("patternProperties",), "json-schema", rule if wanted else {"not": rule})


def _separated(items: list[g.Node], comma: g.Node) -> g.Sequence:
    out: list[g.Node] = []
    for index, item in enumerate(items):
        out += [comma, item] if index else [item]
    return g.Sequence(tuple(out))


def _refuse_unwritable(value: s.Json, path: str) -> None:
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError as error:
        raise UnsupportedSchema(path, "enum", "a lone surrogate cannot be written") from error
    except ValueError as error:
        raise UnsupportedSchema(path, "enum", "NaN and infinities have no spelling in JSON") from error
