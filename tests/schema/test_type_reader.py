"""Types: the graph accepts only what Pydantic validates, and every value in its canonical spelling."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import itertools
import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

import pytest
from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasPath,
    AnyUrl,
    AwareDatetime,
    Base64Bytes,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    EmailStr,
    Field,
    FiniteFloat,
    HttpUrl,
    Json,
    NaiveDatetime,
    NonNegativeInt,
    PastDate,
    PlainValidator,
    RootModel,
    SecretStr,
    Strict,
    StringConstraints,
    Tag,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    WrapValidator,
    conint,
    field_validator,
    model_validator,
)
from pydantic.dataclasses import dataclass as pydantic_dataclass
from schema_acceptance import accepts
from typing_extensions import TypedDict

from engine.errors import UnsupportedSchema
from engine.schema import read_type
from engine.schema.schema import Literals, Number, Object

T = TypeVar("T")


class Colour(enum.Enum):
    RED = "red"
    TWO = 2


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Price(enum.Enum):
    CHEAP = decimal.Decimal("1.5")


class Address(BaseModel):
    """Where somebody lives."""

    street: str
    zip: Annotated[str, Field(pattern=r"^\d{5}$", description="five digits")] = "00000"


class Person(BaseModel):
    name: str = Field(alias="fullName", min_length=1)
    age: int = Field(ge=0, le=150)
    address: Address | None = None
    friends: list[Person] = []


class Strictly(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    n: int


class Openly(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, int]
    n: int = Field(0, alias="N")


class Box(BaseModel, Generic[T]):
    item: T


class Names(RootModel[list[str]]):
    pass


class Cat(BaseModel):
    kind: Literal["cat", "kitten"] = "cat"
    meows: int


class Dog(BaseModel):
    kind: Literal["dog"]
    barks: float


@dataclass
class Point:
    x: int
    y: int = 0
    hidden: int = field(default=1, init=False)


@pydantic_dataclass
class Sorted:
    low: int
    high: int

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("not sorted")


class Film(TypedDict, total=False):
    title: str
    year: int


class Pair(NamedTuple):
    first: int
    second: str = "x"


class Choice(BaseModel):
    n: int = Field(validation_alias=AliasChoices("a", "b"))


class Span(BaseModel):
    start: int
    end: int

    @model_validator(mode="after")
    def _ordered(self) -> Span:
        if self.end <= self.start:
            raise ValueError("end is not after start")
        return self


class Twin(BaseModel):
    a: int
    b: int

    @field_validator("b")
    @classmethod
    def _equal(cls, value: int, info: ValidationInfo) -> int:
        if value != info.data.get("a"):
            raise ValueError("differs")
        return value


class Initialised(BaseModel):
    a: int

    def model_post_init(self, context: Any, /) -> None:
        if self.a == 13:
            raise ValueError("unlucky")


def even(value: int) -> int:
    if value % 2:
        raise ValueError("odd")
    return value


def tag_of(value: Any) -> str:
    return "number" if isinstance(value, int) else "text"


def half(value: Any, handler: Any) -> Any:
    return even(handler(value))


ZOO: list[tuple[Any, list[Any], list[Any]]] = [
    (int, [0, -5, 10**25], [1.5, "1", True, None]),
    (Annotated[int, Field(gt=2, le=5, multiple_of=2)], [4], [2, 5, 6]),
    (conint(strict=True), [3], [3.5, "3"]),
    (NonNegativeInt, [0], [-1]),
    (float, [0, 1.5, -2e10], ["1", None]),
    (Annotated[float, Field(gt=0, lt=1)], [0.5], [0, 1, 0.0]),
    (Annotated[float, Field(multiple_of=0.5)], [1.5, 2], [1.25]),
    (FiniteFloat, [1.5], [None]),
    (bool, [True, False], [0, 1, "true"]),
    (None, [None], [0, False]),
    (str, ["", "é", "\n"], [1, None]),
    (Annotated[str, StringConstraints(min_length=2, max_length=3)], ["ab", "é́x"], ["a", "abcd"]),
    (Annotated[str, Field(pattern=r"^\d+$")], ["12"], ["12\n", "x"]),
    (Annotated[str, Field(pattern=re.compile("^AB", re.IGNORECASE))], ["abc", "AB"], ["xab"]),
    (Annotated[str, StringConstraints(strip_whitespace=True, min_length=2)], ["ab"], ["a ", "  "]),
    (Annotated[str, StringConstraints(to_lower=True, pattern="^a$")], ["a"], ["b"]),
    (bytes, ["abc", "é"], [1]),
    (Annotated[bytes, Field(max_length=2)], ["ab", "é"], ["éa", "abc"]),
    (Base64Bytes, ["aGk="], ["a", "!!!"]),
    (dt.date, ["2024-02-29", "0001-01-01", "9999-12-31"], ["2023-02-29", "0000-01-01", "2024-13-01", 5]),
    (Annotated[dt.date, Field(gt=dt.date(2020, 1, 1))], ["2020-01-02"], ["2020-01-01"]),
    (PastDate, ["1999-01-01"], ["9999-01-01"]),
    (dt.time, ["12:34:56", "00:00:00.123456", "12:34:56Z", "12:34:56+01:30"], ["24:00:00", "12:34:60"]),
    (dt.datetime, ["2024-02-29T12:00:00", "2024-02-29T12:00:00.5+02:00"], ["2023-02-29T12:00:00", "2024-01-01"]),
    (AwareDatetime, ["2024-01-01T00:00:00Z"], ["2024-01-01T00:00:00"]),
    (NaiveDatetime, ["2024-01-01T00:00:00"], ["2024-01-01T00:00:00Z"]),
    (dt.timedelta, ["P1D", "PT5S", "-PT1H2M3.5S", "P999999999DT23H59M59.999999S"], ["P", "PT", "P1DT", "1 day"]),
    (Annotated[dt.timedelta, Field(le=dt.timedelta(1))], ["PT24M", "P1D"], ["P2D"]),
    (decimal.Decimal, ["1.5", "-0", "123456789012345678901234567890.1"], ["x", "1e", "NaN"]),
    (Annotated[decimal.Decimal, Field(max_digits=3, decimal_places=2)], ["1.25", "0"], ["12.5", "1.125"]),
    (Annotated[decimal.Decimal, Field(max_digits=3)], ["0.123", "100"], ["1000", "0.1234"]),
    (Annotated[decimal.Decimal, Field(ge=1, lt=2)], ["1", "1.99"], ["2", "0.5"]),
    (uuid.UUID, ["12345678-1234-1234-1234-123456789abc"], ["12345678"]),
    (HttpUrl, ["https://example.com/a?b#c"], ["ftp://example.com", "https://"]),
    (AnyUrl, ["ftp://example.com/x"], ["example.com"]),
    (EmailStr, ["a@example.com"], ["a", "a@b"]),
    (IPv4Address, ["127.0.0.1"], ["1.2.3", "256.1.1.1"]),
    (IPv6Address, ["::1"], ["1::2::3"]),
    (Path, ["/a/b"], [1]),
    (SecretStr, ["x"], [1]),
    (Literal["a", 1, True, None], ["a", 1, True, None], ["b", 2, False]),
    (Colour, ["red", 2], ["RED", 3]),
    (Level, [1, 2], [3]),
    (Price, [1.5], ["1.5", 2]),
    (list[int], [[], [1, 1]], [["a"], {}]),
    (Annotated[list[int], Field(min_length=1, max_length=2)], [[1], [1, 2]], [[], [1, 2, 3]]),
    (set[int], [[], [1, 2]], [[1, 1]]),
    (Annotated[frozenset[str], Field(min_length=2)], [["a", "b"]], [["a"], ["a", "a"]]),
    (tuple[int, str], [[1, "a"]], [[1], [1, "a", 2], ["a", 1]]),
    (tuple[int, ...], [[], [1, 2]], [["a"]]),
    (dict[str, int], [{}, {"a": 1}], [{"a": "b"}]),
    (dict[int, str], [{"1": "a", "-5": "b", "0": ""}], [{"a": "a"}, {"01": "a"}, {"1": 2}]),
    (dict[Literal["a", "b"], int], [{"a": 1}, {"a": 1, "b": 2}], [{"c": 1}]),
    (dict[Annotated[str, Field(pattern="^x")], int], [{"xa": 1}], [{"a": 1}]),
    (dict[dt.date, int], [{"2024-01-01": 1}], [{"2024-13-01": 1}]),
    (dict[uuid.UUID, int], [{"12345678-1234-1234-1234-123456789abc": 1}], [{"x": 1}]),
    (Any, [1, "a", None, [1], {"a": {}}], []),
    (int | None, [1, None], ["a"]),
    (int | str | list[int], [1, "a", [1]], [None, ["a"]]),
    (Json[list[int]], ["[1, 2]"], ["[1", '["a"]', [1]]),
    (
        Address,
        [{"street": "a"}, {"street": "a", "zip": "12345"}],
        [{}, {"street": "a", "zip": "1"}, {"street": "a", "q": 1}],
    ),
    (
        Person,
        [{"fullName": "A", "age": 3, "friends": [{"fullName": "B", "age": 4, "friends": []}]}],
        [{"name": "A", "age": 3}, {"fullName": "A", "age": 151}, {"fullName": "A", "age": 3, "friends": [{}]}],
    ),
    (Strictly, [{"n": 1}], [{"n": 1.0}, {"n": 1, "m": 2}]),
    (Openly, [{"N": 1, "other": 2}, {}], [{"N": 1, "other": "x"}, {"n": 1}]),
    (Box[int], [{"item": 1}], [{"item": "a"}]),
    (Names, [["a"], []], [[1]]),
    (
        Annotated[Cat | Dog, Field(discriminator="kind")],
        [{"kind": "kitten", "meows": 1}, {"kind": "dog", "barks": 1.5}],
        [{"meows": 1}, {"kind": "dog", "meows": 1}, {"kind": "cow"}],
    ),
    (
        Annotated[Annotated[int, Tag("number")] | Annotated[str, Tag("text")], Discriminator(tag_of)],
        [1, "a"],
        [None, 1.5],
    ),
    (Point, [{"x": 1}, {"x": 1, "y": 2}], [{"y": 1}, {"x": 1, "hidden": 2}]),
    (Sorted, [{"low": 1, "high": 2}], [{"low": 2, "high": 1}]),
    (Film, [{}, {"title": "a", "year": 1}], [{"title": 1}]),
    (Pair, [[1], [1, "a"]], [[], ["a"]]),
    (Choice, [{"a": 1}], [{}, {"n": 1}]),
    (Span, [{"start": 1, "end": 2}], [{"start": 2, "end": 1}]),
    (Twin, [{"a": 1, "b": 1}], [{"a": 1, "b": 2}]),
    (Initialised, [{"a": 1}], [{"a": 13}]),
    (Annotated[int, AfterValidator(even)], [2], [1]),
    (Annotated[int, BeforeValidator(lambda value: value)], [2], ["a"]),
    (Annotated[int, WrapValidator(half)], [2], [1]),
    (Annotated[int, PlainValidator(even, json_schema_input_type=int)], [2], [1, "a"]),
    (Annotated[Literal[1, 2, 3, 4], AfterValidator(even)], [2, 4], [1, 3]),
    (Annotated[int, WithJsonSchema({"type": ["integer", "string"]})], [1], ["a"]),
    (Annotated[int, Strict()], [1], [1.0]),
    (Annotated[int | str, Field(min_length=2)], ["ab"], [10, "a"]),
]
POOL = list(itertools.chain.from_iterable(good + bad for _, good, bad in ZOO))


def _name(value: Any) -> str:
    return getattr(value, "__name__", None) or str(value)[:60]


@pytest.mark.parametrize(("tp", "good", "bad"), ZOO, ids=[_name(row[0]) for row in ZOO])
def test_graph_accepts_canonical_values_and_rejects_others(tp: Any, good: list[Any], bad: list[Any]) -> None:
    schema = read_type(tp)
    assert [value for value in good if not accepts(schema, value)] == []
    assert [value for value in bad if accepts(schema, value)] == []


@pytest.mark.parametrize("tp", [row[0] for row in ZOO], ids=[_name(row[0]) for row in ZOO])
def test_whatever_the_graph_accepts_is_valid_for_pydantic(tp: Any) -> None:
    schema, adapter = read_type(tp), TypeAdapter(tp)
    accepted = [value for value in POOL if accepts(schema, value)]
    assert accepted
    for value in accepted:
        adapter.validate_json(json.dumps(value))


@pytest.mark.parametrize(
    ("tp", "keyword"),
    [
        (Annotated[int, PlainValidator(even)], "function-plain"),
        (type[int], "is-subclass"),
        (list[int | type[int]], "is-subclass"),
        (Callable[[int], int], "callable"),
    ],
)
def test_what_has_no_json_spelling_is_refused(tp: Any, keyword: str) -> None:
    with pytest.raises(UnsupportedSchema) as caught:
        read_type(tp)
    assert (caught.value.path, caught.value.keyword) == ("/", keyword)


def test_a_field_that_is_refused_is_named() -> None:
    class Outer(BaseModel):
        inner: dict[str, Annotated[int, PlainValidator(even)]]

    with pytest.raises(UnsupportedSchema, match="json_schema_input_type") as caught:
        read_type(Outer)
    assert caught.value.path == "/inner/*"


def test_a_field_that_is_read_from_inside_another_value_is_refused() -> None:
    class Nested(BaseModel):
        n: int = Field(validation_alias=AliasPath("a", 0))

    with pytest.raises(UnsupportedSchema) as caught:
        read_type(Nested)
    assert caught.value.keyword == "validation_alias"


def test_model_order_titles_and_descriptions_are_kept() -> None:
    schema = read_type(Address)
    root = schema.vertices[schema.root]
    shape = root.alternatives[0].shape
    assert isinstance(shape, Object)
    assert (root.title, root.description) == ("Address", "Where somebody lives.")
    assert [(one.name, one.required, one.description) for one in shape.properties] == [
        ("street", True, ""),
        ("zip", False, "five digits"),
    ]
    assert shape.others == ()


def test_validators_of_few_values_are_applied_at_once() -> None:
    schema = read_type(Annotated[Literal[1, 2, 3, 4], AfterValidator(even)])
    (alternative,) = schema.vertices[schema.root].alternatives
    assert (alternative.shape, alternative.checks) == (Literals((2, 4)), ())


def test_strict_integers_are_written_with_digits_only() -> None:
    schema = read_type(Strictly)
    numbers = [one.shape for vertex in schema.vertices.values() for one in vertex.alternatives]
    assert Number(integer=True, digits_only=True) in numbers


def test_validators_see_the_context() -> None:
    def listed(value: int, info: ValidationInfo) -> int:
        if value not in (info.context or []):
            raise ValueError("not listed")
        return value

    schema = read_type(Annotated[int, AfterValidator(listed)], context=[1, 2])
    assert accepts(schema, 1)
    assert not accepts(schema, 3)


def test_a_custom_json_schema_cannot_widen_what_is_accepted() -> None:
    class Widened(BaseModel):
        n: int = Field(json_schema_extra={"type": "string"})

    schema = read_type(Widened)
    assert not accepts(schema, {"n": "a"})
    with pytest.raises(ValidationError):
        Widened.model_validate({"n": "a"})
