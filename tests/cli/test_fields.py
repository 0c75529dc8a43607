"""Fields in one line: what they mean, and where the caret stands when they mean nothing."""

from __future__ import annotations

import datetime
import types
import typing
import uuid
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cli.fields import TYPES, FieldsSyntax, parse_fields


def meaning(line: str) -> dict[str, tuple[Any, str | None]]:
    model = parse_fields(line)
    return {str(field.alias): (field.annotation, field.description) for field in model.model_fields.values()}


def test_line_of_the_readme() -> None:
    assert meaning("name, age int, born date?: day of birth") == {
        "name": (str, None),
        "age": (int, None),
        "born": (datetime.date | None, "day of birth"),
    }


@pytest.mark.parametrize(
    ("line", "annotation"),
    [
        ("x", str),
        ("x str", str),
        ("x string", str),
        ("x integer", int),
        ("x float", float),
        ("x number", float),
        ("x bool", bool),
        ("x date", datetime.date),
        ("x datetime", datetime.datetime),
        ("x time", datetime.time),
        ("x uuid", uuid.UUID),
        ("x[]", list[str]),
        ("x int[]", list[int]),
        ("x int [] []", list[list[int]]),
        ("x?", str | None),
        ("x int[]?", list[int] | None),
        ("x a|b c|ü", Literal["a", "b c", "ü"]),
        ("x s | m[]", list[Literal["s", "m"]]),
        ("x int|other", Literal["int", "other"]),
    ],
)
def test_type(line: str, annotation: Any) -> None:
    found = meaning(line)["x"][0]
    assert found == annotation
    assert isinstance(found, types.UnionType) or typing.get_origin(found) == typing.get_origin(annotation)


@pytest.mark.parametrize(
    ("line", "description"),
    [
        ("x: a b ", "a b"),
        ("x:a", "a"),
        ('x: "a, b: c?"', "a, b: c?"),
        ("x int?: why? (a|b) [c]", "why? (a|b) [c]"),
        ('x: 5" wide', '5" wide'),
        ("x: über", "über"),
    ],
)
def test_description(line: str, description: str) -> None:
    assert meaning(f"{line}, y int")["x"][1] == description
    assert meaning(f"{line}, y int")["y"] == (int, None)


@pytest.mark.parametrize("name", ["class", "größe", "first-name", "model_config", "json", "_x", "2nd", "a.b", "日本"])
def test_any_word_can_be_a_name(name: str) -> None:
    model = parse_fields(f"{name} int")
    assert model.model_validate({name: 1}).model_dump(mode="json") == {name: 1}


def test_what_may_be_unknown_is_null_and_still_there() -> None:
    model = parse_fields("born date?")
    assert model.model_validate_json('{"born": null}').model_dump() == {"born": None}
    with pytest.raises(ValueError, match="Field required"):
        model.model_validate_json("{}")


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        ("", 1, "name of a field is missing"),
        ("  ", 3, "name of a field is missing"),
        ("a,", 3, "name of a field is missing"),
        ("a,,b", 3, "name of a field is missing"),
        (": what", 1, "name of a field is missing"),
        ("a intt", 3, "did you mean int"),
        ("a wat", 3, "no type 'wat': known are"),
        ("a the age int", 3, "a description comes after it"),
        ("a, a int", 4, "a second field 'a'"),
        ("a int|str", 3, "take one of them"),
        ("a x||y", 3, "on both sides"),
        ("a x|x", 3, "each text once"),
        ("a int[3]", 3, "written TYPE\\[\\]"),
        ("a []int", 3, "written TYPE\\[\\]"),
        ("a? int", 2, "after \\? comes"),
        ("a:", 2, "description is missing"),
        ("a: , b", 2, "description is missing"),
        ('a: "b" c', 3, "double quotes"),
        ('a: "b', 3, "double quotes"),
    ],
)
def test_what_is_not_understood_is_shown_with_its_place(line: str, column: int, reason: str) -> None:
    with pytest.raises(FieldsSyntax, match=reason) as raised:
        parse_fields(line)
    assert raised.value.column == column
    assert str(raised.value).splitlines()[1:] == [f"    {line}", " " * (3 + column) + "^"]


NAMES = st.text(st.characters(exclude_categories=["Z", "C"], exclude_characters=',:?[]{}|"'), min_size=1)


@given(st.lists(st.tuples(NAMES, st.sampled_from(sorted(TYPES)), st.booleans()), min_size=1, unique_by=lambda f: f[0]))
def test_every_line_of_fields_gives_these_fields(fields: list[tuple[str, str, bool]]) -> None:
    line = " , ".join(f"{name} {word}{'?' if optional else ''}" for name, word, optional in fields)
    expected = {name: (TYPES[word] | None if optional else TYPES[word], None) for name, word, optional in fields}
    assert meaning(line) == expected


@given(st.text(max_size=40))
def test_any_line_is_either_understood_or_refused_with_a_place_inside_it(line: str) -> None:
    columns = []
    try:
        parse_fields(line)
    except FieldsSyntax as error:
        columns.append(error.column)
    assert all(1 <= column <= len(line) + 1 for column in columns)


def test_objects_and_lists_of_objects() -> None:
    line = "title, authors[name, born int?, tags str[]]: who wrote it, venue{city, at{lat float, long float}}?, rows{n int}[][]"
    model = parse_fields(line)
    value = {
        "title": "t",
        "authors": [{"name": "n", "born": None, "tags": ["a"]}],
        "venue": {"city": "c", "at": {"lat": 1.5, "long": 2.0}},
        "rows": [[{"n": 1}]],
    }
    assert model.model_validate(value).model_dump(by_alias=True) == value
    assert model.model_validate({**value, "venue": None, "authors": []}).model_dump()["venue"] is None
    assert meaning(line)["authors"][1] == "who wrote it"


def test_a_description_inside_a_group() -> None:
    model = parse_fields('venue{city: where it was, note: "as in [x], or so"}, day date')
    venue = next(iter(model.model_fields.values())).annotation
    assert [field.description for field in venue.model_fields.values()] == ["where it was", "as in [x], or so"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("line", "said", "column"),
    [
        ("a[b, c", "the group has no ] at its end", 7),
        ("a{b int", "the group has no } at its end", 8),
        ("a{b}c", "after } comes ?, a colon, a comma or nothing", 5),
        ("a[b]]", "after ] comes ?, a colon, a comma or nothing", 5),
        ("a{b, b}", "a second field 'b'", 6),
        ("a[b wrong]", "no type 'wrong'", 5),
        ("a{}", "the name of a field is missing", 3),
        ("a int[3]", "a list of objects is NAME[FIELD, …]", 3),
        ("a list{b}", "an object is NAME{FIELD, …}", 7),
        ("a: one, two of them, c", "if this still describes 'a', put that description in double quotes", 13),
    ],
)
def test_groups_that_mean_nothing(line: str, said: str, column: int) -> None:
    with pytest.raises(FieldsSyntax) as caught:
        parse_fields(line)
    assert said in caught.value.reason
    assert caught.value.column == column
