"""Pydantic's own functions still have the names by which the reader knows them."""

from __future__ import annotations

import enum
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import AnyUrl, Field, ImportString, PostgresDsn, Secret, SecretStr, TypeAdapter

from engine.schema import pydantic_names as names


class Colour(enum.Enum):
    RED = "red"


TYPES: dict[str, Any] = {
    "DEFAULT_DICT": defaultdict[str, int],
    "ENUM_JSON_SCHEMA": Colour,
    "IMPORT_STRING": ImportString,
    "MAX_LENGTH": Annotated[SecretStr, Field(max_length=3)],
    "MIN_LENGTH": Annotated[Sequence[int], Field(min_length=3)],
    "MULTI_HOST_URL": PostgresDsn,
    "FILE_PATH": Path,
    "PATTERN_OF_ANY": re.Pattern,
    "PATTERN_OF_BYTES": re.Pattern[bytes],
    "PATTERN_OF_STR": re.Pattern[str],
    "SECRET": Secret[int],
    "TIME_ZONE": ZoneInfo,
    "URL": AnyUrl,
}


def functions(node: Any) -> Iterator[Any]:
    """All functions in a core schema."""
    if isinstance(node, dict):
        for inner in node.values():
            yield from functions(inner)
    elif isinstance(node, list | tuple):
        for inner in node:
            yield from functions(inner)
    elif callable(node):
        yield node.func if isinstance(node, partial) else node


def test_each_name_has_its_type() -> None:
    assert set(TYPES) == {name for name in vars(names) if name.isupper()}


@pytest.mark.parametrize("name", TYPES)
def test_a_type_of_pydantic_is_made_with_the_function_of_this_name(name: str) -> None:
    found = list(functions(TypeAdapter(TYPES[name]).core_schema))
    wanted = getattr(names, name)
    assert any(names.is_named(one, wanted) for one in found), (
        f"Pydantic makes {TYPES[name]} no longer with {wanted}, but with "
        f"{sorted({getattr(one, '__qualname__', repr(one)) for one in found})}: see engine/schema/pydantic_names.py"
    )
