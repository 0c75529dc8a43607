"""Fields in one line, for people without a Python file: `name, age int, born date?: day of birth` → a Pydantic model.

    fields  = field { "," field }
    field   = NAME [ type | group ] [ "?" ] [ ":" description ]
    type    = ( word | choice ) { "[]" }
    group   = "[" fields "]" | "{" fields "}" { "[]" }                     (a list of objects, an object)
    word    = str | int | float | bool | date | datetime | time | uuid      (str where there is none)
    choice  = text "|" text { "|" text }

`?` is for what may be unknown: the value is null then. A description that holds a comma, or a closing bracket inside a group,
stands in double quotes.
Whatever else is written is refused with its column.
"""

from __future__ import annotations

import datetime
import difflib
import re
import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from engine.errors import UsageError

TYPES: Mapping[str, Any] = MappingProxyType(
    {
        "str": str,
        "string": str,
        "int": int,
        "integer": int,
        "float": float,
        "number": float,
        "bool": bool,
        "boolean": bool,
        "date": datetime.date,
        "datetime": datetime.datetime,
        "time": datetime.time,
        "uuid": uuid.UUID,
    }
)
_NAME = r"""[^\s,:?\[\]{}|"]+"""
_GROUP = re.compile(rf"\s*(?P<name>{_NAME})\s*(?P<open>[\[{{])(?!\s*\])")
_LIST = re.compile(r"\s*\[\s*\]")
_CLOSING = {"[": "]", "{": "}"}
_TAIL = r"""(?P<optional>\?)?\s*
        (?P<described>:\s*(?:"(?P<quoted>[^"]*)"|(?P<plain>[^,"\s%(barred)s][^,%(barred)s]*)))?\s*
        (?P<end>,|%(end)s)"""


def _expression(before: str, *, closing: str) -> re.Pattern[str]:
    """What a field ends with, behind `before`; in a group its closing bracket ends it too."""
    barred, end = ("", "$") if not closing else (re.escape(closing), re.escape(closing))
    return re.compile(before + _TAIL % {"barred": barred, "end": end}, re.VERBOSE)


_FIELD = rf"""\s*(?P<name>{_NAME})(?P<type>(?:[^,:?"\[\]{{}}]|\[[^\[\]]*\])*)"""
_FIELDS = {closing: _expression(_FIELD, closing=closing) for closing in ("", "]", "}")}
_AFTER_GROUP = {closing: _expression(r"\s*", closing=closing) for closing in ("", "]", "}")}


class FieldsSyntax(UsageError):
    """A line of fields that is not understood; the text shows the line with a caret under the place."""

    def __init__(self, reason: str, line: str, column: int) -> None:
        self.reason, self.line, self.column = reason, line, column
        super().__init__(f"fields, column {column}: {reason}\n    {line}\n    {' ' * (column - 1)}^")


def parse_fields(line: str) -> type[BaseModel]:
    """The model whose objects have these fields; raises `FieldsSyntax`.

    >>> parse_fields("name, age int").model_validate({"name": "Mary", "age": 21}).model_dump(by_alias=True)
    {'name': 'Mary', 'age': 21}
    """
    return _fields(line, 0, "", "item")[0]


def _fields(line: str, at: int, closing: str, title: str) -> tuple[type[BaseModel], int]:
    """The model of the fields from `at` to the closing bracket, or to the end of the line; and where they end."""
    fields: dict[str, tuple[Any, Any]] = {}
    names: set[str] = set()
    described_before = ""  # the name of a field whose description has no quotes
    more = True
    while more:
        try:
            name, annotation, found = _field(line, at, closing)
        except FieldsSyntax as error:
            raise _with_quotes(error, described_before) if described_before else error from None
        if name in names:
            raise FieldsSyntax(f"a second field {name!r}", line, line.index(name, at) + 1)
        names.add(name)
        described = found["quoted"] if found["quoted"] is not None else found["plain"]
        # The name is an alias: it may be any text, also one that no Python attribute can have.
        fields[f"field_{len(fields)}"] = (
            annotation | None if found["optional"] else annotation,
            Field(alias=name, description=described.strip() if described else None),
        )
        described_before = name if found["plain"] is not None else ""
        at, more = found.end(), found["end"] == ","
    model = create_model(title, __config__=ConfigDict(serialize_by_alias=True), **fields)  # type: ignore[call-overload]
    return model, at


def _field(line: str, at: int, closing: str) -> tuple[str, Any, re.Match[str]]:
    """The name and the type of the field at `at`, and the match of what follows them."""
    group = _GROUP.match(line, at)
    if group is None or _is_size(line, group):
        found = _FIELDS[closing].match(line, at)
        if found is None:
            raise FieldsSyntax(*_complaint(line, at, closing))
        return found["name"], _annotation(found["type"], line, found.start("type")), found
    bracket = _CLOSING[group["open"]]
    annotation: Any
    annotation, end = _fields(line, group.end(), bracket, group["name"])
    if bracket == "]":
        annotation = list[annotation]
    while many := _LIST.match(line, end):
        annotation, end = list[annotation], many.end()
    found = _AFTER_GROUP[closing].match(line, end)
    if found is None:
        missing = f"after {bracket} comes ?, a colon, a comma" + (f" or {closing}" if closing else " or nothing")
        raise FieldsSyntax(missing, line, min(end, len(line)) + 1)
    return group["name"], annotation, found


def _is_size(line: str, group: re.Match[str]) -> bool:
    """Whether what stands in square brackets is a number, as for an array of a fixed size elsewhere."""
    return group["open"] == "[" and line[group.end() :].partition("]")[0].strip().isdigit()


def _with_quotes(error: FieldsSyntax, name: str) -> FieldsSyntax:
    hint = f"if this still describes {name!r}, put that description in double quotes"
    return FieldsSyntax(f"{error.reason}; {hint}", error.line, error.column)


def _annotation(written: str, line: str, at: int) -> Any:
    at += len(written) - len(written.lstrip())
    text = written.strip()
    depth = 0
    while text.endswith("[]"):
        text, depth = text[:-2].rstrip(), depth + 1
    if "[" in text or "]" in text:
        said = "a list is written TYPE[], with nothing inside the brackets; "
        said += "a list of objects is NAME[FIELD, …], an object NAME{FIELD, …}"
        raise FieldsSyntax(said, line, at + 1)
    annotation: Any = _choice(text, line, at) if "|" in text else _word(text, line, at)
    for _ in range(depth):
        annotation = list[annotation]
    return annotation


def _word(text: str, line: str, at: int) -> Any:
    if not text:
        return str
    if text in TYPES:
        return TYPES[text]
    close = difflib.get_close_matches(text, TYPES, n=1)
    if len(text.split()) > 1:
        hint = "a name and a type are all that stands before the colon; a description comes after it"
    elif close:
        hint = f"did you mean {close[0]}?"
    else:
        hint = f"known are {', '.join(TYPES)}, and a choice of texts as in red|green"
    raise FieldsSyntax(f"no type {text!r}: {hint}", line, at + 1)


def _choice(text: str, line: str, at: int) -> Any:
    values = tuple(value.strip() for value in text.split("|"))
    if not all(values):
        raise FieldsSyntax("a choice has a text on both sides of each |", line, at + 1)
    if len(set(values)) < len(values):
        raise FieldsSyntax("a choice names each text once", line, at + 1)
    if all(value in TYPES for value in values):
        raise FieldsSyntax("a choice is between texts, and these are types; take one of them", line, at + 1)
    return Literal[values]


def _complaint(line: str, at: int, closing: str) -> tuple[str, str, int]:
    """Why no field starts at `at`, and where the trouble is."""
    start = at + len(line[at:]) - len(line[at:].lstrip())
    name = re.compile(_NAME).match(line, start)
    if name is None:
        return "the name of a field is missing", line, start + 1
    colon = line.find(":", name.end())
    comma = line.find(",", name.end())
    if colon >= 0 and (comma < 0 or colon < comma):
        after = line[colon + 1 :].lstrip()
        if not after or after.startswith(","):
            return "a description is missing after the colon", line, colon + 1
        if after.startswith('"'):
            return "a description in double quotes ends with a quote, then comes a comma or nothing", line, colon + 2
    mark = line.find("?", name.end())
    if mark >= 0:
        return "after ? comes a colon, a comma or nothing", line, mark + 1
    if closing and line.find(closing, name.end()) < 0:
        return f"the group has no {closing} at its end", line, len(line) + 1
    bracket = re.compile(r"[\[\]{}]").search(line, name.end())
    if bracket is not None:
        said = "an object is NAME{FIELD, …}, a list of objects NAME[FIELD, …], a list TYPE[]; "
        said += "a deeper type is a class or a JSON Schema"
        return said, line, bracket.start() + 1
    return "a field is NAME [TYPE] [?] [: DESCRIPTION]", line, start + 1
