"""Examples: answers that the grammar itself could have written, or a refusal with their place."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel, Field

from engine import Extractor
from engine.errors import ExampleInvalid, WrongArgument


class User(BaseModel):
    name: str = Field(min_length=2)
    age: int = Field(ge=0, alias="years")
    born: date | None = None


Options = dict[str, Any]


def answers(model: Any, examples: Any, options: Options, **others: Any) -> list[str]:
    extractor = Extractor(model, model=options["model"], settings=options["settings"], examples=examples, **others)
    return [answer for _, answer in extractor.task.examples]


def test_answers_are_spelled_as_the_model_is_to_spell_them(options: Options) -> None:
    ana = {
        "born": "2000-01-02T00:00:00",
        "years": "30",
        "name": "Ana",
    }  # as Pydantic takes it, not as the grammar writes
    found = answers(User, [("a", [ana]), ("b", []), ("c", User(name="Bo", years=1))], options)
    assert found == [
        '[{"name": "Ana", "years": 30, "born": "2000-01-02"}]',
        "[]",
        '[{"name": "Bo", "years": 1, "born": null}]',
    ]
    assert answers(User, [("a", ana)], options, mode="one", style="compact") == [
        '{"name":"Ana","years":30,"born":"2000-01-02"}'
    ]


@pytest.mark.parametrize(
    ("answer", "path", "reason"),
    [
        ([{"name": "Ana", "years": 1}, {"name": "Bo", "years": -1}], "/1/years", "greater than or equal to 0"),
        ([{"name": "A", "years": 1}], "/0/name", "at least 2 characters"),
        ([{"name": "Ana"}], "/0/years", "required"),
        (["Ana"], "/0", "should be an object"),
        ([{"name": "Ana", "years": 1, "pet": "dog"}], "/0/pet", "no such member"),
        ([{"name": "Ana", "years": float("nan")}], "/0/years", "finite"),
        ([{"name": object(), "years": 1}], "", "JSON"),
    ],
)
def test_answer_that_the_type_does_not_take_is_refused_with_its_place(
    answer: Any, path: str, reason: str, options: Options
) -> None:
    with pytest.raises(ExampleInvalid, match=reason) as raised:
        answers(User, [("fine", []), ("wrong", answer)], options)
    assert (raised.value.index, raised.value.path) == (1, path)


def test_answer_under_a_json_schema_is_judged_by_it(options: Options) -> None:
    schema = {
        "properties": {"a": {"type": "integer"}, "b": {"uniqueItems": True, "type": "array"}},
        "required": ["a"],
        "type": "object",
    }
    good = {"a": 1, "b": [1, 2]}
    assert answers(schema, [("t", [good])], options) == [json.dumps([good])]
    with pytest.raises(ExampleInvalid, match="non-unique") as raised:
        answers(schema, [("t", [{"a": 1, "b": [2, 2]}])], options)
    assert raised.value.path == "/0/b"
    with pytest.raises(ExampleInvalid, match="the grammar expects"):
        answers(schema, [("t", [{"b": [1], "a": 1}])], options)  # the order of the schema is another


def test_number_of_items_is_that_of_the_call(options: Options) -> None:
    two = [{"name": "Ana", "years": 1}] * 2
    with pytest.raises(ExampleInvalid, match="expects ']'"):
        answers(User, [("t", two)], options, max_items=1)
    with pytest.raises(ExampleInvalid, match="expects"):
        answers(User, [("t", [])], options, min_items=1)


@pytest.mark.parametrize("example", ["text", ("text",), ("a", "b", "c"), (1, []), None])
def test_example_is_a_pair(example: Any, options: Options) -> None:
    with pytest.raises(WrongArgument, match="example 1 must be a pair"):
        answers(User, [("fine", []), example], options)
