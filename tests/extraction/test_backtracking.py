"""Validators that refuse what the model likes best: every document ends in a valid object all the same."""

from __future__ import annotations

import json
from typing import Annotated, Any

import jsonschema
import pytest
from pydantic import AfterValidator, BaseModel, Field, TypeAdapter, ValidationInfo, field_validator, model_validator

from engine import Extractor, extract_one
from engine.bench.example_texts import LINES
from engine.errors import GuardUnsatisfied

Options = dict[str, Any]


class Member(BaseModel):
    """Names that the texts have are forbidden by the context; ages must be even."""

    name: str = Field(max_length=20)
    age: Annotated[int, Field(ge=0, le=99)]

    @field_validator("name")
    @classmethod
    def _allowed(cls, name: str, info: ValidationInfo) -> str:
        if name in (info.context or ()):
            raise ValueError(f"{name} is forbidden")
        return name

    @field_validator("age")
    @classmethod
    def _even(cls, age: int) -> int:
        if age % 2:
            raise ValueError(f"{age} is odd")
        return age


def _checksum(code: str) -> str:
    if sum(map(int, code)) % 10:
        raise ValueError("the digits do not add up")
    return code


class Coded(BaseModel):
    code: Annotated[str, Field(pattern="^[0-9]{6}$"), AfterValidator(_checksum)]


class Period(BaseModel):
    start: int = Field(ge=0, le=100)
    end: int = Field(ge=0, le=100)

    @model_validator(mode="after")
    def _ordered(self) -> Period:
        if self.end <= self.start:
            raise ValueError("end must be after start")
        return self


class Bill(BaseModel):
    lines: list[Annotated[int, Field(ge=0, le=100)]] = Field(min_length=2, max_length=3)
    total: int = Field(ge=0, le=300)

    @model_validator(mode="after")
    def _sum(self) -> Bill:
        if self.total != sum(self.lines):
            raise ValueError(f"the total is {sum(self.lines)}")
        return self


COLOURS = {"type": "array", "items": {"enum": ["red", "green", "blue"]}, "uniqueItems": True, "minItems": 3}
EXACT = {
    "type": "object",
    "properties": {"n": {"type": "integer", "minimum": 1000, "maximum": 9999}},
    "required": ["n"],
    "additionalProperties": False,
    "oneOf": [{"properties": {"n": {"multipleOf": 7}}}, {"properties": {"n": {"multipleOf": 5}}}],
}
TYPES = {"names": Member, "codes": Coded, "periods": Period, "bills": Bill, "colours": COLOURS, "exactly one": EXACT}
NAMES = ("John", "Mary", "Bob", "Alice", "Jane", "Joe", "Jill")


def _texts(count: int) -> list[str]:
    numbers = [(index * 37 % 90 + 5, index * 53 % 95) for index in range(count)]
    return [
        f"{LINES[index % len(LINES)]}. Room {x}{y:02}, open from {y} to {x}. Paid {x} and {y}, in sum {x + y + 3}. red red"
        for index, (x, y) in enumerate(numbers)
    ]


def _check(name: str, count: int, options: Options) -> None:
    model: Any = TYPES[name]
    extractor = Extractor(model, mode="one", context=NAMES, **options)
    run = extractor.extract(_texts(count), max_tokens=120, errors="collect")
    texts = [found.text for found in run.detailed()]
    for text in texts:
        if isinstance(model, dict):
            jsonschema.validate(json.loads(text), model)
        else:
            TypeAdapter(model).validate_json(text, context=NAMES)
    print(f"{name}: {count} documents, {run.stats.rollbacks} roll-backs, {run.stats.extra_passes} extra passes")
    assert run.errors == {}
    assert len(texts) == count


@pytest.mark.real_model
@pytest.mark.parametrize("name", TYPES)
def test_validators_are_satisfied_without_asking_again(name: str, real_options: Options) -> None:
    _check(name, 4, real_options)


@pytest.mark.thorough
@pytest.mark.real_model
@pytest.mark.parametrize("name", TYPES)
def test_validators_are_satisfied_on_many_documents(name: str, real_options: Options) -> None:
    _check(name, 34, real_options)


def test_what_no_output_satisfies_names_path_validator_and_message(options: Options) -> None:
    class Hopeless(BaseModel):
        code: Annotated[str, Field(pattern="^[ab]{2}$")]

        @field_validator("code")
        @classmethod
        def never(cls, code: str) -> str:
            raise ValueError(f"{code} will not do")

    with pytest.raises(GuardUnsatisfied, match=r"never at /properties/code: Value error, .. will not do") as caught:
        extract_one("a text", Hopeless, **options)
    assert caught.value.passes > 0
    assert str(caught.value).startswith("document 0: no output was found that passes ")
