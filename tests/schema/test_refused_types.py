"""Types that cannot be enforced: refused with their place and the way out, never with somebody else's error."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

import pytest
from pydantic import AliasPath, BaseModel, ConfigDict, Field, ImportString, PlainValidator, create_model
from pydantic.json_schema import SkipJsonSchema

from engine.errors import GrammarTooComplex, SchemaError, UnsupportedSchema
from engine.schema import read_type
from engine.schema.schema import Object


class Broken(enum.Enum):
    HALF = "\ud800"
    WHOLE = "b"


class Days(enum.Enum):
    FIRST = date(2024, 1, 1)


class Late(BaseModel):
    model_config = ConfigDict(defer_build=True)
    field: list[Broken]


@pytest.mark.parametrize(
    ("tp", "reason"),
    [
        (Callable[[int], int], "no JSON value"),
        (ImportString, "import"),
        (Annotated[int, PlainValidator(int)], "json_schema_input_type"),
        (Days, "none of the values"),
        (type[int], "no JSON value"),
        (re.Pattern[bytes], "no JSON value"),
        (SkipJsonSchema[int], "must be there"),
    ],
)
def test_a_field_that_cannot_be_enforced_is_refused_with_its_path(tp: Any, reason: str) -> None:
    model = create_model("Model", outer=(list[tp], ...))
    with pytest.raises(UnsupportedSchema, match=reason) as caught:
        read_type(model)
    assert caught.value.path.startswith("/outer")


def test_a_value_read_from_inside_another_is_refused() -> None:
    model = create_model("Model", inner=(int, Field(validation_alias=AliasPath("a", 0))))
    with pytest.raises(UnsupportedSchema, match="inside another value"):
        read_type(model)


def test_what_pydantic_cannot_build_is_an_error_of_ours_with_its_path() -> None:
    with pytest.raises(SchemaError, match="Pydantic can make no validator") as caught:
        read_type(Late)
    assert caught.value.path == "/field"
    with pytest.raises(SchemaError, match="Pydantic can make no validator"):
        read_type(Broken)


def nested(levels: int, *, twice: bool = False) -> Any:
    tp: Any = create_model("Model", leaf=(int, ...))
    for _ in range(levels):
        tp = create_model("Model", one=(tp, ...), **({"two": (tp, ...)} if twice else {}))  # type: ignore[call-overload]
    return tp


def test_models_in_each_other_are_read_or_refused_at_any_depth() -> None:
    read_type(nested(20))
    with pytest.raises(GrammarTooComplex, match="nesting"):
        read_type(nested(120))
    read_type(nested(120, twice=True))  # definitions, read in turn


def test_a_field_whose_validated_default_is_wrong_cannot_be_left_out() -> None:
    class Defaults(BaseModel):
        model_config = ConfigDict(validate_default=True)
        wrong: int = Field(default=-1, ge=0)
        made: list[int] = Field(default_factory=list, min_length=1)
        right: int = 1
        unchecked: Annotated[int, Field(ge=0, validate_default=False)] = -1

    schema = read_type(Defaults)
    shape = schema.vertices[schema.root].alternatives[0].shape
    assert isinstance(shape, Object)
    assert {one.name: one.required for one in shape.properties} == {
        "wrong": True,
        "made": True,
        "right": False,
        "unchecked": False,
    }
