"""Compilation: a Pydantic type or a JSON Schema → Grammar, through the stages schema, guards and grammar.

Refuses what it cannot enforce with path and keyword, unless `allow_unenforced` names the exception.
"""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from pydantic import PydanticUserError, TypeAdapter

from engine.errors import GrammarError, GrammarTooComplex, SchemaWarning, UsageError
from engine.extraction.arguments import check_arguments
from engine.grammar.gbnf_printer import print_gbnf
from engine.grammar.grammar import Grammar
from engine.guards.guard import ValueGuard
from engine.lowering.certificate import Certificate, certificate
from engine.lowering.enforcement import Enforcement
from engine.lowering.lint import Lint
from engine.lowering.lowering import Note, Style, lower
from engine.schema import Schema, read_json_schema, read_type
from engine.schema.doubts import doubts
from engine.schema.schema import Alternative, Array, Json, SchemaId, Vertex

DEFAULT_STYLE: Style = "spaced"
_NAMED = 12  # how many names an error lists


def read_schema(model: Any, *, allow_unenforced: Collection[str] = (), context: Any = None) -> Schema:
    """The Schema of a type, whose validators see `context`, or of a JSON Schema given as a dict or a bool.

    What in a JSON Schema is hardly meant so is a `SchemaWarning` each.
    """
    check_arguments(allow_unenforced=allow_unenforced)
    if isinstance(model, str):
        raise UsageError(f"expected a type or a JSON Schema, not the text {model!r}")
    if isinstance(model, dict | bool):
        read = read_json_schema(model, allow_unenforced=allow_unenforced)
        for doubt in doubts(model):
            warnings.warn(SchemaWarning(doubt.path, doubt.text), stacklevel=3)
        return read
    return read_type(model, allow_unenforced=allow_unenforced, context=context)


def compile_schema(model: Any, *, style: Style = DEFAULT_STYLE, allow_unenforced: Collection[str] = ()) -> Grammar:
    """The grammar of a Pydantic type or a JSON Schema (a dict or a bool).

    `style` is "spaced", "compact" or "any" (every spelling of every valid value). Raises `SchemaError`.
    """
    schema, noted = read_schema(model, allow_unenforced=allow_unenforced), list[Enforcement]()
    grammar = lower_schema(schema, style, note=noted.append if allow_unenforced else None)
    if allow_unenforced:
        _refuse_idle(allow_unenforced, certificate(schema, noted, plain=None))
    return grammar


def certify(model: Any, *, style: Style = DEFAULT_STYLE, allow_unenforced: Collection[str] = ()) -> Certificate:
    """What enforces each constraint of a Pydantic type or a JSON Schema, and lints.

    Raises `SchemaError` as `compile_schema` does.
    """
    schema = read_schema(model, allow_unenforced=allow_unenforced)
    noted: list[Enforcement] = []
    grammar = lower_schema(schema, style, note=noted.append)
    found = certificate(schema, noted, plain=None if isinstance(model, dict | bool) else _plain_schema(model))
    _refuse_idle(allow_unenforced, found)
    try:
        print_gbnf(grammar, allow_unenforced=True)
    except GrammarError as error:
        found = replace(found, lints=(*found.lints, Lint("", f"cannot be printed for other programs: {error}")))
    return found


def _refuse_idle(allowed: Collection[str], found: Certificate) -> None:
    """Refuse a name that stands for nothing in the certificate: it would hide a typo."""
    places = {f"{entry.path}/{keyword}": keyword for entry in found.entries for keyword in entry.keyword.split(", ")}
    known = {*places, *places.values()}
    for name in allowed:
        if name not in known:
            close = difflib.get_close_matches(name, sorted(known), n=_NAMED, cutoff=0)
            raise UsageError(f"allow_unenforced: {name!r} does not occur in this schema; it has {', '.join(close)}, …")


def _plain_schema(tp: Any) -> Json:
    """The JSON Schema that Pydantic itself gives, {} where it gives none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they speak of defaults, which constrain nothing
        try:
            return TypeAdapter(tp).json_schema()
        except PydanticUserError:
            return {}


def lower_schema(schema: Schema, style: Style, *, note: Note | None = None) -> Grammar:
    """The grammar of a Schema; `note` is told what enforces what."""
    check_arguments(style=style)
    try:
        return lower(schema, style, ValueGuard, note=note)
    except RecursionError as error:
        raise GrammarTooComplex("the nesting of this schema", 1000, "levels", path="") from error


def array_of(schema: Schema, min_items: int, max_items: int | None) -> Schema:
    """The schema of an array whose items are those of `schema`."""
    root = SchemaId(max(schema.vertices) + 1)
    shape = Array(rest=schema.root, min_items=min_items, max_items=max_items)
    vertices = {root: Vertex((Alternative(shape),)), **schema.vertices}
    return Schema(vertices, root, schema.annotations)
