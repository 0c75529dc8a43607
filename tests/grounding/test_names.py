"""Choices by name: whole words, any case, one spelling of a character like another."""

import pytest

from engine.grounding.names import Names

CHOICES = Names(
    {"high": 3, "urgent": 3, "low": 1, "New York": "NY", "Straße": "s", "péché": "p", "北京": "bj", "C++": "cpp"}
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("URGENT!", [("URGENT", 3)]),
        ("low-High", [("low", 1), ("High", 3)]),
        ("highly, thigh", []),
        ("new\r\nyork", [("new\r\nyork", "NY")]),
        ("STRASSE", [("STRASSE", "s")]),
        ("pe\u0301che\u0301", [("pe\u0301che\u0301", "p")]),
        ("peche lowe\u0301 low\u0301", []),
        ("在北京市", [("北京", "bj")]),
        ("ｈｉｇｈ", [("ｈｉｇｈ", 3)]),
        ("in C++.", [("C++", "cpp")]),
        ("", []),
    ],
)
def test_names(text: str, found: list[tuple[str, object]]) -> None:
    assert [(text[x.start : x.end], x.value) for x in CHOICES.readings(text)] == found


def test_a_name_of_two_values_is_both() -> None:
    assert {x.value for x in Names({"mar": 3, "MAR": "tuesday"}).readings("mar")} == {3, "tuesday"}


def test_an_invisible_name_is_refused() -> None:
    with pytest.raises(ValueError, match="no visible character"):
        Names({" \u200b": 1})
