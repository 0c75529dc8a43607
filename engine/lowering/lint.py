"""Lint: what in a schema is legal but costly, loose or likely meant otherwise.

Takes the places of a Schema; gives one line a finding, with its path. A pattern has search semantics, so one without anchors
lets any text stand around its match; a repeat over 2,000 must be split in printed grammars; union members that nothing tells
apart early keep several readings open; what has no bound ends where the model ends it, or where `max_tokens` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, islice

from engine.errors import GrammarTooComplex
from engine.formats.formats import INEXACT, format_language
from engine.lowering.enforcement import admits_anything
from engine.lowering.schema_paths import SchemaPaths, edges
from engine.regular import expression as ex
from engine.regular.expression import Expression
from engine.regular.pattern import UnsupportedPattern
from engine.schema import schema as s

PRINTED_REPEATS = 2000  # llama.cpp's own limit
_PAIRS = 2000  # of union members that are compared
_STRANGE = "☃"  # a character that a pattern hardly names


@dataclass(frozen=True, slots=True)
class Lint:
    """One finding about the schema, and the path where it is."""

    path: str
    text: str


def lints(schema_paths: SchemaPaths, *, of_type: bool = False) -> tuple[Lint, ...]:
    """All findings, each once, in the order of the schema; in that `of_type` the "ecma" patterns are the engine's own."""
    found: dict[Lint, None] = {}
    for vertex, index, alternative in schema_paths.alternatives():
        path = schema_paths.path(vertex, index)
        found.update(dict.fromkeys(Lint(path, text) for text in _of_shape(alternative.shape, schema_paths, of_type)))
        if index == 0:
            found.update(dict.fromkeys(Lint(path, text) for text in _of_union(vertex, schema_paths)))
    found.update(dict.fromkeys(_recursion(schema_paths)))
    found.update(dict.fromkeys(_guards_in_items(schema_paths)))
    return tuple(found)


def _of_shape(shape: s.Shape, schema_paths: SchemaPaths, of_type: bool) -> Iterator[str]:
    match shape:
        case s.Text():
            yield from _of_text(shape, of_type)
        case s.Array():
            if shape.rest is not None and shape.max_items is None:
                yield "no maxItems: the model or max_tokens decides where the array ends"
            yield from _long("items", shape.min_items, shape.max_items)
        case s.Object():
            if any(not keys.matching and admits_anything(schema_paths.schema, keys.schema) for keys in shape.others):
                yield "open object: any further key with any value is allowed (additionalProperties)"
            yield from _long("members", shape.min_properties, shape.max_properties)


def _long(what: str, low: int, high: int | None) -> Iterator[str]:
    most = max(low, high or 0)
    if most > PRINTED_REPEATS:
        yield f"up to {most:,} {what}: over {PRINTED_REPEATS:,} a printed grammar must split the repeat"


# -- strings ------------------------------------------------------------------------------------------------------


def _of_text(text: s.Text, of_type: bool) -> Iterator[str]:
    yield from _long("characters", text.min_length, text.max_length)
    bounded = text.max_length is not None
    for pattern in text.patterns:
        try:
            language = pattern.language()
        except UnsupportedPattern:
            continue
        most = max((max(one.low, one.high or 0) for one in _repeats(language)), default=0)
        yield from _long(f"repeats in pattern {str(pattern)!r}", 0, most)
        if isinstance(pattern, s.Pattern) and not (of_type and pattern.dialect == "ecma"):
            yield from _unanchored(pattern, language)
        bounded = bounded or all(one.high is not None for one in _repeats(language))
    for name in text.formats:
        known = format_language(name)
        bounded = bounded or (known is not None and all(one.high is not None for one in _repeats(known)))
    if not bounded:
        yield "unbounded string: the model or max_tokens decides where it ends"


def _unanchored(pattern: s.Pattern, language: Expression) -> Iterator[str]:
    """A pattern that is written without an anchor and really lets other text stand there."""
    before = not pattern.source.startswith(("^", "(?:^", "(^", "\\A"))
    after = not pattern.source.endswith(("$", "$)", "\\Z", "\\z"))
    if not (before or after) or not language.alive:
        return
    if language is ex.ALL_STRINGS:
        yield f"pattern {pattern.source!r} matches every string"
        return
    word = language.shortest
    witness = _STRANGE * before + word + _STRANGE * after
    if language.matches(witness):
        yield f"pattern {pattern.source!r} is not anchored: {witness!r} matches too"


def _repeats(language: Expression) -> Iterator[ex.Repetition]:
    """Every repeat in an expression. What a complement excludes is not looked into."""
    seen: set[Expression] = set()
    pending = [language]
    while pending:
        node = pending.pop()
        if node in seen:
            continue
        seen.add(node)
        match node:
            case ex.Repetition():
                yield node
                pending.append(node.body)
            case ex.Concat():
                pending += (node.head, node.tail)
            case ex.Union():
                pending += node.options
            case ex.Intersection():
                pending += node.parts


# -- unions -------------------------------------------------------------------------------------------------------


def _of_union(vertex: s.SchemaId, schema_paths: SchemaPaths) -> Iterator[str]:
    """Pairs of alternatives that one value may satisfy both."""
    alternatives = schema_paths.schema.vertices[vertex].alternatives
    pairs = islice(combinations(range(len(alternatives)), 2), _PAIRS)
    met = [(a, b) for a, b in pairs if _overlap(alternatives[a].shape, alternatives[b].shape, schema_paths.schema)]
    if not met:
        return
    a, b = (schema_paths.path(vertex, index) or "/" for index in met[0])
    more = f" (and {len(met) - 1} more such pairs)" if len(met) > 1 else ""
    kind = type(alternatives[met[0][0]].shape).__name__.lower()
    yield f"overlapping union members: no required const or enum key tells {a} and {b} apart ({kind}){more}"


def _overlap(one: s.Shape, other: s.Shape, schema: s.Schema) -> bool:
    match one, other:
        case s.Object(), s.Object():
            return not _told_apart(one, other, schema)
        case s.Array(), s.Array():
            return _counts_meet(one.min_items, _most(one), other.min_items, _most(other))
        case s.Text(), s.Text():
            return _texts_meet(one, other)
        case s.Number(), s.Number():
            return _numbers_meet(one, other)
    return False  # literals stand in one alternative, without those of the others


def _told_apart(one: s.Object, other: s.Object, schema: s.Schema) -> bool:
    for left, right in ((one, other), (other, one)):
        declared = {name: member for member in right.properties for name in (member.name, *member.aliases)}
        for member in left.properties:
            if not member.required:
                continue
            twin = next((declared[name] for name in (member.name, *member.aliases) if name in declared), None)
            if twin is None:
                if member.name in right.forbidden or not right.others:
                    return True
            elif twin.required and _values(member.schema, schema).isdisjoint(_values(twin.schema, schema) or {None}):
                return bool(_values(member.schema, schema) and _values(twin.schema, schema))
    return False


def _values(vertex: s.SchemaId, schema: s.Schema) -> set[str]:
    """The literals of a vertex, empty where it has other values too."""
    found: set[str] = set()
    for alternative in schema.vertices[vertex].alternatives:
        if not isinstance(alternative.shape, s.Literals):
            return set()
        found.update(repr(value) for value in alternative.shape.values)
    return found


def _most(shape: s.Array) -> int | None:
    return len(shape.prefix) if shape.rest is None else shape.max_items


def _counts_meet(low: int, high: int | None, other_low: int, other_high: int | None) -> bool:
    return (high is None or other_low <= high) and (other_high is None or low <= other_high)


def _texts_meet(one: s.Text, other: s.Text) -> bool:
    if not _counts_meet(one.min_length, one.max_length, other.min_length, other.max_length):
        return False
    try:
        return ex.intersection(*_languages(one), *_languages(other)).alive
    except GrammarTooComplex:
        return True


def _languages(text: s.Text) -> Iterator[Expression]:
    for pattern in text.patterns:
        try:
            yield pattern.language()
        except UnsupportedPattern:
            continue
    for name in text.formats:
        language = format_language(name)
        if language is not None:
            yield language


def _numbers_meet(one: s.Number, other: s.Number) -> bool:
    for left, right in ((one, other), (other, one)):
        if left.maximum is not None and right.minimum is not None:
            if left.maximum < right.minimum:
                return False
            touching = left.maximum == right.minimum
            if touching and (left.exclusive_maximum or right.exclusive_minimum):
                return False
    return True


# -- the graph ----------------------------------------------------------------------------------------------------


def _recursion(schema_paths: SchemaPaths) -> Iterator[Lint]:
    """The places at which a depth-first walk comes back to a value that it is still inside of."""
    schema = schema_paths.schema
    open_: set[s.SchemaId] = set()
    done: set[s.SchemaId] = set(schema_paths.free)
    stack = [(schema.root, _children(schema.root, schema))]
    open_.add(schema.root)
    while stack:
        vertex, children = stack[-1]
        child = next(children, None)
        if child is None:
            stack.pop()
            open_.discard(vertex)
            done.add(vertex)
        elif child in open_:
            yield Lint(schema_paths.path(child, 0), "recursive: how deep it goes is up to the model or max_tokens")
        elif child not in done:
            open_.add(child)
            stack.append((child, _children(child, schema)))


def _children(vertex: s.SchemaId, schema: s.Schema) -> Iterator[s.SchemaId]:
    for alternative in schema.vertices[vertex].alternatives:
        for _, child in edges(alternative.shape):
            yield child


def _guards_in_items(schema_paths: SchemaPaths) -> Iterator[Lint]:
    """Guards below items of an array: each item may have to be gone back over before the next."""
    schema = schema_paths.schema
    pending = [
        child
        for _, _, alternative in schema_paths.alternatives()
        if isinstance(alternative.shape, s.Array)
        for _, child in edges(alternative.shape)
    ]
    seen: set[s.SchemaId] = set()
    while pending:
        vertex = pending.pop()
        if vertex in seen or vertex in schema_paths.free:
            continue
        seen.add(vertex)
        for index, alternative in enumerate(schema.vertices[vertex].alternatives):
            names = [", ".join(check.keywords) for check in alternative.checks]
            if isinstance(alternative.shape, s.Text):
                names += _guarded(alternative.shape)
            for name in names:
                yield Lint(
                    schema_paths.path(vertex, index), f"guard inside array items: going back may cost passes ({name})"
                )
            pending += (child for _, child in edges(alternative.shape))


def _guarded(text: s.Text) -> Iterator[str]:
    for pattern in text.patterns:
        try:
            pattern.language()
        except UnsupportedPattern:
            yield "pattern"
    for name in text.formats:
        if name in INEXACT or format_language(name) is None:
            yield "format"
