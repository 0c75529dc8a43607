"""Column types: a type or a JSON Schema as the Arrow types of its columns, and JSON values as these types hold them.

Dates, times, moments (in UTC, and taken as UTC where they say nothing) and lengths of time are what they are in Python;
decimals have 38 digits, 12 of them behind the point; a choice of texts is text, as an enum's values are. What has no one type (a
union, a schema that holds itself, any value) is JSON text.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping
from decimal import Context, Decimal, InvalidOperation
from importlib import import_module
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from engine.errors import UsageError

JsonSchema = Mapping[str, Any]
_DIGITS, _BEHIND_POINT = 38, 12


def tables_library(name: str) -> Any:
    """A module that only the extra `[tables]` brings; `UsageError` where it is not installed."""
    try:
        return import_module(name)
    except ImportError as error:
        library = name.partition(".")[0]
        raise UsageError(f"tables need {library}: pip install 'engine[tables]', or {library} alone") from error


class _DecimalsByName(GenerateJsonSchema):
    """Pydantic gives a Decimal as a number or a text, which a union of both is too."""

    def decimal_schema(self, schema: Any) -> dict[str, Any]:
        return {"type": "number", "format": "decimal"}


def column_types(target: Any) -> Any:
    """The `pyarrow.Schema` of the objects of a Pydantic type or a JSON Schema; one column `value` where they are no objects.
    Columns are called as the JSON's members are."""
    plain = isinstance(target, Mapping)
    root = target if plain else TypeAdapter(target).json_schema(schema_generator=_DecimalsByName)
    arrow = tables_library("pyarrow")
    found = _ColumnReader(root, arrow).type_of(root, ())
    return arrow.schema(list(found) if arrow.types.is_struct(found) else [arrow.field("value", found)])


class _ColumnReader:
    def __init__(self, root: JsonSchema, arrow: Any) -> None:
        self._root, self._arrow = root, arrow
        self._formats: dict[str, Callable[[], Any]] = {
            "date": arrow.date32,
            "date-time": lambda: arrow.timestamp("us", tz="UTC"),
            "time": lambda: arrow.time64("us"),
            "duration": lambda: arrow.duration("us"),
        }

    def type_of(self, node: Any, above: tuple[str, ...]) -> Any:
        """The Arrow type of a schema below the references `above`."""
        while isinstance(node, Mapping) and "$ref" in node:
            reference = node["$ref"]
            if reference in above:
                return self._arrow.string()
            above, node = (*above, reference), self._target(reference)
        if not isinstance(node, Mapping):
            return self._arrow.string()
        alternatives = [one for key in ("anyOf", "oneOf") for one in node.get(key, ()) if one != {"type": "null"}]
        if alternatives:
            found = {self.type_of(one, above) for one in alternatives}
            return found.pop() if len(found) == 1 else self._arrow.string()
        if len(node.get("allOf", ())) == 1:
            return self.type_of(node["allOf"][0], above)
        return self._plain(node, above)

    def _plain(self, node: JsonSchema, above: tuple[str, ...]) -> Any:
        arrow = self._arrow
        kinds = node.get("type")
        names = [kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if kind != "null"]
        match names:
            case ["object"] if node.get("properties") and not node.get("additionalProperties"):
                members = node["properties"].items()
                return arrow.struct([arrow.field(name, self.type_of(member, above)) for name, member in members])
            case ["array"] if "prefixItems" not in node and "items" in node:
                return arrow.list_(self.type_of(node["items"], above))
            case ["integer"]:
                return arrow.int64()
            case ["number"] if node.get("format") == "decimal":
                return arrow.decimal128(_DIGITS, _BEHIND_POINT)
            case ["number"]:
                return arrow.float64()
            case ["boolean"]:
                return arrow.bool_()
            case ["string"] if node.get("format") in self._formats:
                return self._formats[node["format"]]()
            case _:
                return arrow.string()

    def _target(self, reference: str) -> Any:
        node: Any = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            node = node[step.replace("~1", "/").replace("~0", "~")]
        return node


def held_value(value: Any, kind: Any, where: str) -> Any:
    """A JSON value as Arrow takes it for a type of `column_types`; `UsageError` names the place of one that it cannot hold."""
    types = tables_library("pyarrow").types
    if value is None:
        return None
    if types.is_struct(kind):
        return {
            member.name: held_value(value.get(member.name), member.type, f"{where}.{member.name}") for member in kind
        }
    if types.is_list(kind):
        return [held_value(member, kind.value_type, f"{where}.{at}") for at, member in enumerate(value)]
    try:
        return _scalar(value, kind, types)
    except (ValueError, InvalidOperation, TypeError) as error:
        raise UsageError(
            f"{where}: {json.dumps(value, default=str)[:60]} has no place in a column of {kind}: {error}"
        ) from error


def _scalar(value: Any, kind: Any, types: Any) -> Any:
    if types.is_string(kind):
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=_spelled)
    if types.is_date(kind):
        return datetime.date.fromisoformat(value)
    if types.is_timestamp(kind):
        moment = datetime.datetime.fromisoformat(value)
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=datetime.UTC)
    if types.is_time(kind):
        return datetime.time.fromisoformat(value)
    if types.is_duration(kind):
        return TypeAdapter(datetime.timedelta).validate_python(value)
    if types.is_decimal(kind):
        found = Decimal(value)
        if found.adjusted() >= _DIGITS - _BEHIND_POINT:
            raise ValueError(f"more than {_DIGITS - _BEHIND_POINT} digits before the point")
        if found != found.quantize(Decimal(1).scaleb(-_BEHIND_POINT), context=Context(prec=_DIGITS)):
            raise ValueError(f"more than {_BEHIND_POINT} digits behind the point")
        return found
    if types.is_floating(kind):
        return float(value)
    if types.is_integer(kind) and not -(2**63) <= int(value) < 2**63:
        raise ValueError("64 bits are too few for it")
    return int(value) if types.is_integer(kind) else value


def _spelled(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else str(value)
