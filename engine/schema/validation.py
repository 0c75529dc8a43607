"""Validation: whether a closed JSON value is valid under a schema, by the jsonschema package.

In: a place in a document and a schema that stands for it. Out: a predicate over JSON values. Formats are asserted, by our own
predicates; patterns run on the engine's automata; `multipleOf` is exact; 1.0 is an integer (not in draft 4). Used while a
schema is read (literals are filtered) and by the guards. Building is lazy: importing jsonschema takes 0.1 s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from engine.regular.python_pattern import PatternUnknown, to_python
from engine.schema.location import Location, Resource, SchemaDocument, subschemas
from engine.schema.schema import Json
from engine.schema.validator_class import format_checker, specification_of, validator_class

ValuePredicate = Callable[[Json], bool]


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """Where a schema resolves its references: the `root` of a Check."""

    document: SchemaDocument
    resource: Resource
    scope: tuple[Resource, ...] = ()

    @classmethod
    def of(cls, location: Location) -> Context:
        """The context of a place."""
        return cls(location.document, location.resource, location.scope)


@dataclass(frozen=True, slots=True)
class Violation:
    """`path` leads to the value that breaks the schema, `message` says how."""

    path: tuple[str | int, ...]
    message: str


def validator(schema: Json, context: Context) -> ValuePredicate:
    """The predicate; `schema` resolves its references in `context`. RecursionError where the schema never ends."""
    return _validator(schema, context).is_valid  # type: ignore[no-any-return]


def violation_finder(schema: Json, context: Context) -> Callable[[Json], Violation | None]:
    """What is wrong with a value, None where it is valid; the same answer as `validator` gives."""
    from jsonschema.exceptions import best_match  # only where somebody wants the place

    validator = _validator(schema, context)

    def fault(value: Json) -> Violation | None:
        error = best_match(validator.iter_errors(value))
        return None if error is None else Violation(tuple(error.absolute_path), error.message)

    return fault


def _validator(schema: Json, context: Context) -> Json:
    document = context.document
    if document.registry is None:
        document.registry = Registry(document)
    return document.registry.validator(schema, context)


class Registry:
    """The resources of one document as jsonschema wants them."""

    def __init__(self, document: SchemaDocument) -> None:
        self.document = document

    @cached_property
    def _registry(self) -> Json:
        from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]
        from referencing import Resource as Referenced

        document = self.document
        registry = REGISTRY
        value = portable(document.value, document.pattern_dialect, strict=False)
        specification = specification_of(document.resource.dialect)
        for uri in {document.resource.uri, ""}:
            registry = registry.with_resource(uri, Referenced(contents=value, specification=specification))  # type: ignore[call-arg]
        return registry

    def validator(self, schema: Json, context: Context) -> Json:
        """The validator of jsonschema for `schema`."""
        resolver = self._registry.resolver(base_uri=context.resource.uri)
        for resource in context.scope:
            resolver = resolver.lookup(resource.uri).resolver
        if context.scope and context.scope[-1] is not context.resource:
            resolver = resolver.lookup(context.resource.uri).resolver
        return validator_class(context.resource.dialect)(
            portable(schema, self.document.pattern_dialect),
            registry=self._registry,
            _resolver=resolver,
            format_checker=format_checker(),
        )


def portable(schema: Json, dialect: str, *, strict: bool = True) -> Json:
    """The schema with patterns as Python's `re` spells them; the same object where nothing changes.

    Raises PatternUnknown for what is not a pattern; if not `strict`, such a one is left, and raises when it is used.
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
        return to_python(source, dialect)
    except PatternUnknown:
        if strict:
            raise
        return "(?P<unknown"  # no regular expression in Python either
