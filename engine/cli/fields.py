"""Fields in one line, for people without a Python file: `name, age int, born date?: day of birth` → a Pydantic model.

    fields  = field { "," field }
    field   = NAME [ type ] [ "?" ] [ ":" description ]
    type    = ( word | choice ) { "[]" }
    word    = str | int | float | bool | date | datetime | time | uuid      (str where there is none)
    choice  = text "|" text { "|" text }

`?` is for what may be unknown: the value is null then. A description that holds a comma stands in double quotes.
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
_FIELD = re.compile(
    r"""\s*(?P<name>[^\s,:?\[\]|"]+)
        (?P<type>[^,:?"]*)
        (?P<optional>\?)?\s*
        (?P<described>:\s*(?:"(?P<quoted>[^"]*)"|(?P<plain>[^,"\s][^,]*)))?\s*
        (?P<end>,|$)""",
    re.VERBOSE,
)


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
    fields: dict[str, tuple[Any, Any]] = {}
    names: set[str] = set()
    at, more = 0, True
    while more:
        found = _FIELD.match(line, at)
        if found is None:
            raise FieldsSyntax(*_complaint(line, at))
        name = found["name"]
        if name in names:
            raise FieldsSyntax(f"a second field {name!r}", line, found.start("name") + 1)
        names.add(name)
        annotation = _annotation(found["type"], line, found.start("type"))
        described = found["quoted"] if found["quoted"] is not None else found["plain"]
        # The name is an alias: it may be any text, also one that no Python attribute can have.
        fields[f"field_{len(fields)}"] = (
            annotation | None if found["optional"] else annotation,
            Field(alias=name, description=described.strip() if described else None),
        )
        at, more = found.end(), found["end"] == ","
    return create_model("item", __config__=ConfigDict(serialize_by_alias=True), **fields)  # type: ignore[call-overload,no-any-return]


def _annotation(written: str, line: str, at: int) -> Any:
    at += len(written) - len(written.lstrip())
    text = written.strip()
    depth = 0
    while text.endswith("[]"):
        text, depth = text[:-2].rstrip(), depth + 1
    if "[" in text or "]" in text:
        raise FieldsSyntax("a list is written TYPE[], with nothing inside the brackets", line, at + 1)
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


def _complaint(line: str, at: int) -> tuple[str, str, int]:
    """Why no field starts at `at`, and where the trouble is."""
    start = at + len(line[at:]) - len(line[at:].lstrip())
    name = re.compile(r'[^\s,:?\[\]|"]+').match(line, start)
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
    return "a field is NAME [TYPE] [?] [: DESCRIPTION]", line, start + 1
