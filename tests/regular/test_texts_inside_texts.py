"""Texts inside of texts: the insides of JSON strings against `json`, base64 against `base64`."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.regular.expression import ALL_STRINGS, URL_SAFE, Expression, base64_text, json_text
from engine.regular.pattern import parse_pattern

ESCAPED = json_text(ALL_STRINGS)
TRICKY = st.text(st.sampled_from('"\\/ntu0019afAF\x00\n\t\x1f\x7fé\u2028😀'), max_size=12)


def spelled(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


@given(st.one_of(st.text(), TRICKY))
def test_every_string_has_its_one_spelling(text: str) -> None:
    assert ESCAPED.matches(spelled(text))


@given(TRICKY)
def test_what_json_writes_otherwise_is_no_spelling(text: str) -> None:
    try:
        canonical = spelled(json.loads(f'"{text}"')) == text
    except ValueError:
        canonical = False
    assert ESCAPED.matches(text) == canonical


@pytest.mark.parametrize("pattern", ['^"\\\\n?$', "^[\\x00-\\x1f]{2}$", '^(a|\\\\"){1,3}$', "^.?é\\t$"])
@given(text=TRICKY)
def test_the_spellings_of_a_language_are_those_of_its_strings(pattern: str, text: str) -> None:
    language = parse_pattern(pattern, "ecma")
    inside = json_text(language)
    assert inside.matches(spelled(text)) == language.matches(text)
    assert language.matches(json.loads(f'"{inside.shortest}"'))


def test_a_part_of_an_escape_that_leads_nowhere_is_nothing() -> None:
    inside = json_text(parse_pattern("^\\n$", "ecma"))
    assert inside.step(ord("\\")).alive
    assert not inside.step(ord("\\")).step(ord("u")).alive


def decoded(text: str, alphabet: bytes | None) -> str | None:
    """The text in the base64, None where it is not the one spelling of any."""
    try:
        data = base64.b64decode(text, altchars=alphabet, validate=True)
        if base64.b64encode(data, altchars=alphabet).decode() != text:
            return None
        return data.decode()
    except ValueError:
        return None


@pytest.mark.parametrize(("language", "alphabet"), [(base64_text(), None), (base64_text(URL_SAFE), b"-_")])
@given(text=st.text(max_size=9), data=st.binary(max_size=9), noise=st.text("AQgw048/+-_=8J+Y", max_size=8))
def test_base64_is_of_texts_alone(
    language: Expression, alphabet: bytes | None, text: str, data: bytes, noise: str
) -> None:
    assert language.matches(base64.b64encode(text.encode(), altchars=alphabet).decode())
    for other in (base64.b64encode(data, altchars=alphabet).decode(), noise):
        assert language.matches(other) == (decoded(other, alphabet) is not None)


def test_whatever_begins_base64_can_be_ended() -> None:
    state, text = base64_text(), ""
    for character in "8J+YgOKC":  # four bytes, and two of three
        state, text = state.step(ord(character)), text + character
        assert decoded(text + state.shortest, None) is not None
