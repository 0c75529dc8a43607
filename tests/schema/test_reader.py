"""The reader's mechanisms: what becomes shape, what becomes check, what is refused, and in which order."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from schema_acceptance import accepts

from engine.errors import SchemaError, UnsupportedSchema
from engine.schema import Schema, read_json_schema
from engine.schema.schema import Alternative, Array, Literals, Number, Object, Pattern, Text


def _root(schema: Any) -> tuple[Alternative, ...]:
    read = read_json_schema(schema)
    return read.vertices[read.root].alternatives


def _checks(schema: Schema) -> list[tuple[str, ...]]:
    return [
        check.keywords for vertex in schema.vertices.values() for one in vertex.alternatives for check in one.checks
    ]


def test_numbers_are_read_as_they_are_spelled() -> None:
    (one,) = _root({"type": "number", "minimum": 0.1, "exclusiveMaximum": 1e22, "multipleOf": 0.01})
    assert one.shape == Number(
        minimum=Decimal("0.1"), maximum=Decimal("1e22"), exclusive_maximum=True, multiples_of=(Decimal("0.01"),)
    )


def test_equal_bounds_keep_the_exclusive_one() -> None:
    (one,) = _root({"type": "number", "minimum": 1, "exclusiveMinimum": 1})
    assert one.shape == Number(minimum=Decimal(1), exclusive_minimum=True)


def test_texts_of_a_conjunction_are_intersected() -> None:
    (one,) = _root(
        {
            "type": "string",
            "minLength": 1,
            "allOf": [{"pattern": "a", "minLength": 3}, {"format": "date", "maxLength": 9}],
        }
    )
    assert one.shape == Text(3, 9, (Pattern("a", "ecma"),), ("date",))


def test_discriminated_branches_need_no_check() -> None:
    branch = {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "a"}, "n": {"type": "integer"}}}
    other = {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "b"}, "n": {"type": "string"}}}
    assert _checks(read_json_schema({"oneOf": [branch, other]})) == []


def test_branches_that_patterns_tell_apart_need_no_check() -> None:
    assert _checks(read_json_schema({"type": "string", "oneOf": [{"pattern": "^a"}, {"pattern": "^[bc]"}]})) == []


def test_overlapping_branches_are_checked() -> None:
    read = read_json_schema({"type": "array", "oneOf": [{"items": {"minLength": 2}}, {"contains": {"const": "a"}}]})
    assert ("contains",) in _checks(read)
    assert ("not", "contains") in _checks(read)


def test_a_chain_of_conditions_on_one_key_needs_no_check() -> None:
    schema = {
        "type": "object",
        "properties": {"k": {"enum": ["a", "b", "c"]}},
        "required": ["k"],
        "allOf": [
            {"if": {"properties": {"k": {"const": key}}}, "then": {"required": [f"of {key}"]}}
            for key in ("a", "b", "c")
        ],
    }
    read = read_json_schema(schema)
    assert _checks(read) == []
    assert len(read.vertices[read.root].alternatives) == 3


def test_a_single_item_is_always_unique() -> None:
    (one,) = _root({"type": "array", "maxItems": 1, "uniqueItems": True})
    assert one.checks == ()


def test_items_that_nothing_can_be_end_the_array() -> None:
    (one,) = _root({"type": "array", "items": False})
    assert one.shape == Array((), None, 0, None)


def test_optional_properties_that_nothing_can_be_stay_forbidden() -> None:
    (one,) = _root({"type": "object", "properties": {"a": False, "b": {"type": "null"}}})
    assert isinstance(one.shape, Object)
    assert [member.name for member in one.shape.properties] == ["b"]
    assert one.shape.forbidden == ("a",)


def test_key_classes_that_no_name_is_in_are_left_out() -> None:
    (one,) = _root({"type": "object", "patternProperties": {"^a": {"type": "string"}, "^b": {"type": "integer"}}})
    assert isinstance(one.shape, Object)
    assert [len(keys.matching) for keys in one.shape.others] == [1, 1, 0]


def test_a_finite_choice_of_names_declares_them() -> None:
    (one,) = _root({"type": "object", "propertyNames": {"enum": ["x", "y"]}, "required": ["y"]})
    assert isinstance(one.shape, Object)
    assert [(member.name, member.required) for member in one.shape.properties] == [("y", True), ("x", False)]
    assert one.shape.others == ()


def test_alternatives_keep_the_order_of_branches() -> None:
    shapes = [type(one.shape) for one in _root({"anyOf": [{"type": "string"}, {"type": "null"}, {"type": "array"}]})]
    assert shapes == [Text, Literals, Array]


def test_recursion_is_a_cycle_of_few_vertices() -> None:
    read = read_json_schema({"type": "array", "items": {"$ref": "#"}})
    assert len(read.vertices) == 1


def test_literals_are_not_confused_by_python_equality() -> None:
    (one,) = _root({"enum": [1, True, 0, False, 1.0, "1"]})
    assert isinstance(one.shape, Literals)
    assert json.dumps(one.shape.values) == '[1, true, 0, false, "1"]'


def test_unknown_formats_and_keywords_are_annotations() -> None:
    read = read_json_schema({"type": "string", "format": "isbn", "colour": "red", "x-note": 1, "title": "T"})
    assert read.annotations == (("", "format"), ("", "colour"))
    assert read.vertices[read.root].title == "T"


@pytest.mark.parametrize(
    ("schema", "path", "keyword"),
    [
        ({"type": "foo"}, "/", "type"),
        ({"properties": {"a": {"minLength": -1}}}, "/properties/a", "minLength"),
        ({"items": [{"type": 3}]}, "/items/0", "type"),
        ({"anyOf": []}, "/", "anyOf"),
        ({"$ref": "#/nowhere"}, "/", "$ref"),
        ({"properties": {"a/b": 3}}, "/properties/a~1b", ""),
        ({"contains": {"contains": 3}}, "/contains/contains", ""),
        ({"not": {"not": {"not": {"pattern": 3}}}}, "/not/not/not", "pattern"),
        ({"multipleOf": 0}, "/", "multipleOf"),
        ({"minimum": float("nan")}, "/", "minimum"),
        ([], "/", ""),
    ],
)
def test_malformed_schemas_name_the_place(schema: Any, path: str, keyword: str) -> None:
    with pytest.raises(SchemaError) as caught:
        read_json_schema(schema)
    assert (caught.value.path, caught.value.keyword) == (path, keyword)


@pytest.mark.parametrize(
    ("schema", "keyword"),
    [
        ({"$ref": "https://example.com/x.json"}, "$ref"),
        ({"uniqueItems": True, "contains": {"$ref": "other.json"}}, "$ref"),
        ({"$schema": "http://json-schema.org/draft-03/schema#"}, "$schema"),
        ({"x-engine-guards": []}, "x-engine-guards"),
        ({"patternProperties": {"(": {}}}, "patternProperties"),
        ({"not": {"items": {"pattern": "("}}}, "pattern"),
    ],
)
def test_what_is_not_enforced_is_refused(schema: Any, keyword: str) -> None:
    with pytest.raises(UnsupportedSchema) as caught:
        read_json_schema(schema)
    assert caught.value.keyword == keyword


@pytest.mark.parametrize("allowed", ["$ref", "/properties/a/$ref"])
def test_exceptions_are_allowed_one_by_one_and_listed(allowed: str) -> None:
    schema = {"properties": {"a": {"$ref": "https://example.com/x.json"}}, "required": ["a"]}
    read = read_json_schema(schema, allow_unenforced=[allowed])
    assert read.unenforced == (("/properties/a", "$ref"),)
    assert accepts(read, {"a": 1})
    with pytest.raises(UnsupportedSchema):
        read_json_schema(schema, allow_unenforced=["/properties/b/$ref"])


@pytest.mark.parametrize(
    ("dialect", "schema", "good", "bad"),
    [
        ("http://json-schema.org/draft-04/schema#", {"minimum": 1, "exclusiveMinimum": True}, 2, 1),
        ("http://json-schema.org/draft-04/schema#", {"type": "integer"}, 1, 1.0),
        ("http://json-schema.org/draft-07/schema#", {"type": "integer"}, 1.0, 1.5),
        (
            "http://json-schema.org/draft-07/schema#",
            {"items": [{"type": "null"}], "additionalItems": False},
            [None],
            [None, 1],
        ),
        ("http://json-schema.org/draft-07/schema#", {"dependencies": {"a": ["b"]}}, {"a": 1, "b": 1}, {"a": 1}),
        (None, {"items": [{"type": "null"}], "additionalItems": False}, [None], [None, 1]),
        (None, {"dependencies": {"a": {"maxProperties": 1}}}, {"a": 1}, {"a": 1, "b": 1}),
        (None, {"maximum": 1, "exclusiveMaximum": True}, 0, 1),
    ],
)
def test_older_spellings(dialect: str | None, schema: Any, good: Any, bad: Any) -> None:
    read = read_json_schema(({"$schema": dialect} if dialect else {}) | schema)
    assert accepts(read, good)
    assert not accepts(read, bad)


def test_siblings_of_a_reference_are_ignored_up_to_draft_7() -> None:
    schema = {"$ref": "#/definitions/n", "maximum": 1, "definitions": {"n": {"type": "integer"}}}
    assert accepts(read_json_schema({"$schema": "http://json-schema.org/draft-07/schema#"} | schema), 5)
    assert not accepts(read_json_schema({"$schema": "https://json-schema.org/draft/2019-09/schema"} | schema), 5)


def test_metaschemas_are_known() -> None:
    read = read_json_schema({"$ref": "https://json-schema.org/draft/2020-12/schema"})
    assert accepts(read, {"properties": {"a": {"type": "string"}}})
    assert not accepts(read, {"properties": {"a": {"type": "text"}}})


def _nested(depth: int) -> Any:
    schema: Any = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "array", "items": schema}
    return schema


def _powerset(size: int) -> Any:
    """Reading `m` again and again asks for each set of definitions."""
    next_one = [f"#/$defs/d{(n + 1) % size}" for n in range(size)]
    defs = {
        f"d{n}": {"properties": {"n": {"$ref": ref}, "m": {"allOf": [{"$ref": ref}, {"$ref": "#/$defs/d0"}]}}}
        for n, ref in enumerate(next_one)
    }
    return {"$ref": "#/$defs/d0", "$defs": defs}


@pytest.mark.parametrize("schema", [_powerset(16), _nested(4000)], ids=["powerset", "nesting"])
def test_schemas_built_to_explode_end_in_an_error(schema: Any) -> None:
    with pytest.raises(SchemaError, match="too"):
        read_json_schema(schema)


@pytest.mark.parametrize(
    "schema",
    [
        _nested(100),
        {"enum": [f"v{n}" for n in range(10_000)], "pattern": "^v"},
        {"allOf": [{"anyOf": [{"required": [f"a{n}"]}, {"required": [f"b{n}"]}]} for n in range(20)]},
        {"type": "object", "dependentRequired": {f"a{n}": [f"b{n}"] for n in range(30)}},
        {"type": "string", "maxLength": 10**9},
        {"properties": {"a" * 40 + "!": {}}, "patternProperties": {"^(a+)+$": {"type": "null"}}},
    ],
    ids=["nesting", "enum", "product of choices", "dependencies", "length", "backtracking"],
)
def test_large_schemas_are_read_into_few_alternatives(schema: Any) -> None:
    read = read_json_schema(schema)
    assert sum(len(vertex.alternatives) for vertex in read.vertices.values()) < 1000


def test_undistributed_choices_still_count() -> None:
    read = read_json_schema(
        {"allOf": [{"anyOf": [{"required": [f"a{n}"]}, {"required": [f"b{n}"]}]} for n in range(20)]}
    )
    assert accepts(read, {f"a{n}" if n % 2 else f"b{n}": 1 for n in range(20)})
    assert not accepts(read, {f"a{n}": 1 for n in range(19)})
