"""How each field of a schema is compared: as a number, as a list, or as text.

In: a Python type or a JSON Schema of an object. Out: a `Field` for each property. Text that is free (no choice, no
format) can be looked up in the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from engine.basics.json_pointer import pointer_tokens

FieldKind = Literal["number", "list", "text"]


@dataclass(frozen=True, slots=True)
class Field:
    """A property by name. `free` is true for text, and lists of it, that a document can hold word by word."""

    name: str
    kind: FieldKind
    free: bool


class _DecimalsAreNumbers(GenerateJsonSchema):
    """Pydantic gives a Decimal as a number or a text, which a union of both is too."""

    def decimal_schema(self, schema: Any) -> dict[str, Any]:
        return {"type": "number"}


def evaluated_fields(target: Any) -> tuple[Field, ...]:
    """The fields of an object's type or schema, in its order. Raises ValueError where it is of no object."""
    plain = isinstance(target, Mapping)
    schema = target if plain else TypeAdapter(target).json_schema(schema_generator=_DecimalsAreNumbers)
    root = _resolved(schema, schema)
    properties = root.get("properties")
    if not isinstance(properties, Mapping):
        raise ValueError("an evaluation needs the schema of an object with properties")
    return tuple(_field(name, list(_alternatives(node, schema))) for name, node in properties.items())


def _field(name: str, alternatives: list[Mapping[str, Any]]) -> Field:
    types = {x.get("type") for x in alternatives}
    numeric = bool(types & {"number", "integer"}) and "string" not in types
    kind: FieldKind = "list" if "array" in types else "number" if numeric else "text"
    return Field(name, kind, not numeric and any(map(_is_free, alternatives)))


def _is_free(node: Mapping[str, Any]) -> bool:
    if node.get("type") == "array":
        items = node.get("items")
        return isinstance(items, Mapping) and _is_free(items)
    return node.get("type") == "string" and not node.keys() & {"enum", "const", "format"}


def _alternatives(node: Any, root: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    node = _resolved(node, root)
    for keyword in ("anyOf", "oneOf"):
        if keyword in node:
            for branch in node[keyword]:
                yield from _alternatives(branch, root)
            return
    types = node.get("type")
    if isinstance(types, list):
        yield from ({**node, "type": x} for x in types)
    else:
        yield node


def _resolved(node: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """The node that a reference inside the schema leads to; a circle of references ends as a node that says nothing."""
    seen: set[str] = set()
    while isinstance(node, Mapping) and (reference := node.get("$ref")):
        if reference in seen:
            return {}
        seen.add(reference)
        node = root
        for key in pointer_tokens(reference.removeprefix("#")):
            node = node.get(key, {})
    return node if isinstance(node, Mapping) else {}
