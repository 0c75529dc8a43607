"""The opposite of a schema holds exactly where the schema does not, as jsonschema sees it."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator, validators

from engine.schema.location import SchemaDocument
from engine.schema.negation import MOST_NEGATED_BRANCHES, negation

VALUES: list[Any] = [None, True, 0, 2, 3, 5, 2.5, "", "ab", "abc", [], [1], [1, 1], {}, {"a": 1}, {"a": "x", "b": 2}]


def is_fraction(_: object, value: object) -> bool:
    return isinstance(value, float) and not value.is_integer()


CHECKER = Draft202012Validator.TYPE_CHECKER.redefine(
    "fraction", is_fraction
)  # the engine's word for what is no integer
VALIDATOR = validators.extend(Draft202012Validator, type_checker=CHECKER)  # type: ignore[no-untyped-call]


def valid(schema: Any, value: Any) -> bool:
    return bool(VALIDATOR(schema).is_valid(value))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer"},
        {"type": ["integer", "string"], "minLength": 3},
        {"minimum": 3},
        {"exclusiveMaximum": 3},
        {"required": ["a"]},
        {"properties": {"a": {"type": "integer"}}},
        {"minItems": 1, "maxItems": 1},
        {"allOf": [{"type": "integer"}, {"minimum": 3}]},
        {"anyOf": [{"type": "string"}, {"minimum": 3}]},
        {"not": {"type": "string"}},
        {"minProperties": 1},
    ],
)
def test_one_branch_holds_exactly_where_the_schema_does_not(schema: Any) -> None:
    branches = negation(SchemaDocument(schema).root)
    assert branches is not None
    assert not any(branch.residuals or branch.excluded for branch in branches)
    for value in VALUES:
        held = any(all(valid(location.value, value) for location in branch.locations) for branch in branches)
        assert held is not valid(schema, value), value


def test_values_are_excluded_and_the_rest_is_a_residual() -> None:
    (enumerated,) = negation(SchemaDocument({"enum": [1, "a"]}).root) or ()
    assert enumerated.excluded == (1, "a")
    (patterned,) = negation(SchemaDocument({"pattern": "^a"}).root) or ()
    assert [residual.keywords for residual in patterned.residuals] == [("not", "pattern")]


def test_true_has_no_opposite_and_many_keywords_have_too_many() -> None:
    assert negation(SchemaDocument(True).root) == ()
    many = {"properties": {f"p{n}": {"type": "integer"} for n in range(MOST_NEGATED_BRANCHES + 1)}}
    assert negation(SchemaDocument(many).root) is None
