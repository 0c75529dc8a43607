"""Keys of fields: in style "any" a field is read from each of its keys, and from one of them at a time.

Every object over all keys that a model knows, and one more, is tried: it can be decoded exactly where Pydantic takes it and no
field is given twice. In the canonical styles only the first key of each field is written.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired

import pytest
from byte_walks import accepts
from pydantic import (
    AliasChoices,
    AliasGenerator,
    AliasPath,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass as pydantic_dataclass
from typing_extensions import TypedDict

from engine.automaton.automaton import Automaton
from engine.errors import UnsupportedSchema
from engine.extraction.compilation import compile_schema

VALUES = (1, "a", [1])
UNKNOWN = "zz"


class Choices(BaseModel):
    a: int = Field(validation_alias=AliasChoices("x", "y", "z"))
    b: str = ""


class Named(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    a: int = Field(alias="x")
    b: str = Field("", validation_alias=AliasChoices("y", "z"))


class OnlyNamed(BaseModel):
    model_config = ConfigDict(validate_by_alias=False, validate_by_name=True)
    a: int = Field(alias="x")


class Generated(BaseModel):
    model_config = ConfigDict(alias_generator=AliasGenerator(validation_alias=to_camel), validate_by_name=True)
    a_b: int
    c: str = ""


class Inside(BaseModel):
    a: int = Field(validation_alias=AliasChoices("x", AliasPath("y", 0), "z"))
    b: int = Field(0, validation_alias=AliasChoices(AliasPath("p", 0), "q"))


class InsideNamed(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    a: int = Field(validation_alias=AliasPath("y", 0))


class Open(BaseModel):
    model_config = ConfigDict(extra="allow", populate_by_name=True)
    a: int = Field(validation_alias=AliasChoices("x", "y", AliasPath("p", 0)))
    b: str = Field("", alias="q")


class Forbidding(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    a: int = Field(alias="x")


class Crossing(BaseModel):
    """The name of one field is the alias of another."""

    model_config = ConfigDict(populate_by_name=True)
    a: int = Field(alias="x")
    b: str = Field(alias="a")


@pydantic_dataclass(config=ConfigDict(populate_by_name=True))
class Point:
    a: Annotated[int, Field(alias="x")]
    b: int = Field(default=0, validation_alias=AliasChoices("y", "z"))


class Film(TypedDict):
    __pydantic_config__ = ConfigDict(populate_by_name=True)  # type: ignore[misc]
    a: Annotated[int, Field(alias="x")]
    b: NotRequired[Annotated[str, Field(validation_alias=AliasChoices("y", "z"))]]


@dataclass(frozen=True)
class Case:
    """A model, and for each of its fields the keys that it is read from."""

    model: Any
    keys: tuple[tuple[str, ...], ...]
    never: tuple[str, ...] = ()  # keys that Pydantic looks at, and that are not written


CASES = (
    Case(Choices, (("x", "y", "z"), ("b",)), ("a",)),
    Case(Named, (("x", "a"), ("y", "z", "b"))),
    Case(OnlyNamed, (("a",),), ("x",)),
    Case(Generated, (("aB", "a_b"), ("c",))),
    Case(Inside, (("x", "z"), ("q",)), ("y", "p")),
    Case(InsideNamed, (("a",),), ("y",)),
    Case(Open, (("x", "y", "a"), ("q", "b")), ("p",)),
    Case(Forbidding, (("x", "a"),)),
    Case(Crossing, (("x",), ("a", "b"))),
    Case(Point, (("x", "a"), ("y", "z", "b"))),
    Case(Film, (("x", "a"), ("y", "z", "b"))),
)


def objects(case: Case) -> Iterator[dict[str, Any]]:
    """Every object of at most two of the keys, and every value under each."""
    known = [key for keys in case.keys for key in keys]
    for count in range(3):
        for chosen in itertools.permutations([*known, *case.never, UNKNOWN], count):
            for values in itertools.product(VALUES, repeat=count):
                yield dict(zip(chosen, values, strict=True))


def takes(model: Any, text: str) -> bool:
    try:
        TypeAdapter(model).validate_json(text)
    except ValidationError:
        return False
    return True


def is_open(model: Any) -> bool:
    return getattr(model, "model_config", {}).get("extra") == "allow"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.model.__name__)
def test_a_field_is_read_from_one_of_its_keys_in_every_spelling(case: Case) -> None:
    automaton, written = Automaton(compile_schema(case.model, style="any")), 0
    for value in objects(case):
        text = json.dumps(value)
        once = all(sum(key in value for key in keys) <= 1 for keys in case.keys)
        none_hidden = not any(key in value for key in case.never)
        expected = once and none_hidden and (UNKNOWN not in value or is_open(case.model)) and takes(case.model, text)
        assert accepts(automaton, text) == expected, text
        written += expected
    assert written >= len(case.keys[0])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.model.__name__)
def test_only_the_first_key_of_a_field_is_canonical(case: Case) -> None:
    every, canonical = (Automaton(compile_schema(case.model, style=style)) for style in ("any", "spaced"))
    others = {key for keys in case.keys for key in keys[1:]}
    order = [key for keys in case.keys for key in keys]
    for value in objects(case):
        text = json.dumps(value)
        in_order = [key for key in order if key in value] == [key for key in value if key != UNKNOWN]
        last = UNKNOWN not in value or list(value)[-1] == UNKNOWN
        expected = accepts(every, text) and not others & value.keys() and in_order and last
        assert accepts(canonical, text) == expected, text


class Cat(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    lives: int
    kind: Literal["cat"] = Field(alias="Kind")


class Dog(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    name: str
    kind: Literal["dog"] = Field(alias="Kind")


class NamedCat(Cat):
    model_config = ConfigDict(validate_by_alias=False, validate_by_name=True)


class NamedDog(Dog):
    model_config = ConfigDict(validate_by_alias=False, validate_by_name=True)


@pytest.mark.parametrize(("members", "keys"), [(Cat | Dog, ("Kind", "kind")), (NamedCat | NamedDog, ("kind",))])
def test_the_tag_of_a_union_is_read_from_the_keys_of_its_field(members: Any, keys: tuple[str, ...]) -> None:
    tp = Annotated[members, Field(discriminator="kind")]
    every, canonical = (Automaton(compile_schema(tp, style=style)) for style in ("any", "spaced"))
    for key in ("Kind", "kind"):
        good = json.dumps({"lives": 9, key: "cat"})
        assert takes(tp, good) == accepts(every, good) == (key in keys)
        assert accepts(canonical, good) == (key == keys[0])
        for bad in ({"name": "a", key: "cat"}, {"lives": 9, key: "dog"}, {"lives": 9}):
            assert not accepts(every, json.dumps(bad))
    assert not accepts(every, '{"lives": 9, "kind": "cat", "Kind": "cat"}')


def test_members_of_a_tagged_union_keep_the_order_of_their_fields() -> None:
    tp = Annotated[Cat | Dog, Field(discriminator="kind")]
    canonical = Automaton(compile_schema(tp))
    assert accepts(canonical, '{"lives": 9, "Kind": "cat"}')
    assert not accepts(canonical, '{"Kind": "cat", "lives": 9}')


def test_a_field_whose_only_keys_are_read_for_another_is_refused() -> None:
    class Shared(BaseModel):
        a: int = Field(0, validation_alias=AliasChoices("x", "y"))
        b: str = Field(alias="y")

    class Indexed(BaseModel):
        a: str = Field(validation_alias=AliasChoices(AliasPath("b", 0), "x"))
        b: list[int] = []

    assert not takes(Shared, '{"y": "text"}')
    assert not takes(Indexed, '{"b": [1], "x": "text"}')
    for model in (Shared, Indexed):
        with pytest.raises(UnsupportedSchema, match="'b' has no key of its own"):
            compile_schema(model)
