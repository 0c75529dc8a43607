"""Enum values: literals, enums and flags of a core schema, by the values that Pydantic recognises in JSON.

In: the values, and the judge of the node that they stand in. Out: JSON Schema. A value that JSON cannot write, or that Pydantic
does not read back, is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from enum import Enum
from functools import reduce
from operator import or_
from typing import Any

from pydantic_core import to_jsonable_python

from engine.schema.json_equality import literal_key
from engine.schema.node_validator import NodeValidator
from engine.schema.schema import Json

_MOST_FLAGS = 1024  # values of flags that are looked at one by one
_LARGEST = 2**63 - 1  # that Pydantic reads as a value of an enum


def enum_values(members: Iterable[Any], validator: NodeValidator) -> list[Json]:
    """What stands for each of the values."""
    found: dict[Any, Json] = {}
    for member in members:
        for text in _spellings(member.value if isinstance(member, Enum) else member):
            if validator.passes(text):
                found[literal_key(text)] = text
                break
    return list(found.values())


def _spellings(value: Any) -> list[Json]:
    """What may stand for a literal in JSON."""
    try:
        usual = [to_jsonable_python(value)]
    except ValueError:
        usual = []
    return [*usual, float(value)] if isinstance(value, Decimal) and value.is_finite() else usual


def flag_values(members: Iterable[Any], validator: NodeValidator) -> tuple[list[Json], bool]:
    """Runs of the numbers that the flags come to, and whether a guard is needed. Few of them are looked at one by one: as
    `2.0`, what is no member itself is not always read."""
    every = reduce(or_, (member.value for member in members), 0)
    beyond = 1 << every.bit_length()
    if validator.passes(beyond) and getattr(validator(str(beyond).encode()), "value", beyond) == beyond:
        return [{"type": "integer", "minimum": -_LARGEST - 1, "maximum": _LARGEST}], True  # further bits are kept
    if every >= _MOST_FLAGS:
        return [{"type": "integer", "minimum": 0, "maximum": every}], True
    runs: list[Json] = []
    for value in filter(validator.passes, range(every + 1)):
        run = {"type": "integer", "minimum": value}
        if not validator.passes(float(value)):
            run["x-engine-digits"] = True
        if not runs or runs[-1] | {"minimum": value} != run | {"maximum": value - 1}:
            runs.append(run)
        runs[-1]["maximum"] = value
    return runs, False
