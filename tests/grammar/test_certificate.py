"""Every constraint that the certificate gives to the grammar holds under llama.cpp's own code, for the printed text alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from grammar.violations import Case, cases
from llama_oracle import LlamaOracle
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    IPvAnyAddress,
    RootModel,
    StringConstraints,
    field_validator,
    model_validator,
)

from engine.extraction.compilation import lower_schema, read_schema
from engine.grammar.lowering import Style
from engine.schema import schema as s

Json = Any

SCHEMAS: dict[str, Json] = {
    "lengths": {"type": "string", "minLength": 2, "maxLength": 5},
    "long string": {"type": "string", "minLength": 3, "maxLength": 3000},
    "pattern": {"type": "string", "pattern": "^[a-c]+$", "minLength": 2, "maxLength": 4},
    "searched pattern": {"type": "string", "pattern": "ab", "maxLength": 6},
    "two patterns": {"type": "string", "pattern": "^a", "allOf": [{"pattern": "z$"}], "maxLength": 9},
    "quotes and controls": {"type": "string", "pattern": '^["\\\\\\n\\t\\u0001é€𝄞]{1,3}$'},
    **{
        f"format {name}": {"type": "string", "format": name}
        for name in [
            "date",
            "time",
            "date-time",
            "duration",
            "email",
            "ipv4",
            "ipv6",
            "uri",
            "uri-reference",
            "iri",
            "iri-reference",
            "uri-template",
            "uuid",
            "json-pointer",
            "relative-json-pointer",
            "byte",
            "base64",
            "base64url",
        ]
    },
    "format and length": {"type": "string", "format": "ipv4", "minLength": 9},
    "integer range": {"type": "integer", "minimum": -7, "maximum": 1234},
    "exclusive integers": {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 10.5},
    "multiples": {"type": "integer", "multipleOf": 7, "minimum": 10, "maximum": 100},
    "number range": {"type": "number", "minimum": -1.25, "maximum": 3},
    "open number range": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.001},
    "half range": {"type": "number", "minimum": 1e3},
    "enum": {"enum": ["a", "b", "ab", 1, 2.5, None, [1, "x"], {"k": True}]},
    "const": {"const": 'only\n"this"'},
    "boolean": {"type": "boolean"},
    "types": {"type": ["string", "null", "array"], "maxLength": 3, "items": {"type": "boolean"}},
    "item counts": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 4},
    "many items": {"type": "array", "items": {"const": 1}, "maxItems": 2100},
    "tuple": {"prefixItems": [{"type": "string"}, {"type": "null"}], "type": "array", "items": False, "minItems": 1},
    "tuple and rest": {"type": "array", "prefixItems": [{"enum": ["a", "b"]}], "items": {"type": "number"}},
    "unique": {"type": "array", "items": {"type": "integer"}, "uniqueItems": True, "maxItems": 3},
    "closed": {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "integer"}, "c": True},
        "required": ["a", "c"],
        "additionalProperties": False,
    },
    "open": {"type": "object", "properties": {"a": {"type": "string"}, "never": False}, "required": ["a"]},
    "typed others": {
        "type": "object",
        "properties": {"x": {"type": "null"}},
        "additionalProperties": {"type": "integer"},
        "maxProperties": 2,
    },
    "pattern keys": {
        "type": "object",
        "properties": {"id": {"type": "integer"}},
        "patternProperties": {"^n_": {"type": "number", "minimum": 0}, "^s_": {"type": "string"}},
        "additionalProperties": False,
        "minProperties": 2,
        "maxProperties": 3,
    },
    "key names": {"type": "object", "propertyNames": {"pattern": "^[a-z]+$", "minLength": 2}, "minProperties": 1},
    "few of many": {
        "type": "object",
        "properties": {name: {"type": "boolean"} for name in "abcd"},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 2,
    },
    "union": {
        "anyOf": [
            {"type": "object", "properties": {"t": {"const": "n"}, "v": {"type": "number"}}, "required": ["t", "v"]},
            {"type": "object", "properties": {"t": {"const": "s"}, "v": {"type": "string"}}, "required": ["t", "v"]},
            {"type": "integer", "minimum": 3},
        ]
    },
    "dependent": {
        "type": "object",
        "properties": {"card": {"type": "integer"}, "address": {"type": "string"}},
        "dependentRequired": {"card": ["address"]},
        "additionalProperties": False,
    },
    "recursive": {
        "$ref": "#/$defs/node",
        "$defs": {
            "node": {
                "type": "object",
                "properties": {"value": {"type": "integer"}, "next": {"$ref": "#/$defs/node"}},
                "required": ["value"],
                "additionalProperties": False,
            }
        },
    },
    "siblings of a reference": {
        "$defs": {"name": {"type": "string", "minLength": 1}},
        "type": "array",
        "items": {"$ref": "#/$defs/name", "maxLength": 2},
    },
    "draft 7 tuple": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "array",
        "items": [{"type": "integer"}],
        "additionalItems": {"type": "string"},
    },
    "conditional": {
        "type": "object",
        "properties": {"kind": {"enum": ["a", "b"]}, "n": {"type": "integer"}},
        "required": ["kind"],
        "if": {"properties": {"kind": {"const": "a"}}},
        "then": {"required": ["n"]},
        "additionalProperties": False,
    },
}


class Colour(Enum):
    RED = "red"
    GREEN = "green"


class User(BaseModel):
    name: Annotated[str, Field(min_length=1, max_length=30)]
    age: Annotated[int, Field(ge=0, lt=150)]


class Line(BaseModel):
    what: str
    count: Annotated[int, Field(strict=True, gt=0, multiple_of=6)]
    price: Annotated[Decimal, Field(max_digits=6, decimal_places=2)]


class Invoice(BaseModel):
    number: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}-\d{4}$")]
    issued: date
    lines: Annotated[list[Line], Field(min_length=1, max_length=3)]
    paid: bool = False


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    ratio: Annotated[float, Field(ge=0, le=1)]
    ok: bool


class Extra(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, int]
    name: str


class Meeting(BaseModel):
    begin: AwareDatetime
    colour: Colour
    where: HttpUrl | None = None


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: Annotated[int, Field(ge=1, le=9)]


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str


class Owner(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    address: IPvAnyAddress | None = None


class Tree(BaseModel):
    label: Annotated[str, Field(max_length=4)]
    children: list[Tree] = []


class Scores(RootModel[dict[Annotated[str, Field(max_length=3)], Annotated[int, Field(ge=0)]]]):
    pass


class Pair(BaseModel):
    pair: tuple[int, Annotated[str, Field(min_length=2)]]
    tags: set[Literal["a", "b", "c"]] = set()


class Renamed(BaseModel):
    first: Annotated[int, Field(alias="First Name/é")]
    second: Annotated[str, Field(validation_alias="2nd")] = ""


class Checked(BaseModel):
    even: int
    low: date = Field(ge=date(2020, 1, 1))
    high: Annotated[float, Field(gt=0)]
    ids: dict[int, str]

    @field_validator("even")
    @classmethod
    def is_even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("odd")
        return value

    @model_validator(mode="after")
    def low_first(self) -> Checked:
        return self


class Anything(BaseModel):
    value: Any
    items: list[Any]


MODELS: tuple[Any, ...] = (
    User,
    Line,
    Invoice,
    Strict,
    Extra,
    Meeting,
    Cat,
    Owner,
    Tree,
    Scores,
    Pair,
    Renamed,
    Checked,
    Anything,
    list[Annotated[str, Field(pattern="x")]],
    dict[int, bool],
)


@pytest.fixture(scope="module")
def oracle() -> Iterator[LlamaOracle]:
    with LlamaOracle() as made:
        yield made


@dataclass
class Coverage:
    """What was tried, for the report at the end of a module's run."""

    entries: int = 0
    violations: int = 0
    unviolable: int = 0
    left: int = 0

    def __str__(self) -> str:
        return (
            f"{self.entries} entries by the grammar, {self.violations} violations, "
            f"{self.unviolable} that nothing violates, {self.left} without a generator"
        )


def printed(schema: s.Schema, style: Style) -> str:
    return lower_schema(schema, style).gbnf(allow_unenforced=True)


def wrongly_judged(found: list[Case], style: Style, oracle: LlamaOracle) -> list[str]:
    """What llama.cpp makes of the cases, where that is not as it should be."""
    wrong: list[str] = []
    texts: dict[tuple[s.Alternative, ...], str] = {}
    for case in found:
        if not case.violations:
            continue
        key = case.alone.vertices[case.alone.root].alternatives
        gbnf = texts.setdefault(key, "") or printed(case.alone, style)
        texts[key] = gbnf
        judged = oracle.accepts(gbnf, [case.valid, *case.violations])
        assert judged is not None, f"llama.cpp refuses the grammar of {case.entry}"
        if not judged[0]:
            wrong.append(f"{case.entry}: {case.valid} is refused")
        accepted = [text for text, yes in zip(case.violations, judged[1:], strict=True) if yes]
        wrong += [f"{case.entry}: {text} is accepted" for text in accepted]
    return wrong


def counted(found: list[Case], coverage: Coverage) -> None:
    coverage.entries += len(found)
    coverage.violations += sum(len(case.violations) for case in found)
    coverage.unviolable += sum(case.unviolable for case in found)
    coverage.left += sum(bool(case.left) and not case.unviolable for case in found)


def judge(model: Any, style: Style, oracle: LlamaOracle) -> None:
    found = list(cases(read_schema(model), style))
    assert found
    assert not [case.left for case in found if case.left]
    assert not wrongly_judged(found, style, oracle)


@pytest.mark.parametrize("name", SCHEMAS)
def test_printed_grammar_of_a_schema_alone_rejects_each_violation(name: str, oracle: LlamaOracle) -> None:
    judge(SCHEMAS[name], "spaced", oracle)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: getattr(model, "__name__", str(model)))
def test_printed_grammar_of_a_type_alone_rejects_each_violation(model: Any, oracle: LlamaOracle) -> None:
    judge(model, "compact", oracle)
