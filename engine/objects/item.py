"""Item: what one extracted object is, for a Pydantic type or a JSON Schema.

Takes the text of an item that the grammar let through and gives the object. A text that does not validate is an error of the
engine, never a reason to try again.
"""

from __future__ import annotations

import collections.abc
import json
from functools import cached_property
from typing import Any, Protocol, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from engine.basics.json_pointer import json_pointer
from engine.errors import UnsoundOutput, ValidatorFailed
from engine.schema.location import SchemaDocument
from engine.schema.validation import Context, Violation, violation_finder

_MANY = (list, collections.abc.Iterable, collections.abc.Sequence, collections.abc.Iterator)


class ItemType(Protocol):
    """`name` is for messages and prompts, `target` is the type or the JSON Schema itself."""

    @property
    def name(self) -> str: ...

    @property
    def target(self) -> Any: ...

    def read(self, text: bytes, context: Any) -> Any:
        """The object; raises `UnsoundOutput` if the text does not validate."""

    def respelled(self, value: Any, context: Any) -> Any:
        """A plain JSON value as the type itself writes it; raises `InvalidValue` if it does not validate."""


class InvalidValue(Exception):
    """`path` is a JSON pointer into the value, `reason` what is wrong there."""

    def __init__(self, path: tuple[str | int, ...], reason: str) -> None:
        self.path = json_pointer(path)
        self.reason = reason
        super().__init__(f"{self.path or '/'}: {reason}")


def item_type(model: Any) -> ItemType:
    """The type of one item: of `list[User]` and `Iterable[User]` it is `User`, of a dict (a JSON Schema) plain JSON."""
    if isinstance(model, dict | bool):
        return JsonItem(model)
    return PydanticItem(item_annotation(model))


def item_annotation(model: Any) -> Any:
    """`list[X]` and its like stand for many items X; anything else is an item itself."""
    if get_origin(model) in _MANY and len(get_args(model)) == 1:
        return get_args(model)[0]
    return model


class JsonItem:
    """Plain JSON values under a schema, which jsonschema judges."""

    def __init__(self, schema: Any) -> None:
        self.schema = schema

    @property
    def target(self) -> Any:
        return self.schema

    @property
    def name(self) -> str:
        title = self.schema.get("title") if isinstance(self.schema, dict) else None
        return title if isinstance(title, str) else "item"

    def read(self, text: bytes, context: Any) -> Any:
        """See `ItemType`; a value that is too deep for jsonschema is `ValidatorFailed`."""
        value = json.loads(text)
        try:
            fault = self._fault(value)
        except RecursionError as error:
            raise ValidatorFailed(self.name, text, "nested too deeply to be validated") from error
        if fault is not None:
            raise UnsoundOutput(self.name, text, str(InvalidValue(fault.path, fault.message)))
        return value

    def respelled(self, value: Any, context: Any) -> Any:
        fault = self._fault(value)
        if fault is not None:
            raise InvalidValue(fault.path, fault.message)
        return value

    @cached_property
    def _fault(self) -> collections.abc.Callable[[Any], Violation | None]:
        return violation_finder(self.schema, Context.of(SchemaDocument(self.schema).root))


class PydanticItem:
    """Objects of any type that Pydantic validates."""

    def __init__(self, annotation: Any) -> None:
        self.annotation = annotation
        self._adapter: TypeAdapter[Any] = TypeAdapter(annotation)

    @property
    def target(self) -> Any:
        return self.annotation

    @property
    def name(self) -> str:
        return getattr(self.annotation, "__name__", None) or str(self.annotation)

    def read(self, text: bytes, context: Any) -> Any:
        try:
            return self._adapter.validate_json(text, context=context)
        except ValidationError as error:
            raise UnsoundOutput(self.name, text, str(error)) from error
        except Exception as error:  # foreign code: a validator's own failure
            raise ValidatorFailed(self.name, text, f"{type(error).__name__}: {error}") from error

    def respelled(self, value: Any, context: Any) -> Any:
        try:
            found = self._adapter.validate_json(to_json(value), context=context)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            raise InvalidValue(first["loc"], first["msg"]) from error
        return json.loads(self._adapter.dump_json(found, by_alias=True, round_trip=True, exclude_unset=True))
