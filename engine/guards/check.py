"""Checks: a Check of the schema as a predicate over the closed value's JSON bytes.

Kind "json-schema" is judged by jsonschema, kind "pydantic" by the validator that the check carries. Predicates are memoised:
the search may ask for the same text often. Validators are taken to be pure. A value that is nested too deeply to be judged
does not pass.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

from engine.errors import ValidatorFailed
from engine.schema.location import SchemaDocument
from engine.schema.schema import Check, Json
from engine.schema.validation import Context, validator

MEMO_SIZE = 4096  # texts that a predicate remembers
LONGEST_REMEMBERED = 1 << 14  # bytes; longer texts are hardly asked for twice


class Predicate(Protocol):
    """Whether a closed value passes."""

    def holds(self, value_json: bytes) -> bool:
        """`value_json` is the UTF-8 text of one JSON value."""


def compile_check(check: Check) -> Predicate:
    """The predicate of a check; nothing is built before the first question."""
    return _Memoised(check)


class _Memoised:
    __slots__ = ("_ask", "_check", "_remember")

    def __init__(self, check: Check) -> None:
        self._check = check
        self._ask: Callable[[bytes], bool] | None = None
        self._remember = lru_cache(maxsize=MEMO_SIZE)(self._answer)

    def holds(self, value_json: bytes) -> bool:
        """See `Predicate`."""
        if len(value_json) > LONGEST_REMEMBERED:
            return self._answer(value_json)
        return self._remember(bytes(value_json))

    def _answer(self, value_json: bytes) -> bool:
        if self._ask is None:
            self._ask = _asking(self._check)
        try:
            return self._ask(value_json)
        except RecursionError:
            return False


def _asking(check: Check) -> Callable[[bytes], bool]:
    if check.kind == "pydantic":
        return lambda text: _accepts(check.validator, text, check.path)
    context = check.root
    if not isinstance(context, Context):
        context = Context.of(SchemaDocument(check.schema if context is None else context).root)
    holds = validator(check.schema, context)
    return lambda text: holds(json.loads(text))


def _accepts(validator: Callable[[bytes], Json], text: bytes, path: str) -> bool:
    try:
        validator(text)
    except ValueError:
        return False
    except Exception as error:  # foreign code: whatever it raises is its own
        raise ValidatorFailed(path, text, f"{type(error).__name__}: {error}") from error
    return True
