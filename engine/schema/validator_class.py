"""Validator classes: jsonschema's own, one a dialect, changed where the engine is exact and jsonschema is not.

Formats are asserted by our predicates; patterns run on the engine's automata; `multipleOf` is exact; 1.0 is an integer (not in
draft 4); draft 7 asserts `contentEncoding` and `contentMediaType`; documents without `$schema` may use older spellings.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from engine.formats.formats import FORMATS, conforms
from engine.schema.dialect import Dialect
from engine.schema.kind import INTEGER, NON_INTEGER, kind_of
from engine.schema.location import subschemas
from engine.schema.pattern_match import matches
from engine.schema.schema import Json, Pattern

if TYPE_CHECKING:
    from jsonschema.protocols import Validator


@lru_cache(maxsize=1)
def format_checker() -> Json:
    """Asserts the formats that the engine knows."""
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())
    for name in FORMATS:
        checker.checks(name)(lambda value, name=name: not isinstance(value, str) or conforms(name, value))
    return checker


@lru_cache(maxsize=8)
def specification_of(dialect: Dialect) -> Json:
    """How `referencing` finds the resources of a dialect."""
    from referencing import Specification
    from referencing.jsonschema import DRAFT202012, specification_with

    if dialect is not Dialect.LENIENT:
        return specification_with(dialect.value)
    return Specification(  # type: ignore[call-arg]
        name="no dialect named",
        id_of=DRAFT202012.id_of,
        subresources_of=lambda value: [sub for sub, _ in subschemas(value, ())] if isinstance(value, dict) else [],
        maybe_in_subresource=DRAFT202012.maybe_in_subresource,
        anchors_in=DRAFT202012._anchors_in,
    )


@lru_cache(maxsize=8)
def validator_class(dialect: Dialect) -> Json:
    """The class of jsonschema for a dialect, with our keywords."""
    import jsonschema

    parent = {
        Dialect.DRAFT4: jsonschema.Draft4Validator,
        Dialect.DRAFT6: jsonschema.Draft6Validator,
        Dialect.DRAFT7: jsonschema.Draft7Validator,
        Dialect.DRAFT2019: jsonschema.Draft201909Validator,
    }.get(dialect, jsonschema.Draft202012Validator)
    types = parent.TYPE_CHECKER.redefine_many(
        {
            "integer": _is_integer if dialect is not Dialect.DRAFT4 else _is_plain_integer,
            "fraction": lambda _, value: kind_of(value) == NON_INTEGER,
        }
    )
    keywords: dict[str, _Keyword] = {
        "multipleOf": _multiple_of,
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
    }
    if dialect is Dialect.DRAFT7:
        keywords |= {"contentEncoding": _content_encoding, "contentMediaType": _content_media_type}
    if dialect is Dialect.LENIENT:
        keywords |= _older_spellings()
    if dialect in (Dialect.DRAFT4, Dialect.DRAFT6):
        later = jsonschema.Draft7Validator.VALIDATORS
        keywords |= {name: later[name] for name in ("const", "contains", "propertyNames", "if")}
    return jsonschema.validators.extend(parent, keywords, type_checker=types)  # type: ignore[no-untyped-call]


def _matches(source: str, text: str) -> bool:
    return matches(Pattern(source, "python"), text)


def _pattern(validator: Validator, source: str, instance: Json, schema: Json) -> Iterator[Json]:
    from jsonschema import ValidationError

    if isinstance(instance, str) and not _matches(source, instance):
        yield ValidationError(f"{instance!r} does not match {source!r}")


def _pattern_properties(validator: Json, patterns: Json, instance: Json, schema: Json) -> Iterator[Json]:
    if isinstance(instance, dict):
        for source, sub in patterns.items():
            for name, member in instance.items():
                if _matches(source, name):
                    yield from validator.descend(member, sub, path=name, schema_path=source)


def _additional_properties(validator: Json, operand: Json, instance: Json, schema: Json) -> Iterator[Json]:
    if isinstance(instance, dict):
        declared, sources = schema.get("properties", {}), schema.get("patternProperties", {})
        for name, member in instance.items():
            if name not in declared and not any(_matches(source, name) for source in sources):
                yield from validator.descend(member, operand, path=name)


def _is_integer(_: Json, value: Json) -> bool:
    return kind_of(value) == INTEGER


def _is_plain_integer(_: Json, value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_Keyword = Callable[["Validator", Json, Json, Json], Iterable[Json]]


def _multiple_of(validator: Validator, divisor: Json, instance: Json, schema: Json) -> Iterator[Json]:
    from jsonschema import ValidationError

    if kind_of(instance) & (INTEGER | NON_INTEGER):
        value, step = _exact(instance), _exact(divisor)
        if not value.is_finite() or remains(value, step):
            yield ValidationError(f"{instance!r} is not a multiple of {divisor!r}")


def _content_encoding(validator: Validator, encoding: Json, instance: Json, schema: Json) -> Iterator[Json]:
    from jsonschema import ValidationError

    if isinstance(instance, str) and encoding == "base64" and not conforms("base64", instance):
        yield ValidationError("not base64")


def _content_media_type(validator: Validator, media_type: Json, instance: Json, schema: Json) -> Iterator[Json]:
    from jsonschema import ValidationError

    if isinstance(instance, str) and media_type == "application/json":
        try:
            json.loads(b64decode(instance) if schema.get("contentEncoding") == "base64" else instance)
        except ValueError:  # binascii.Error and UnicodeDecodeError are ones too
            yield ValidationError("not a JSON document")


def _exact(number: Json) -> Decimal:
    return number if isinstance(number, Decimal) else Decimal(repr(number))


def remains(value: Decimal, step: Decimal) -> bool:
    """Whether a division leaves something; exact."""
    (_, a, m), (_, b, n) = value.as_tuple(), step.as_tuple()
    assert isinstance(m, int)
    assert isinstance(n, int)
    shift = min(m, n)
    digits_a, digits_b = int("".join(map(str, a))), int("".join(map(str, b)))
    return bool((digits_a * 10 ** (m - shift)) % (digits_b * 10 ** (n - shift)))


def _older_spellings() -> dict[str, _Keyword]:
    """Keywords as documents that name no dialect use them."""
    import jsonschema

    new, old = jsonschema.Draft202012Validator.VALIDATORS, jsonschema.Draft4Validator.VALIDATORS
    draft7 = jsonschema.Draft7Validator.VALIDATORS

    def either(keyword: str, is_old: Callable[[Json, Json], bool], before: _Keyword, now: _Keyword) -> _Keyword:
        def chosen(validator: Validator, operand: Json, instance: Json, schema: Json) -> Iterable[Json]:
            return (before if is_old(operand, schema) else now)(validator, operand, instance, schema) or ()

        return chosen

    def flag(_validator: Validator, _operand: Json, _instance: Json, _schema: Json) -> Iterable[Json]:
        return ()

    def boolean(keyword: str) -> Callable[[Json, Json], bool]:
        return lambda _operand, schema: isinstance(schema.get(keyword), bool)

    return {
        "items": either("items", lambda operand, _: isinstance(operand, list), draft7["items"], new["items"]),
        "additionalItems": draft7["additionalItems"],
        "dependencies": draft7["dependencies"],
        "minimum": either("minimum", boolean("exclusiveMinimum"), old["minimum"], new["minimum"]),
        "maximum": either("maximum", boolean("exclusiveMaximum"), old["maximum"], new["maximum"]),
        "exclusiveMinimum": either("exclusiveMinimum", boolean("exclusiveMinimum"), flag, new["exclusiveMinimum"]),
        "exclusiveMaximum": either("exclusiveMaximum", boolean("exclusiveMaximum"), flag, new["exclusiveMaximum"]),
    }
