"""Configurations: what a type takes depends on the model that it stands in, also where one definition is used in several."""

from __future__ import annotations

import dataclasses
import json
from ipaddress import IPv4Interface
from typing import Annotated, Any, NamedTuple

import pytest
from byte_walks import accepts
from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, PlainSerializer, SecretStr, TypeAdapter, ValidationError
from typing_extensions import TypeAliasType, TypedDict

from engine.automaton.automaton import Automaton
from engine.extraction.compilation import compile_schema

Words = TypeAliasType("Words", "list[Words] | str")


class Film(TypedDict):
    title: str


@dataclasses.dataclass
class Book:
    title: str


class Song(NamedTuple):
    title: str


class Short(BaseModel):
    model_config = ConfigDict(str_max_length=2)
    film: Film
    book: Book
    song: Song
    words: Words


class Long(BaseModel):
    model_config = ConfigDict(str_max_length=4)
    film: Film
    book: Book
    song: Song
    words: Words


class Free(BaseModel):
    film: Film
    book: Book
    song: Song
    words: Words


class Shelf(BaseModel):
    long: Long
    short: Short
    free: Free


class Shortest(TypedDict):
    __pydantic_config__ = ConfigDict(str_max_length=2)  # type: ignore[misc]
    text: str
    secret: SecretStr
    keys: dict[str, int]


class Strictly(BaseModel):
    model_config = ConfigDict(strict=True, str_max_length=9)
    address: IPv4Interface


class Serialised(BaseModel):
    model_config = ConfigDict(json_schema_mode_override="serialization")
    side: Annotated[int, PlainSerializer(str, return_type=str)]


class Stripped(BaseModel):
    model_config = ConfigDict(str_strip_whitespace=True)
    secret: Annotated[SecretStr, Field(min_length=2)]


class Encoded(BaseModel):
    model_config = ConfigDict(val_json_bytes="hex")
    data: Base64Bytes


class Listed(BaseModel):
    """Its definitions are read under another configuration before they are read at the root."""

    model_config = ConfigDict(str_max_length=2)
    words: Words


class Listing(TypedDict):
    listed: list[Listed]
    words: Words
    more: list[Listed]


def titled(length: int) -> dict[str, Any]:
    text = "x" * length
    return {"film": {"title": text}, "book": {"title": text}, "song": [text], "words": [text, [text]]}


def agrees(tp: Any, value: Any) -> bool:
    """Whether what can be decoded is what Pydantic takes."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        TypeAdapter(tp).validate_json(text)
    except ValidationError:
        taken = False
    else:
        taken = True
    return all(accepts(Automaton(compile_schema(tp, style=style)), text) == taken for style in ("spaced", "any"))


@pytest.mark.parametrize("tp", [Short, Long, Free])
def test_a_definition_is_read_under_the_configuration_of_its_place(tp: Any) -> None:
    for place in titled(0):
        for length in (1, 2, 3, 4, 5):
            assert agrees(tp, titled(1) | {place: titled(length)[place]})


@pytest.mark.parametrize("place", ["film", "book", "song", "words"])
def test_one_definition_under_several_configurations_is_several(place: str) -> None:
    for member in ("long", "short", "free"):
        for length in (2, 3, 4, 5):
            value = {"long": titled(1), "short": titled(1), "free": titled(1)}
            value[member] = titled(1) | {place: titled(length)[place]}
            assert agrees(Shelf, value)


@pytest.mark.parametrize(
    "change", [{}, {"text": "abc"}, {"secret": "abc"}, {"keys": {"abc": 1}}, {"keys": {"ab": 1}}], ids=str
)
def test_lengths_of_a_typed_dict_hold_for_all_its_texts(change: dict[str, Any]) -> None:
    assert agrees(Shortest, {"text": "a", "secret": "a", "keys": {}} | change)


@pytest.mark.parametrize("address", ["1.2.3.4/1", "1.2.3.40/1"])
def test_lengths_hold_for_addresses_where_they_are_strict(address: str) -> None:
    assert agrees(Strictly, {"address": address})


@pytest.mark.parametrize("value", [2, "x", None])
def test_what_is_serialised_has_no_say(value: Any) -> None:
    assert agrees(Serialised, {"side": value})


@pytest.mark.parametrize("secret", ["ab", "a", " a", "\u2000ab"])
def test_the_length_of_a_secret_is_that_of_what_is_left(secret: str) -> None:
    assert agrees(Stripped, {"secret": secret})


@pytest.mark.parametrize("text", ["6147633d", "aGc=", "61476", "4Cb6", ""])
def test_bytes_that_are_decoded_twice(text: str) -> None:
    assert agrees(Encoded, {"data": text})


@pytest.mark.parametrize("inside", ["ab", "abc", ["abc"]], ids=str)
@pytest.mark.parametrize("outside", ["ab", "abc"])
def test_definitions_of_a_root_are_read_in_any_order(inside: Any, outside: str) -> None:
    assert agrees(Listing, {"listed": [{"words": inside}], "words": [outside], "more": []})


@pytest.mark.parametrize("number", ["3e1", "3e20", "1e1", "30", "7.5e59"])
def test_multiples_with_an_exponent_are_read_as_integers(number: str) -> None:
    tp = Annotated[int, Field(multiple_of=3)]
    try:
        TypeAdapter(tp).validate_json(number)
    except ValidationError:
        taken = False
    else:
        taken = True
    assert accepts(Automaton(compile_schema(tp, style="any")), number) == taken
