"""Checks: a Check of the schema as a predicate over the closed value's JSON bytes.

Kind "json-schema" is judged by jsonschema, kind "pydantic" by the validator that the check carries. Predicates are memoised:
the search may ask for the same text often. Validators are taken to be pure.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from engine.schema.judge import Context, Holds, judge
from engine.schema.location import Document
from engine.schema.schema import Check, Json

MEMO_SIZE = 4096  # texts that a predicate remembers


class Predicate(Protocol):
    """Whether a closed value passes."""

    def holds(self, value_json: bytes) -> bool:
        """`value_json` is the UTF-8 text of one JSON value."""


def compile_check(check: Check) -> Predicate:
    """The predicate of a check; nothing is built before the first question."""
    return _Memoised(check)


class _Memoised:
    __slots__ = ("_answers", "_check", "_judge")

    def __init__(self, check: Check) -> None:
        self._check = check
        self._judge: Callable[[bytes], bool] | None = None
        self._answers: OrderedDict[bytes, bool] = OrderedDict()

    def holds(self, value_json: bytes) -> bool:
        """See `Predicate`."""
        answer = self._answers.get(value_json)
        if answer is None:
            if self._judge is None:
                self._judge = _built(self._check)
            answer = self._judge(value_json)
            self._answers[value_json] = answer
            if len(self._answers) > MEMO_SIZE:
                self._answers.popitem(last=False)
        else:
            self._answers.move_to_end(value_json)
        return answer


def _built(check: Check) -> Callable[[bytes], bool]:
    if check.kind == "pydantic":
        return lambda text: _accepts(check.validator, text)
    root = check.root
    if not isinstance(root, Context):
        document = Document(root if root is not None else check.schema)
        root = Context.of(document.root)
    holds: Holds = judge(check.schema, root)
    return lambda text: holds(_parsed(text))


def _accepts(validator: Callable[[bytes], Json], text: bytes) -> bool:
    try:
        validator(text)
    except ValueError:
        return False
    return True


def _parsed(text: bytes) -> Json:
    return json.loads(text)
