"""No output nests deeper than readers of JSON take, and everything that they take can be written."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

from engine import compile_schema, parse_gbnf
from engine.automaton.tracker import Tracker
from engine.errors import TokenRejected
from engine.lowering.lowering import MAX_NESTING
from engine.masks.depth_limit import deepest as deepest_of
from engine.masks.depth_limit import openings
from engine.masks.matcher import Matcher
from engine.masks.vocabulary import Vocabulary

PIECES = [bytes([byte]) for byte in range(256)] + [b"[[", b'{"c": {"c": ', b'"c": ', b"[[[[[[", b'": [', b'"[[{"']
VOCABULARY = Vocabulary.from_pieces([*PIECES, b""], end_tokens=[len(PIECES)])
END = len(PIECES)


class Node(BaseModel):
    c: Node | None = None


class Tree(BaseModel):
    """An item must hold two more levels, so it has to turn back earlier."""

    c: list[list[Tree]] = []


class Braces(BaseModel):
    s: str = ""
    c: Braces | None = None


ANYTHING: dict[str, Any] = {}


def deepest(model: Any, style: Any = "spaced") -> bytes:
    """A text that opens what it can and then closes."""
    matcher = Matcher(compile_schema(model, style=style), VOCABULARY)
    quoted = [token for token in range(256, END) if PIECES[token].startswith(b'"')][:-1]
    rank = [
        *(token for token in range(256, END) if token not in quoted and token < END - 1),
        *b"[{",
        *quoted,
        *b'":, cj',
    ]
    for _ in range(4 * MAX_NESTING):
        before = len(matcher.output)
        for token in rank:
            if matcher.allows(token):
                matcher.accept(token)
                break
        if matcher.finished or len(matcher.output) == before:
            break
    for token in matcher.closing() or ():
        matcher.accept(token)
    return matcher.output


@pytest.mark.parametrize(
    ("model", "style"), [(Node, "spaced"), (Tree, "compact"), (list[Node], "any"), (dict[str, Node], "spaced")]
)
def test_deepest_output_is_read_by_pydantic(model: Any, style: str) -> None:
    text = deepest(model, style)
    TypeAdapter(model).validate_json(text)
    assert MAX_NESTING - 4 <= deepest_of(Tracker(), text) <= MAX_NESTING


def test_deepest_output_of_any_json_is_read() -> None:
    text = deepest(ANYTHING)
    assert deepest_of(Tracker(), text) == MAX_NESTING
    json.loads(text)
    TypeAdapter(Any).validate_json(text)


def walk(matcher: Matcher, text: str) -> bool:
    try:
        for byte in text.encode():
            matcher.accept(byte)
    except TokenRejected:
        return False
    return matcher.may_end


@pytest.mark.parametrize("depth", [1, 60, 150, MAX_NESTING - 1, MAX_NESTING])
def test_what_pydantic_reads_can_be_written(depth: int) -> None:
    text = '{"c": ' * (depth - 1) + "{}" + "}" * (depth - 1)
    Node.model_validate_json(text)
    assert walk(Matcher(compile_schema(Node), VOCABULARY), text)
    assert not walk(Matcher(compile_schema(Node), VOCABULARY), '{"c": ' * MAX_NESTING + "{}" + "}" * MAX_NESTING)


def test_brackets_in_strings_and_beside_each_other_do_not_count() -> None:
    text = json.dumps({"s": '[{"\\' * 300, "c": {"s": "]" * 300}})
    assert walk(Matcher(compile_schema(Braces), VOCABULARY), text)
    many = json.dumps([{"c": {"c": None}}] * 300)
    assert walk(Matcher(compile_schema(list[Node]), VOCABULARY), many)


def test_mask_near_the_limit_is_what_can_be_accepted() -> None:
    matcher = Matcher(compile_schema(Node), VOCABULARY)
    for token in b'{"c": ' * (MAX_NESTING - 1):
        matcher.accept(token)
    mask = matcher.mask()
    assert sorted(np.flatnonzero(mask)) == [token for token in range(len(PIECES)) if matcher.allows(token)]
    assert mask[ord("{")]
    assert not mask[PIECES.index(b'{"c": {"c": ')]
    matcher.accept(ord("{"))
    assert list(map(chr, np.flatnonzero(matcher.mask()))) == ["}"]


def test_grammars_that_are_no_json_nest_as_they_like() -> None:
    matcher = Matcher(parse_gbnf('root ::= "[" root "]" | "x"'), VOCABULARY)
    assert walk(matcher, "[" * 1000 + "x" + "]" * 1000)


JSON = st.recursive(
    st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(JSON, st.data())
def test_depth_from_any_place_on_is_that_of_the_tracker(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value, ensure_ascii=data.draw(st.booleans())).encode()
    place = data.draw(st.integers(0, len(text)))
    start = here = Tracker().feed(text[:place])
    most = start.depth
    for end in range(place, len(text) + 1):
        assert deepest_of(start, text[place:end]) == most
        assert start.depth + openings(text[place:end]) >= most
        here = here.feed(text[end : end + 1])
        most = max(most, here.depth)


@given(st.recursive(st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)), st.data())
def test_a_text_that_is_taken_back_is_bounded_as_before(value: Any, data: st.DataObject) -> None:
    text = json.dumps([value], ensure_ascii=data.draw(st.booleans())).encode()
    matcher = Matcher(compile_schema({}, style="any"), VOCABULARY)
    for length in data.draw(st.lists(st.integers(0, len(text)), min_size=1, max_size=8)):
        if length < len(matcher.output):
            matcher.rollback(len(matcher.output) - length)
        for byte in text[len(matcher.output) : length]:
            matcher.accept(byte)
        assert matcher.mask().any()
        assert matcher._track().depth == Tracker().feed(text[:length]).depth <= matcher._depth
