"""Validators that look at other fields (`info.data`), wherever they stand inside a field: judged with the whole object."""

from __future__ import annotations

import datetime as dt
import json
from collections import deque
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple

import pytest
from byte_walks import accepts
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    RootModel,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    WrapValidator,
    create_model,
    model_validator,
)
from typing_extensions import TypeAliasType

from engine.automaton.automaton import Automaton
from engine.extraction.compilation import compile_schema


def above(value: int, info: ValidationInfo) -> int:
    if value <= info.data["a"]:
        raise ValueError("not above a")
    return value


def above_wrapped(value: Any, handler: Callable[[Any], int], info: ValidationInfo) -> int:
    return above(handler(value), info)


Above = Annotated[int, AfterValidator(above)]
Wrapped = Annotated[int, WrapValidator(above_wrapped)]
Plainly = AfterValidator(lambda value: value)

FIELDS: list[tuple[Any, Callable[[int], Any]]] = [
    (Above, lambda n: n),
    (Wrapped, lambda n: n),
    (Annotated[int, BeforeValidator(above), Field(gt=0)], lambda n: n),
    (Annotated[Above, Plainly], lambda n: n),
    (Annotated[Above | str, Plainly], lambda n: n),
    (Above | None, lambda n: n),
    (Annotated[list[Above], Plainly], lambda n: [n]),
    (Annotated[list[Above], WithJsonSchema({"type": "array"})], lambda n: [n]),
    (Annotated[set[Above], Field(min_length=1)], lambda n: [n]),
    (set[Above | list[int]], lambda n: [n]),
    (Annotated[deque[Above], Field(max_length=2)], lambda n: [n]),
    (tuple[int, Above], lambda n: [0, n]),
    (Annotated[Mapping[str, Above], Field(min_length=1)], lambda n: {"x": n}),
    (Annotated[dict[dt.date, Above], Field(min_length=2)], lambda n: {"2024-01-01": n, "2024-01-02": n}),
    (dict[Above, int], lambda n: {str(n): 0}),
]


@pytest.mark.parametrize(("tp", "written"), FIELDS, ids=[str(index) for index, _ in enumerate(FIELDS)])
@pytest.mark.parametrize("style", ["spaced", "any"])
def test_a_field_is_judged_with_those_before_it(tp: Any, written: Callable[[int], Any], style: Any) -> None:
    model = create_model("Model", a=(int, ...), b=(tp, ...))
    outer = create_model("Outer", one=(model, ...), many=(list[model], ...))  # type: ignore[valid-type]
    for kind, shaped in ((model, lambda one: one), (outer, lambda one: {"one": one, "many": [one]})):
        automaton = Automaton(compile_schema(kind, style=style))
        for number, taken in ((5, False), (6, True)):
            text = json.dumps(shaped({"a": 5, "b": written(number)}))
            assert accepts(automaton, text) == taken == takes(kind, text)


def takes(tp: Any, text: str) -> bool:
    try:
        TypeAdapter(tp).validate_json(text)
    except ValidationError:
        return False
    return True


class Inner(BaseModel):
    n: int

    @model_validator(mode="before")
    @classmethod
    def _above(cls, value: Any, info: ValidationInfo) -> Any:
        if info.data and value["n"] <= info.data["a"]:
            raise ValueError("not above a")
        return value


class Root(RootModel[Above]):
    pass


class Outer(BaseModel):
    a: int
    b: Inner
    c: list[Inner]
    d: Root


@pytest.mark.parametrize("change", [{}, {"b": {"n": 5}}, {"c": [{"n": 6}, {"n": 5}]}, {"d": 5}], ids=str)
def test_what_comes_before_a_model_is_judged_with_the_object_around_it(change: dict[str, Any]) -> None:
    text = json.dumps({"a": 5, "b": {"n": 6}, "c": [{"n": 6}], "d": 6} | change)
    assert accepts(Automaton(compile_schema(Outer)), text) == takes(Outer, text) == (not change)


Deep = TypeAliasType("Deep", "list[Deep] | Above")


class Two(NamedTuple):
    first: int
    second: Above


class Left(BaseModel):
    a: int
    b: Deep
    c: Two


class Right(BaseModel):
    a: int
    b: Deep
    c: Two


class Both(BaseModel):
    left: Left
    right: Right


@pytest.mark.parametrize("place", ["left", "right"])
@pytest.mark.parametrize("change", [{}, {"b": 5}, {"b": [[5]]}, {"c": [0, 5]}], ids=str)
def test_a_definition_that_several_objects_use_is_judged_with_each(place: str, change: dict[str, Any]) -> None:
    good = {"a": 5, "b": [6], "c": [0, 6]}
    text = json.dumps({"left": good, "right": good} | {place: good | change})
    assert accepts(Automaton(compile_schema(Both)), text) == takes(Both, text) == (not change)


class Defaults(BaseModel):
    a: int
    b: Above = Field(5, validate_default=True)
    c: list[Above] = Field(default_factory=lambda: [5], validate_default=True)


@pytest.mark.parametrize("value", [{"a": 4}, {"a": 5}, {"a": 5, "b": 6}, {"a": 5, "b": 6, "c": [6]}], ids=str)
def test_a_validated_default_is_judged_with_the_fields_before_it(value: dict[str, Any]) -> None:
    text = json.dumps(value)
    assert accepts(Automaton(compile_schema(Defaults)), text) == takes(Defaults, text)
