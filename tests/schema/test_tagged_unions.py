"""Unions whose tag has aliases: what the schema accepts, Pydantic accepts."""

from __future__ import annotations

import json
from itertools import product
from typing import Annotated, Any, Literal

import pytest
from byte_walks import accepts
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, TypeAdapter, ValidationError, create_model

from engine.automaton.automaton import Automaton
from engine.errors import SchemaError
from engine.extraction.compilation import compile_schema

NAMES = ("kind", "k", "x", "y")
VALUES = ("a", "b", "z")


@st.composite
def unions(draw: st.DrawFn) -> Any:
    """Two members with a tag and another field, whose aliases may be each other's names, or the same."""
    members, tag_alias = [], draw(st.sampled_from([None, *NAMES]))
    for tag in "ab":
        other_alias = draw(st.sampled_from([None, *NAMES]))
        config = ConfigDict(
            populate_by_name=draw(st.booleans()),
            extra=draw(st.sampled_from(("ignore", "allow", "forbid"))),
        )
        fields: dict[str, Any] = {
            "kind": (Literal[tag], Field(alias=tag_alias)),
            "x": (str, Field(alias=other_alias)),
        }
        if draw(st.booleans()):
            fields = dict(reversed(fields.items()))
        members.append(create_model(f"M{tag}", __config__=config, **fields))
    return Annotated[members[0] | members[1], Field(discriminator="kind")]


OBJECTS = [
    dict(zip(keys, values, strict=True))
    for size in (1, 2, 3)
    for keys in product(NAMES, repeat=size)
    if len(set(keys)) == size
    for values in product(VALUES, repeat=size)
]


@settings(max_examples=60)
@given(unions(), st.data())
def test_nothing_is_accepted_that_pydantic_refuses(union: Any, data: st.DataObject) -> None:
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(union)
        automaton = Automaton(compile_schema(union, style="any"))
    except (SchemaError, PydanticUserError, ValueError):
        return  # refused as a whole, here or by Pydantic
    for value in data.draw(st.lists(st.sampled_from(OBJECTS), min_size=30, max_size=60)):
        if accepts(automaton, json.dumps(value)):
            adapter.validate_json(json.dumps(value))


class First(BaseModel):
    kind: Literal["a"] = Field(alias="k")
    x: str = Field(alias="kind")


class Second(BaseModel):
    kind: Literal["b"] = Field(alias="k")
    x: str = Field(alias="kind")


@pytest.mark.parametrize(
    ("value", "expected"),
    [({"k": "a", "kind": "a"}, True), ({"k": "a", "kind": "z"}, False), ({"k": "a", "kind": "b"}, False)],
)
def test_another_field_with_the_name_of_the_tag(value: dict[str, str], expected: bool) -> None:
    union = Annotated[First | Second, Field(discriminator="kind")]
    assert accepts(Automaton(compile_schema(union, style="any")), json.dumps(value)) is expected
    try:
        TypeAdapter[Any](union).validate_json(json.dumps(value))
    except ValidationError:
        assert not expected
    else:
        assert expected
