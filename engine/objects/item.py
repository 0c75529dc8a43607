"""Item: what one extracted object is, for a Pydantic type or a JSON Schema.

Takes the text of an item that the grammar let through and gives the object. A text that does not validate is an error of the
engine, never a reason to try again.
"""

from __future__ import annotations

import collections.abc
import json
from dataclasses import dataclass
from typing import Any, Protocol, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

from engine.errors import UnsoundOutput, ValidatorFailed

_MANY = (list, collections.abc.Iterable, collections.abc.Sequence, collections.abc.Iterator)


class ItemType(Protocol):
    """`name` is for messages and prompts."""

    @property
    def name(self) -> str: ...

    def read(self, text: bytes, context: Any) -> Any:
        """The object; raises `UnsoundOutput` if the text does not validate."""


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


@dataclass(frozen=True, slots=True)
class JsonItem:
    """Plain JSON values under a schema."""

    schema: Any

    @property
    def name(self) -> str:
        title = self.schema.get("title") if isinstance(self.schema, dict) else None
        return title if isinstance(title, str) else "item"

    def read(self, text: bytes, context: Any) -> Any:
        return json.loads(text)


class PydanticItem:
    """Objects of any type that Pydantic validates."""

    def __init__(self, annotation: Any) -> None:
        self.annotation = annotation
        self._adapter: TypeAdapter[Any] = TypeAdapter(annotation)

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
