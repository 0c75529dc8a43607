"""Where pieces may begin and end, and where they stand in the document."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.grounding.source_text import SourceText
from engine.schema.grounding_marks import Verbatim


def pieces(text: str, mark: Verbatim | None = None) -> set[str]:
    source = SourceText(text)
    language = source.pieces(mark or Verbatim()).pieces
    folded = source.folded
    every = {folded[low:high] for low in range(len(folded)) for high in range(low + 1, len(folded) + 1)}
    return {piece for piece in every if language.matches(piece)}


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("My name is John.", {"John", "John.", "name is John"}, {"Joh", "ohn", " John", "is ", "."}),
        ("(a) #12, b", {"(a)", "a", "#12", "12", "(a) #12"}, {"#", "12,", ", b", "(", "1"}),
        ("São\u0301 Paulo", {"São\u0301", "São\u0301 Paulo"}, {"São", "\u0301 Paulo"}),
        ("漢字とかな", {"漢", "漢字", "とか"}, set()),
        ("a\r\n  b\tc", {"a b", "b c", "a b c"}, {"a ", " b"}),
        ("اسم علي", {"علي", "اسم علي"}, {"عل"}),
        ("नाम राम है", {"राम", "नाम राम"}, {"रा", "म है"}),
        ("👍🏽 ok", {"ok"}, set()),
        ("e\x00f", {"e", "f"}, set()),
    ],
)
def test_words(text: str, inside: set[str], outside: set[str]) -> None:
    found = pieces(text)
    assert inside <= found
    assert not outside & found


def test_lines_and_characters_and_a_number_of_words() -> None:
    text = " Red Shop\nMain Street 5 \n\nTotal 3"
    assert pieces(text, Verbatim("lines")) == {
        *("Red Shop", "Main Street 5", "Total 3"),
        *("Red Shop Main Street 5", "Main Street 5 Total 3", "Red Shop Main Street 5 Total 3"),
    }
    assert pieces("abc", Verbatim("characters")) == {"a", "b", "c", "ab", "bc", "abc"}
    assert pieces("one two three", Verbatim(max_words=2)) == {"one", "two", "three", "one two", "two three"}


@given(st.text(alphabet="aé漢\u0301 \n\t\r\x00👍", max_size=20))
def test_a_stretch_of_the_folded_text_stands_at_its_span(text: str) -> None:
    source = SourceText(text)
    folded = source.folded
    for low in range(len(folded)):
        for high in range(low + 1, len(folded) + 1):
            if folded[low] != " " and folded[high - 1] != " ":
                begin, end = source.span(low, high)
                assert " ".join(text[begin:end].split()) == " ".join(folded[low:high].split())
