"""The language of a grammar's texts, as one regular expression, against the automaton of the grammar."""

from __future__ import annotations

import json

import pytest
from byte_walks import accepts
from hypothesis import given
from hypothesis import strategies as st

from engine.automaton.automaton import Automaton
from engine.extraction.compilation import compile_schema
from engine.lowering.json_in_string import json_in_string_language

TREE = {"$ref": "#/$defs/t", "$defs": {"t": {"type": "array", "items": {"$ref": "#/$defs/t"}}}}
FLAT = {
    "type": "object",
    "properties": {
        "a": {"type": "integer", "minimum": 0, "maximum": 3},
        "b": {"enum": ['"', "\\", "é"]},
        "c": {"type": "array", "items": {"type": ["boolean", "null"]}, "maxItems": 2},
    },
    "required": ["b"],
    "additionalProperties": False,
}
OPEN = {"type": "object", "properties": {"a": {"type": "null"}}, "additionalProperties": {"type": "string"}}
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "a": st.sampled_from([0, 3, 4, None]),
        "b": st.sampled_from(['"', "\\", "é", "x", 1]),
        "c": st.lists(st.sampled_from([True, None, 0]), max_size=3),
        "d": st.sampled_from(["", "x\n"]),
    },
)


@pytest.mark.parametrize("schema", [FLAT, OPEN], ids=["closed", "open"])
@given(value=VALUES, lost=st.integers(0, 3))
def test_the_language_is_that_of_the_automaton(schema: dict[str, object], value: dict[str, object], lost: int) -> None:
    grammar = compile_schema(schema)
    language = json_in_string_language(grammar)
    assert language is not None
    text = json.dumps(value, ensure_ascii=False)
    for one in (text, text[: len(text) - lost], json.dumps(value, indent=0)):
        assert language.matches(one) == accepts(Automaton(grammar), one)


@pytest.mark.parametrize(("schema", "style"), [(TREE, "spaced"), (FLAT, "any")], ids=["recursive", "in any order"])
def test_what_is_not_regular_has_no_language(schema: dict[str, object], style: str) -> None:
    assert json_in_string_language(compile_schema(schema, style=style)) is None  # type: ignore[arg-type]
