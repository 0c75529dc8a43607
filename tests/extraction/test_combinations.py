"""Branches and guards together: what one branch forbids another may allow.

Each row is a schema and instances; the answer is jsonschema's, formats asserted. Instances are written as `json.dumps` does, in
styles "any" and "spaced" (objects have their keys in the declared order), and walked through the compiled automaton.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from byte_walks import accepts
from jsonschema import Draft202012Validator, FormatChecker

from engine.automaton.automaton import Automaton
from engine.extraction.compilation import compile_schema

UNIQUE = {"uniqueItems": True}
INTEGER, STRING, NULL = {"type": "integer"}, {"type": "string"}, {"type": "null"}
A, B = {"required": ["a"]}, {"required": ["b"]}

TABLE: dict[str, tuple[Any, list[Any]]] = {
    "unique, or integers": (
        {"anyOf": [UNIQUE, {"items": INTEGER}]},
        [[1, 1], ["a", "a"], ["a", "b"], [1, "a", 1], [], 1],
    ),
    "unique arrays, or arrays of integers": (
        {"type": "array", "anyOf": [UNIQUE, {"items": INTEGER}]},
        [[1, 1], ["a", "a"], [[1], [1]], [[1], [2]], 1],
    ),
    "exactly one of unique and integers": (
        {"oneOf": [UNIQUE, {"items": INTEGER}], "type": "array"},
        [[1, 1], [1, 2], ["a", "b"], ["a", "a"], []],
    ),
    "unique and not integers": (
        {"type": "array", "allOf": [UNIQUE, {"not": {"items": INTEGER}}]},
        [[1, 2], ["a"], ["a", "a"], [1, "a"], []],
    ),
    "not unique": ({"type": "array", "not": UNIQUE}, [[1, 1], [1, 2], [], [True, 1], [[], []]]),
    "unique by value, not by spelling": (
        {"type": "array", "uniqueItems": True},
        [[1, True], [0, False], [{}, {}], [1, 2]],
    ),
    "unique objects whatever their order": (
        {"type": "array", "uniqueItems": True, "items": {"type": "object", "properties": {"a": INTEGER, "b": INTEGER}}},
        [[{"a": 1, "b": 2}, {"a": 1, "b": 2}], [{"a": 1}, {"b": 1}], [{}, {}], [{"a": 1, "b": 2}, {"a": 1}]],
    ),
    "unique inside, or unique outside": (
        {"type": "array", "anyOf": [UNIQUE, {"items": {"type": "array", "uniqueItems": True}}]},
        [[[1, 1], [1, 1]], [[1, 1], [2]], [[1], [1]], [1, 1], [[1, 2], [1, 2]]],
    ),
    "contains within counts": (
        {"type": "array", "contains": INTEGER, "minContains": 2, "maxContains": 3},
        [[1, 2], [1], [1, 2, 3, 4], ["a", 1, "b", 2], ["a", 1]],
    ),
    "contains of one thing and of another": (
        {"type": "array", "allOf": [{"contains": {"const": 1}}, {"contains": {"const": "a"}, "maxContains": 1}]},
        [[1, "a"], [1], ["a"], [1, "a", "a"], [1, 1, "a"]],
    ),
    "contains, or not at all": (
        {"anyOf": [{"contains": {"multipleOf": 3}}, {"maxItems": 1}], "type": "array", "items": INTEGER},
        [[1], [1, 2], [1, 3], [], [0, 0]],
    ),
    "contains nothing of a kind": (
        {"type": "array", "contains": STRING, "minContains": 0, "maxContains": 1, "uniqueItems": True},
        [["a"], ["a", "b"], [1, 2], [1, 1], []],
    ),
    "prefix, contains and unique": (
        {"type": "array", "prefixItems": [STRING, INTEGER], "contains": {"const": 7}, "uniqueItems": True},
        [["a", 7], ["a", 1], ["a", 1, 7], ["a", 7, 7], [7, 7], ["a", 7, "a"]],
    ),
    "unevaluated items behind a prefix": (
        {
            "prefixItems": [STRING],
            "anyOf": [{"prefixItems": [True, INTEGER]}, True],
            "unevaluatedItems": False,
            "type": "array",
        },
        [["a"], ["a", 1], ["a", "b"], ["a", 1, 2], []],
    ),
    "unevaluated items beside contains": (
        {"type": "array", "contains": STRING, "unevaluatedItems": INTEGER},
        [["a"], ["a", 1], [1], ["a", None], ["a", "b", 3]],
    ),
    "unevaluated items behind a condition": (
        {
            "type": "array",
            "if": {"prefixItems": [{"const": "pair"}], "minItems": 1},
            "then": {"prefixItems": [True, INTEGER, INTEGER]},
            "unevaluatedItems": False,
        },
        [["pair", 1, 2], ["pair", 1, "x"], ["pair"], ["one"], []],
    ),
    "unevaluated properties of the branch that holds": (
        {
            "type": "object",
            "properties": {"kind": {"enum": ["x", "y"]}},
            "required": ["kind"],
            "anyOf": [
                {"properties": {"kind": {"const": "x"}, "x": INTEGER}},
                {"properties": {"kind": {"const": "y"}, "y": STRING}},
            ],
            "unevaluatedProperties": False,
        },
        [{"kind": "x", "x": 1}, {"kind": "y", "y": "a"}, {"kind": "x", "y": "a"}, {"kind": "y", "x": 1}, {"kind": "x"}],
    ),
    "unevaluated properties behind a reference": (
        {
            "$defs": {"base": {"properties": {"id": INTEGER}, "required": ["id"]}},
            "$ref": "#/$defs/base",
            "type": "object",
            "properties": {"name": STRING},
            "unevaluatedProperties": {"type": "boolean"},
        },
        [{"name": "a", "id": 1}, {"id": 1}, {"name": "a"}, {"id": 1, "more": True}, {"id": 1, "more": 2}],
    ),
    "unevaluated properties beside patterns and dependents": (
        {
            "type": "object",
            "properties": {"a": INTEGER},
            "patternProperties": {"^x-": True},
            "dependentSchemas": {"a": {"properties": {"b": INTEGER}}},
            "unevaluatedProperties": False,
        },
        [{"a": 1, "b": 2}, {"b": 2}, {"a": 1, "x-1": None}, {"a": 1, "c": 1}, {}],
    ),
    "not beside unevaluated": (
        {"type": "object", "not": {"required": ["b"]}, "properties": {"a": True}, "unevaluatedProperties": INTEGER},
        [{"a": "x"}, {"a": "x", "b": 1}, {"a": "x", "c": 1}, {"c": "x"}],
    ),
    "conditions": (
        {
            "type": "object",
            "properties": {"country": {"enum": ["DE", "US"]}, "zip": STRING},
            "required": ["country", "zip"],
            "if": {"properties": {"country": {"const": "DE"}}},
            "then": {"properties": {"zip": {"pattern": "^[0-9]{5}$"}}},
            "else": {"properties": {"zip": {"minLength": 2, "maxLength": 3}}},
        },
        [
            {"country": "DE", "zip": "12345"},
            {"country": "DE", "zip": "NY"},
            {"country": "US", "zip": "NY"},
            {"country": "US", "zip": "12345"},
        ],
    ),
    "a condition on uniqueness": (
        {"type": "array", "if": UNIQUE, "then": {"maxItems": 2}, "else": {"items": INTEGER}},
        [[1, 2], [1, 2, 3], [1, 1, 1], ["a", "a"], ["a", "b"]],
    ),
    "a condition within an alternative": (
        {"anyOf": [{"type": "integer", "if": {"minimum": 10}, "then": {"multipleOf": 5}}, {"const": 11}, NULL]},
        [3, 11, 12, 15, None, "a"],
    ),
    "a condition without then": (
        {"type": "integer", "if": {"multipleOf": 2}, "else": {"minimum": 5}},
        [2, 3, 5, 7, -4],
    ),
    "conditions under unique alternatives": (
        {
            "oneOf": [
                {"if": INTEGER, "then": {"minimum": 3}, "else": STRING},
                {"type": ["integer", "null"], "maximum": 4},
            ]
        },
        [2, 3, 4, 5, "a", None, 1.5],
    ),
    "exactly one of three": (
        {"oneOf": [{"multipleOf": 2}, {"multipleOf": 3}, {"multipleOf": 5}], "type": "integer"},
        [2, 6, 9, 10, 30, 25, 7],
    ),
    "exactly one of overlapping objects": (
        {"type": "object", "properties": {"a": True, "b": True}, "oneOf": [A, B]},
        [{"a": 1}, {"b": 1}, {"a": 1, "b": 1}, {}, {"a": 1, "c": 1}],
    ),
    "exactly one of itself": (
        {"oneOf": [STRING, STRING, {"type": "array", "items": {"type": ["integer", "string"]}}]},
        ["a", [], [1], [None]],
    ),
    "one of, within all of, beside any of": (
        {
            "allOf": [{"oneOf": [{"maxLength": 2}, {"pattern": "^a"}]}],
            "anyOf": [{"minLength": 1}, {"const": ""}],
            "type": "string",
        },
        ["", "ab", "abc", "b", "bcd"],
    ),
    "not of an object": (
        {
            "type": "object",
            "properties": {"a": INTEGER, "b": INTEGER},
            "not": {"properties": {"a": {"const": 1}}, "required": ["a"]},
        },
        [{"a": 1}, {"a": 2}, {"b": 1}, {"a": 1, "b": 2}, {}],
    ),
    "not of not": ({"not": {"not": {"type": "array", "uniqueItems": True}}}, [[1, 1], [1, 2], 1, []]),
    "not of an alternative with a guard": (
        {"not": {"anyOf": [UNIQUE, {"minItems": 3}]}, "type": "array"},
        [[1, 1], [1, 1, 1], [1, 2], []],
    ),
    "not of a pattern beside lengths": (
        {"type": "string", "not": {"pattern": "b"}, "minLength": 2, "maxLength": 3},
        ["aa", "ab", "aaaa", "a", "äöü"],
    ),
    "dependent keys": (
        {
            "type": "object",
            "properties": {"a": True, "b": True, "c": True},
            "dependentRequired": {"a": ["b"], "b": ["c"]},
        },
        [{"a": 1}, {"a": 1, "b": 1}, {"a": 1, "b": 1, "c": 1}, {"b": 1, "c": 1}, {"c": 1}, {"b": 1}],
    ),
    "dependent schemas": (
        {
            "type": "object",
            "properties": {"a": INTEGER, "b": INTEGER},
            "dependentSchemas": {
                "a": {"properties": {"b": {"minimum": 5}}, "required": ["b"]},
                "b": {"maxProperties": 2},
            },
        },
        [{"a": 1, "b": 5}, {"a": 1, "b": 4}, {"a": 1}, {"b": 4}, {"b": 4, "c": 1, "d": 1}],
    ),
    "dependent keys in one branch": (
        {"type": "object", "anyOf": [{"dependentRequired": {"a": ["b"]}}, {"properties": {"a": NULL}}]},
        [{"a": None}, {"a": 1}, {"a": 1, "b": 1}, {"b": 1}],
    ),
    "dependent keys, forbidden": (
        {"type": "object", "properties": {"a": INTEGER, "b": False}, "dependentRequired": {"a": ["b"]}},
        [{}, {"a": 1}, {"b": 1}, {"c": 1}],
    ),
    "pattern keys beside declared ones": (
        {
            "type": "object",
            "properties": {"ab": INTEGER},
            "patternProperties": {"^a": {"minimum": 3}, "b$": {"maximum": 9}},
            "additionalProperties": STRING,
        },
        [{"ab": 5}, {"ab": 1}, {"ab": 10}, {"a": 2}, {"a": "x"}, {"b": 10}, {"c": "x"}, {"c": 1}],
    ),
    "names and counts": (
        {
            "type": "object",
            "propertyNames": {"pattern": "^[ab]+$", "maxLength": 2},
            "minProperties": 1,
            "maxProperties": 2,
        },
        [{}, {"a": 1}, {"a": 1, "bb": 2}, {"abc": 1}, {"c": 1}, {"a": 1, "b": 2, "ab": 3}],
    ),
    "names by alternatives": (
        {"type": "object", "anyOf": [{"propertyNames": {"minLength": 2}}, {"maxProperties": 1}]},
        [{"a": 1}, {"a": 1, "bb": 1}, {"aa": 1, "bb": 1}, {}],
    ),
    "names that are no enum": (
        {"type": "object", "propertyNames": {"not": {"enum": ["a", "b"]}}, "additionalProperties": INTEGER},
        [{"a": 1}, {"c": 1}, {"c": "x"}, {}, {"ab": 1, "b": 1}],
    ),
    "counts of keys over alternatives": (
        {
            "type": "object",
            "properties": {"a": INTEGER, "b": INTEGER},
            "minProperties": 2,
            "anyOf": [A, {"maxProperties": 2}],
        },
        [{"a": 1, "b": 2}, {"a": 1}, {"b": 1, "c": 2}, {"b": 1, "c": 2, "d": 3}, {"a": 1, "c": 2, "d": 3}],
    ),
    "multiples in a range, or a constant": (
        {
            "anyOf": [
                {"type": "number", "multipleOf": 0.5, "exclusiveMinimum": 0, "maximum": 3},
                {"const": 0.25},
                {"enum": [7, "7"]},
            ]
        },
        [0.5, 0.25, 0, 3, 3.5, 7, "7", 2.75],
    ),
    "multiples of two numbers": (
        {"type": "integer", "multipleOf": 4, "allOf": [{"multipleOf": 6}], "not": {"const": 24}},
        [12, 24, 36, 8, 6, 0, -12],
    ),
    "enum under constraints": (
        {"enum": [1, "a", "abc", None, [1, 1], {"a": 1}], "not": {"const": None}, "maxLength": 2, "uniqueItems": True},
        [1, "a", "abc", None, [1, 1], {"a": 1}, 2],
    ),
    "constants of objects": (
        {"anyOf": [{"const": {"a": [1, {"b": None}]}}, {"const": []}, {"enum": [{"a": []}]}]},
        [{"a": [1, {"b": None}]}, {"a": []}, [], {}, {"a": [1]}],
    ),
    "siblings of a reference": (
        {"$defs": {"n": {"type": "integer", "minimum": 0}}, "$ref": "#/$defs/n", "maximum": 9, "not": {"enum": [3, 4]}},
        [0, 3, 9, 10, -1, 5],
    ),
    "a reference under two guards": (
        {
            "$defs": {"set": {"type": "array", "uniqueItems": True}},
            "anyOf": [{"$ref": "#/$defs/set", "minItems": 2}, {"allOf": [{"$ref": "#/$defs/set"}, {"items": STRING}]}],
        },
        [[1, 2], [1], ["a"], ["a", "a"], [1, 1], []],
    ),
    "a recursive tree with unique children": (
        {
            "type": "object",
            "properties": {"v": INTEGER, "c": {"type": "array", "items": {"$ref": "#"}, "uniqueItems": True}},
            "required": ["v"],
            "additionalProperties": False,
        },
        [
            {"v": 1, "c": [{"v": 1}, {"v": 2}]},
            {"v": 1, "c": [{"v": 1}, {"v": 1}]},
            {"v": 1, "c": [{"v": 1, "c": [{"v": 2}, {"v": 2}]}]},
            {"v": 1, "c": [{"v": 1, "c": [{"v": 2}]}, {"v": 1}]},
            {"v": 1, "c": [{}]},
        ],
    ),
    "recursion under alternatives": (
        {
            "$defs": {
                "e": {"oneOf": [INTEGER, {"type": "array", "items": {"$ref": "#/$defs/e"}, "contains": INTEGER}]}
            },
            "$ref": "#/$defs/e",
        },
        [1, [1], [[1], 2], [[1]], [], [[], 1]],
    ),
    "recursion under not": (
        {"type": "array", "items": {"anyOf": [INTEGER, {"$ref": "#"}]}, "not": {"contains": {"const": 0}}},
        [[1], [0], [[0]], [[1], 2], [[[0]]], ["a"]],
    ),
    "formats beside patterns and lengths": (
        {"type": "string", "format": "date", "pattern": "^20", "not": {"pattern": "-01$"}},
        ["2024-02-29", "2023-02-29", "1999-05-05", "2024-05-01", "20"],
    ),
    "one format or another": (
        {"type": "string", "oneOf": [{"format": "ipv4"}, {"format": "ipv6"}, {"maxLength": 3}]},
        ["1.2.3.4", "::1", "::1:2", "1.2.3", "abc"],
    ),
    "a format in one branch of a condition": (
        {
            "if": {"maxLength": 36, "minLength": 36},
            "then": {"format": "uuid"},
            "else": {"format": "email"},
            "type": "string",
        },
        ["12345678-1234-1234-1234-123456789abc", "x" * 36, "a@example.org", "12345678"],
    ),
    "a look-ahead in an alternative": (
        {"anyOf": [{"pattern": "^(?=.*[0-9])(?=.*[a-z]).{3,}$"}, {"maxLength": 1}], "type": "string"},
        ["a1b", "abc", "x", "a1", "123"],
    ),
    "a back-reference under one-of": (
        {"type": "string", "oneOf": [{"pattern": "^(a|b)\\1$"}, {"minLength": 2, "maxLength": 2}]},
        ["aa", "ab", "a", "aba", "bb", "cc"],
    ),
    "a negative look-behind beside an enum": (
        {"type": "string", "pattern": "(?<!x)y$", "not": {"enum": ["y", "zy"]}},
        ["y", "ay", "xy", "zy", "yay"],
    ),
    "guards on several levels": (
        {
            "type": "object",
            "properties": {
                "tags": {"type": "array", "items": STRING, "uniqueItems": True},
                "sums": {
                    "type": "array",
                    "items": {"type": "integer", "not": {"multipleOf": 3}},
                    "contains": {"const": 1},
                },
            },
            "if": {"required": ["tags"]},
            "then": {"required": ["sums"]},
        },
        [
            {"tags": ["a"], "sums": [1]},
            {"tags": ["a", "a"], "sums": [1]},
            {"tags": [], "sums": [1, 3]},
            {"tags": []},
            {"sums": [2]},
            {},
        ],
    ),
    "alternatives of the same members under different guards": (
        {
            "type": "object",
            "properties": {"a": {"type": "array"}},
            "anyOf": [
                {"properties": {"a": UNIQUE}, "required": ["b"]},
                {"properties": {"a": {"maxItems": 2}}, "dependentRequired": {"b": ["c"]}},
            ],
        },
        [
            {"a": [1, 1]},
            {"a": [1, 2, 3]},
            {"a": [1, 2, 3], "b": 1},
            {"a": [1, 1], "b": 1},
            {"a": [1, 1], "b": 1, "c": 1},
        ],
    ),
    "a tuple of guarded members": (
        {
            "type": "array",
            "prefixItems": [{"not": {"const": 1}}, {"anyOf": [NULL, {"oneOf": [INTEGER, {"minimum": 3}]}]}],
            "items": False,
        },
        [[2, 1], [1, 1], [2, 4], [2, 3.5], [2, None], ["a"], [2, 1, 1]],
    ),
}


@pytest.fixture(scope="module")
def oracles() -> dict[str, Draft202012Validator]:
    formats = FormatChecker(["date", "ipv4", "ipv6", "uuid", "email"])
    return {name: Draft202012Validator(schema, format_checker=formats) for name, (schema, _) in TABLE.items()}


@pytest.mark.parametrize("style", ["any", "spaced"])
@pytest.mark.parametrize("name", TABLE)
def test_branches_and_guards_together_are_exact(
    name: str, style: Any, oracles: dict[str, Draft202012Validator]
) -> None:
    schema, instances = TABLE[name]
    automaton = Automaton(compile_schema(schema, style=style))
    found = {json.dumps(one): accepts(automaton, json.dumps(one, ensure_ascii=False)) for one in instances}
    assert found == {json.dumps(one): oracles[name].is_valid(one) for one in instances}


@pytest.mark.parametrize("name", TABLE)
def test_every_row_has_something_to_accept_and_to_refuse(name: str, oracles: dict[str, Draft202012Validator]) -> None:
    instances = TABLE[name][1]
    assert len(instances) >= 4
    assert {oracles[name].is_valid(one) for one in instances} == {True, False}


def test_what_one_branch_allows_is_not_refused_for_another_ones_guard() -> None:
    automaton = Automaton(compile_schema({"anyOf": [{"uniqueItems": True}, {"items": {"type": "integer"}}]}))
    assert accepts(automaton, "[1, 1]")
    assert not accepts(automaton, '["a", "a"]')
