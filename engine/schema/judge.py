"""Judging: whether a closed JSON value is valid under a schema, by the jsonschema package.

In: a place in a document and a schema that stands for it. Out: a predicate over JSON values. Formats are asserted, by our own
predicates; patterns are translated to Python's `re`; `multipleOf` is exact; 1.0 is an integer (not in draft 4). Used while a
schema is read (literals are filtered) and by the guards. Building is lazy: importing jsonschema takes 0.1 s.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from engine.schema.dialect import Dialect
from engine.schema.formats import KNOWN_FORMATS, conforms
from engine.schema.key_match import PatternUnknown, matches, translated
from engine.schema.kind import FRACTION, INTEGER, kind_of
from engine.schema.location import Document, Location, Resource, subschemas
from engine.schema.schema import Json, Pattern

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

Holds = Callable[[Json], bool]


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """Where a schema resolves its references: the `root` of a Check."""

    document: Document
    resource: Resource
    scope: tuple[Resource, ...] = ()

    @classmethod
    def of(cls, location: Location) -> Context:
        """The context of a place."""
        return cls(location.document, location.resource, location.scope)


def judge(schema: Json, context: Context) -> Holds:
    """The predicate; `schema` resolves its references in `context`. RecursionError where the schema never ends."""
    document = context.document
    registry = document.registry
    if registry is None:
        registry = document.registry = Registry(document)
    return registry.predicate(schema, context)  # type: ignore[no-any-return]


class Registry:
    """The resources of one document as jsonschema wants them."""

    def __init__(self, document: Document) -> None:
        self.document = document

    @cached_property
    def _registry(self) -> Json:
        from jsonschema_specifications import REGISTRY
        from referencing import Resource as Referenced

        document = self.document
        registry = REGISTRY
        value = portable(document.value, document.pattern_dialect, strict=False)
        specification = _specification(document.resource.dialect)
        for uri in {document.resource.uri, ""}:
            registry = registry.with_resource(uri, Referenced(contents=value, specification=specification))
        return registry

    def predicate(self, schema: Json, context: Context) -> Holds:
        """See `judge`."""
        resolver = self._registry.resolver(base_uri=context.resource.uri)
        for resource in context.scope:
            resolver = resolver.lookup(resource.uri).resolver
        if context.scope and context.scope[-1] is not context.resource:
            resolver = resolver.lookup(context.resource.uri).resolver
        validator = _validator_class(context.resource.dialect)(
            portable(schema, self.document.pattern_dialect),
            registry=self._registry,
            _resolver=resolver,
            format_checker=_format_checker(),
        )
        holds: Holds = validator.is_valid
        return holds


def portable(schema: Json, dialect: str, *, strict: bool = True) -> Json:
    """The schema with patterns as Python's `re` spells them; the same object where nothing changes.

    Raises PatternUnknown for what is no pattern; if not `strict`, such a one is left, and raises when it is used.
    """
    if not isinstance(schema, dict):
        return schema
    changed: dict[str, Json] = {}
    for keyword, operand in schema.items():
        new = operand
        if keyword == "pattern" and isinstance(operand, str):
            new = _translated(operand, dialect, strict)
        elif isinstance(operand, (dict, list)):
            new = _portable_operand(keyword, operand, dialect, strict)
        if new is not operand:
            changed[keyword] = new
    return schema | changed if changed else schema


def _portable_operand(keyword: str, operand: Json, dialect: str, strict: bool) -> Json:
    whole = {keyword: operand}
    inner = [(tokens, sub) for sub, tokens in subschemas(whole, ())]
    new = [(tokens, portable(sub, dialect, strict=strict)) for tokens, sub in inner]
    renamed = keyword == "patternProperties" and any(_translated(name, dialect, strict) != name for name in operand)
    if not renamed and all(a[1] is b[1] for a, b in zip(inner, new, strict=True)):
        return operand
    if isinstance(operand, list):
        return [sub for _, sub in new]
    if len(new) == 1 and new[0][0] == (keyword,):
        return new[0][1]
    subs = {tokens[-1]: sub for tokens, sub in new}
    if keyword != "patternProperties":
        return operand | subs
    merged: dict[str, Json] = {}
    for name, sub in subs.items():  # two spellings of one pattern both hold
        key = _translated(name, dialect, strict)
        merged[key] = {"allOf": [merged[key], sub]} if key in merged else sub
    return merged


def _translated(source: str, dialect: str, strict: bool) -> str:
    try:
        return translated(Pattern(source, dialect))
    except PatternUnknown:
        if strict:
            raise
        return "(?P<unknown"  # no regular expression in Python either


@lru_cache(maxsize=1)
def _format_checker() -> Json:
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())
    for name in KNOWN_FORMATS:
        checker.checks(name)(lambda value, name=name: not isinstance(value, str) or conforms(name, value))
    return checker


@lru_cache(maxsize=8)
def _specification(dialect: Dialect) -> Json:
    from referencing import Specification
    from referencing.jsonschema import DRAFT202012, specification_with

    if dialect is not Dialect.LENIENT:
        return specification_with(dialect.value)
    return Specification(
        name="no dialect named",
        id_of=DRAFT202012.id_of,
        subresources_of=lambda value: [sub for sub, _ in subschemas(value, ())] if isinstance(value, dict) else [],
        maybe_in_subresource=DRAFT202012.maybe_in_subresource,
        anchors_in=DRAFT202012._anchors_in,
    )


@lru_cache(maxsize=8)
def _validator_class(dialect: Dialect) -> Json:
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
            "fraction": lambda _, value: kind_of(value) == FRACTION,
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
    return jsonschema.validators.extend(parent, keywords, type_checker=types)


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

    if kind_of(instance) & (INTEGER | FRACTION):
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
    assert isinstance(m, int) and isinstance(n, int)
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
