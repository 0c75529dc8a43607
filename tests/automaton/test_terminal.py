"""Terminals against Python's own JSON reader, UTF-8 decoder and regular expressions."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.automaton.terminal import QuotedTerminal, Terminal, TextTerminal
from engine.regular import charset
from engine.regular import expression as ex

LETTERS = ex.repeat(ex.char_class(charset.of("aé中😀")), 0, None)


def reads(terminal: Terminal, data: bytes) -> bool:
    state = terminal.start
    for byte in data:
        state = terminal.edges(state).get(byte, 0)
        if not state:
            return False
    return terminal.accepts(state)


@given(st.text())
def test_canonical_string_reads_exactly_what_json_dumps_writes(text: str) -> None:
    terminal = QuotedTerminal(ex.ALL_STRINGS, "canonical")
    written = json.dumps(text, ensure_ascii=False)
    assert reads(terminal, written.encode())
    assert reads(terminal, json.dumps(text).encode()) == (json.dumps(text) == written)


@given(st.text(), st.randoms(use_true_random=False))
def test_any_spelling_reads_every_escape(text: str, random) -> None:  # type: ignore[no-untyped-def]
    terminal = QuotedTerminal(ex.ALL_STRINGS, "any")
    out = '"'
    for character in text:
        plain = json.dumps(character, ensure_ascii=False)[1:-1]
        escaped = json.dumps(character)[1:-1]
        unit = "".join(f"\\u{u:04X}" for u in memoryview(character.encode("utf-16-le")).cast("H"))
        out += random.choice([plain, escaped, unit])
    assert json.loads(out + '"') == text
    assert reads(terminal, (out + '"').encode())


@given(st.binary(max_size=12))
def test_any_string_reads_only_what_json_reads(data: bytes) -> None:
    terminal = QuotedTerminal(ex.ALL_STRINGS, "any")
    quoted = b'"' + data + b'"'
    try:
        json.loads(quoted.decode("utf-8")).encode("utf-8")
        valid = True
    except ValueError:
        valid = False
    assert reads(terminal, quoted) == valid


@pytest.mark.parametrize(
    "data",
    [
        b"\xe0\x82\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xc0\x80",
        b"\xff",
        b"\x80",
        b"\\ud800",
        b"\\ud83d\\u0041",
    ],
)
def test_no_string_holds_bytes_that_are_not_utf8_or_lone_surrogates(data: bytes) -> None:
    for spelling in ("canonical", "any"):
        assert not reads(QuotedTerminal(ex.ALL_STRINGS, spelling), b'"' + data + b'"')


@given(st.text(alphabet="aé中😀b", max_size=6))
def test_text_terminal_agrees_with_re(text: str) -> None:
    assert reads(TextTerminal(LETTERS), text.encode()) == bool(re.fullmatch("[aé中😀]*", text))


@given(st.text(alphabet='aé中😀"\\\n', max_size=5), st.integers(0, 4), st.integers(0, 4))
def test_length_counts_characters_not_bytes_or_escapes(text: str, low: int, high: int) -> None:
    language = ex.repeat(ex.char_class(charset.ANY), low, high)
    expected = low <= len(text) <= high
    if language.alive:
        assert reads(QuotedTerminal(language, "any"), json.dumps(text).encode()) == expected
        assert reads(QuotedTerminal(language, "canonical"), json.dumps(text, ensure_ascii=False).encode()) == expected


@given(st.text(max_size=4), st.integers(0, 30))
def test_completion_from_every_state_reaches_an_end(text: str, cut: int) -> None:
    for spelling in ("canonical", "any"):
        terminal = QuotedTerminal(ex.repeat(ex.char_class(charset.ANY), 2, 9), spelling)
        state = terminal.start
        for byte in json.dumps(text, ensure_ascii=False).encode()[: min(cut, 12)]:
            state = terminal.edges(state).get(byte, 0)
            if not state:
                return
        for byte in terminal.completion(state):
            state = terminal.edges(state)[byte]
        assert terminal.accepts(state)


def test_the_label_of_a_key_is_the_word_that_was_read() -> None:
    terminal = QuotedTerminal(ex.finite_set(["a", "ab", "é"], labelled=True), "any")
    for spelled, word in ((b'"a"', "a"), (b'"ab"', "ab"), (b'"\\u00e9"', "é"), (b'"\\u0061b"', "ab")):
        state = terminal.start
        for byte in spelled:
            state = terminal.edges(state)[byte]
        assert terminal.accepts(state)
        assert terminal.label(state) == word


def test_equal_rests_of_a_character_are_one_state() -> None:
    terminal = TextTerminal(ex.ALL_STRINGS)
    edges = terminal.edges(terminal.start)
    assert edges[0xE1] == edges[0xEC]
    assert len({edges[b] for b in range(0xC2, 0xE0)}) == 1
    assert edges[0xE0] != edges[0xE1]
    assert edges[0xED] != edges[0xE1]
