"""Checks as predicates over JSON bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.errors import ValidatorFailed
from engine.guards.check import compile_check
from engine.schema.schema import Check


def _holds(schema: Any, value: Any, root: Any = None) -> bool:
    check = Check(path="", keywords=("test",), kind="json-schema", schema=schema, root=root)
    return compile_check(check).holds(json.dumps(value).encode())


@pytest.mark.parametrize(
    ("value", "unique"),
    [([1, 1.0], False), ([1, True], True), ([0, False], True), ([[1], [True]], True), ([{"a": 1}, {"a": 1.0}], False)],
)
def test_uniqueness_is_that_of_json(value: Any, unique: bool) -> None:
    assert _holds({"uniqueItems": True}, value) == unique


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"multipleOf": 0.1}, 0.3, 0.35),
        ({"multipleOf": 0.01}, 19.99, 19.999),
        ({"multipleOf": 3}, 10**30 * 3, 10**30),
        ({"not": {"format": "date"}}, "2023-02-29", "2024-02-29"),
        ({"pattern": "^\\d$"}, "1", "1\n"),
        ({"pattern": "^\\d$"}, "2", "\u0662"),
        ({"patternProperties": {"^(a+)+$": {"type": "null"}}}, {"a" * 60 + "!": 1}, {"a" * 60: 1}),
        ({"items": [{"type": "null"}], "additionalItems": False}, [None], [None, 1]),
        ({"maximum": 2, "exclusiveMaximum": True}, 1, 2),
        ({"dependencies": {"a": ["b"]}}, {"b": 1}, {"a": 1}),
    ],
)
def test_judgement_is_exact(schema: Any, good: Any, bad: Any) -> None:
    assert _holds(schema, good)
    assert not _holds(schema, bad)


def test_references_are_resolved_in_the_root() -> None:
    root = {"$defs": {"n": {"type": "integer"}}}
    assert _holds({"contains": {"$ref": "#/$defs/n"}}, ["a", 1], root)
    assert not _holds({"contains": {"$ref": "#/$defs/n"}}, ["a"], root)


def test_a_validator_is_asked_once_for_each_text() -> None:
    asked = []

    def validator(text: bytes) -> None:
        asked.append(text)
        if text == b"2":
            raise ValueError("two")

    predicate = compile_check(Check(path="", keywords=("v",), kind="pydantic", validator=validator))
    assert [predicate.holds(text) for text in (b"1", b"2", b"1", b"2")] == [True, False, True, False]
    assert asked == [b"1", b"2"]


def test_an_error_of_the_validator_itself_is_not_swallowed() -> None:
    def validator(text: bytes) -> None:
        raise RuntimeError("broken")

    predicate = compile_check(Check(path="", keywords=("v",), kind="pydantic", validator=validator))
    with pytest.raises(ValidatorFailed, match="broken"):
        predicate.holds(b"1")


def test_a_value_that_is_too_deep_to_judge_does_not_pass() -> None:
    root = {"type": "array", "items": {"$ref": "#"}}
    deep = json.loads("[" * 400 + "]" * 400)
    assert _holds({"items": {"$ref": "#"}}, [[[]]], root)
    assert not _holds({"items": {"$ref": "#"}}, deep, root)
