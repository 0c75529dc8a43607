"""Shapes: one conjunction → one alternative a kind of value.

Null, booleans, `const` and `enum` become Literals, filtered here against everything else that the clause demands, so that
Literals never carry a check. Strings, numbers, arrays and objects become their shapes; what a shape cannot say is hung on it
as a Check.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from functools import partial

from engine.formats.formats import conforms
from engine.schema.array_shape import array
from engine.schema.assertions import assertions_of
from engine.schema.check_subschemas import check_subschemas
from engine.schema.conjunction import Conjunction
from engine.schema.disjunction import Residual
from engine.schema.json_equality import literal_key
from engine.schema.kind import ARRAY, BOOLEAN, KINDS, NULL, NUMBER, OBJECT, STRING, kind_of
from engine.schema.object_shape import object_
from engine.schema.pattern_match import matches
from engine.schema.schema import Alternative, Array, Check, Json, Literals, Number, Shape, Text
from engine.schema.validation import Context, ValuePredicate, validator
from engine.schema.validator_class import remains
from engine.schema.vertices import Vertices


def alternatives(vertices: Vertices, conjunction: Conjunction) -> Iterator[Alternative]:
    """The alternatives of a conjunction, the kinds that its keywords speak of first."""
    path = next((place.path for place in conjunction.chains if not assertions_of(place).only_applies), "")
    mark = next((facts.grounding for facts in conjunction.facts if facts.grounding is not None), None)
    if conjunction.values is not None:
        values = _holding(conjunction, conjunction.values.values())
        if values:
            yield Alternative(Literals(values), (), path, mark)
        return
    constants = [value for value, kind in ((None, NULL), (True, BOOLEAN), (False, BOOLEAN)) if conjunction.kinds & kind]
    values = _holding(conjunction, [value for value in constants if literal_key(value) not in conjunction.excluded])
    for kind in _ordered(conjunction):
        if conjunction.kinds & kind:
            for found in _shaped(vertices, conjunction, kind, path):
                yield replace(found, grounding=mark)
    if values:
        yield Alternative(Literals(values), (), path, mark)


def _ordered(conjunction: Conjunction) -> list[int]:
    spoken = 0
    for facts in conjunction.facts:
        for kind, said in ((OBJECT, facts.members), (ARRAY, facts.items), (STRING, facts.text), (NUMBER, facts.number)):
            spoken |= kind if said else 0
    return sorted((OBJECT, ARRAY, STRING, NUMBER), key=lambda kind: not spoken & kind)


def _shaped(vertices: Vertices, conjunction: Conjunction, kind: int, path: str) -> Iterator[Alternative]:
    checks = [check_of(residual) for residual in conjunction.residuals if residual.kinds & kind]
    checks += _guards(conjunction)
    shape: Shape | None
    if kind == STRING:
        contents = conjunction.contents
        shape = replace(conjunction.text, content=vertices.vertex(contents)) if contents else conjunction.text
    elif kind == NUMBER:
        shape = conjunction.number
        if conjunction.kinds & NUMBER == KINDS["fraction"]:
            place = next(iter(conjunction.chains))
            checks.append(check_of(Residual(place, ("not",), {"not": {"type": "integer"}}, NUMBER)))
    else:
        shape, more = (array if kind == ARRAY else object_)(vertices, conjunction)
        checks += [check_of(residual) for residual in more]
        if isinstance(shape, Array) and shape.max_items is not None and shape.max_items <= 1:
            checks = [check for check in checks if check.keywords != ("uniqueItems",)]
    excluded = [value for value in conjunction.excluded.values() if kind_of(value) & kind]
    if excluded:
        place = next(iter(conjunction.chains))
        checks.append(check_of(Residual(place, ("not",), {"not": {"enum": excluded}}, kind)))
    if shape is not None:
        yield Alternative(shape, tuple(checks), path)


def _guards(conjunction: Conjunction) -> Iterator[Check]:
    for place in conjunction.chains:
        for guard in assertions_of(place).guards:
            yield Check(path=place.path, keywords=(guard.name,), kind="pydantic", validator=guard)


def check_of(residual: Residual) -> Check:
    """The check that a residual comes to; the same one each time."""
    document = residual.location.document
    found = document.checks.get(residual)
    if found is None:
        check_subschemas(residual)
        found = document.checks[residual] = Check(
            path=residual.location.path,
            keywords=residual.keywords,
            kind="json-schema",
            schema=residual.schema,
            root=Context.of(residual.location),
        )
    return found


def _holding(conjunction: Conjunction, values: Iterable[Json]) -> tuple[Json, ...]:
    """The values, each of a kind that the clause allows, that satisfy all else in it."""
    tests: dict[int, list[ValuePredicate]] = {}
    kept = []
    for value in values:
        kind = kind_of(value)
        if kind not in tests:
            tests[kind] = list(_tests(conjunction, kind))
        if all(test(value) for test in tests[kind]):
            kept.append(value)
    return tuple(kept)


def _tests(conjunction: Conjunction, kind: int) -> Iterator[ValuePredicate]:
    """What a value of this kind must pass, the cheap first."""
    if kind == STRING:
        yield partial(_text_holds, conjunction.text)
    elif kind & NUMBER:
        yield partial(_number_holds, conjunction.number)
    for place in conjunction.chains:
        facts = assertions_of(place)
        if (kind == ARRAY and facts.items) or (kind == OBJECT and facts.members):
            said = {keyword: place.value[keyword] for keyword in place.value if keyword not in ("enum", "const")}
            yield validator(said, Context.of(place))
    for residual in conjunction.residuals:
        if residual.kinds & kind:
            yield validator(residual.schema, Context.of(residual.location))
    for place in conjunction.chains:
        for guard in assertions_of(place).guards:
            yield guard.passes


def _text_holds(shape: Text, value: str) -> bool:
    return (
        shape.min_length <= len(value)
        and (shape.max_length is None or len(value) <= shape.max_length)
        and all(matches(pattern, value) for pattern in shape.patterns)
        and all(conforms(name, value) for name in shape.formats)
    )


def _number_holds(shape: Number, value: Json) -> bool:
    if shape.digits_only and not isinstance(value, int):
        return False
    number = value if isinstance(value, Decimal) else Decimal(repr(value))
    low, high = shape.minimum, shape.maximum
    return (
        (low is None or number > low or (number == low and not shape.exclusive_minimum))
        and (high is None or number < high or (number == high and not shape.exclusive_maximum))
        and not any(remains(number, step) for step in shape.multiples_of)
    )


def distinct_alternatives(found: list[Alternative]) -> tuple[Alternative, ...]:
    """Alternatives without repetition: equal shapes with equal checks, and literals that came before."""
    seen: set[object] = set()
    kept: list[Alternative] = []
    for alternative in found:
        shape = alternative.shape
        if isinstance(shape, Literals):
            new = tuple(value for value in shape.values if literal_key(value) not in seen)
            seen.update(literal_key(value) for value in new)
            if new:
                kept.append(replace(alternative, shape=Literals(new)))
            continue
        checks = ((id(check.schema), id(check.validator), check.path, check.keywords) for check in alternative.checks)
        key = (shape, tuple(checks), alternative.grounding)
        if key not in seen:
            seen.add(key)
            kept.append(alternative)
    return tuple(kept)
