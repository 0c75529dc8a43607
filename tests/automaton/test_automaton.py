"""What the automaton makes of grammars that are hard on it."""

from __future__ import annotations

from typing import Any

import pytest
from byte_walks import accepts
from hypothesis import given
from hypothesis import strategies as st

from engine.automaton.automaton import Automaton
from engine.errors import GrammarError
from engine.extraction.compilation import compile_schema
from engine.grammar.gbnf_parser import parse_gbnf
from engine.lowering.lowering import Style


def test_an_array_of_ten_thousand_items_visits_as_many_states_as_one_of_three() -> None:
    automaton = Automaton(parse_gbnf('root ::= "[" [0-9] (", " [0-9])* "]"'))
    assert accepts(automaton, "[1, 2, 3]")
    visited = len(automaton._items)
    assert accepts(automaton, "[" + ", ".join("7" * 10_000) + "]")
    assert len(automaton._items) == visited


_OBJECT = {"type": "object", "properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize("style", ["spaced", "compact", "any"])
@pytest.mark.parametrize(
    ("schema", "watched"),
    [
        (_OBJECT | {"additionalProperties": False}, False),
        ({"type": "array", "items": _OBJECT | {"additionalProperties": False}}, False),
        # Keys that are not declared must be new.
        (_OBJECT, True),
        ({"type": "object", "patternProperties": {"^x": {}}, "additionalProperties": False}, True),
        ({"type": "array", "items": {"type": "integer"}, "uniqueItems": True}, True),
    ],
)
def test_only_guards_and_keys_that_are_not_declared_are_watched(schema: Any, style: Style, watched: bool) -> None:
    assert Automaton(compile_schema(schema, style=style)).watched == watched


@pytest.mark.parametrize(
    "text", ['root ::= "a" root', 'root ::= "a" x\nx ::= "b" x | "c" x', 'root ::= one\none ::= "x" root']
)
def test_a_grammar_without_a_finite_text_is_refused(text: str) -> None:
    with pytest.raises(GrammarError, match="never ends"):
        Automaton(parse_gbnf(text))


def test_a_way_without_an_end_is_never_entered() -> None:
    automaton = Automaton(parse_gbnf('root ::= "a" | "b" x | ("c" x)?\nx ::= "d" x'))
    assert automaton.live_bytes(automaton.start) == {ord("a")}
    assert accepts(automaton, "")


@pytest.mark.parametrize("text", ['root ::= root "a" | "b"', 'root ::= e root "a" | "b"\ne ::= "c"?'])
def test_left_recursion_is_refused_also_through_what_may_be_empty(text: str) -> None:
    with pytest.raises(GrammarError, match="recurs"):
        Automaton(parse_gbnf(text))


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 14))
def test_bounded_repeats_of_what_may_be_empty_end(low: int, more: int, count: int) -> None:
    automaton = Automaton(
        parse_gbnf(f'root ::= (a? b?){{{low},{low + more}}}\na ::= "x" c?\nb ::= "y"\nc ::= "(" a ")"')
    )
    assert accepts(automaton, "xy" * count) == (count <= low + more)


def test_a_repeat_beyond_llama_cpps_limit_is_exact() -> None:
    automaton = Automaton(parse_gbnf('root ::= ("a" b){0,2001}\nb ::= "(" b ")" | "."'))
    assert accepts(automaton, "a." * 2001)
    assert not accepts(automaton, "a." * 2002)


def test_deep_nesting_needs_no_recursion_of_python() -> None:
    automaton = Automaton(parse_gbnf('root ::= "[" root "]" | "."'))
    assert accepts(automaton, "[" * 5000 + "." + "]" * 5000)
    assert not accepts(automaton, "[" * 5000 + "." + "]" * 4999)
