"""Vocabularies that lack bytes: what they cannot end is never begun."""

from __future__ import annotations

import pytest

from engine.grammar.gbnf_parser import parse_gbnf
from engine.masks.matcher import Matcher
from engine.masks.vocabulary import Vocabulary


def matcher(gbnf: str, *pieces: bytes) -> Matcher:
    return Matcher(parse_gbnf(gbnf), Vocabulary.from_pieces([b"", *pieces]))


@pytest.mark.parametrize(
    ("gbnf", "pieces", "closing"),
    [
        ('root ::= "a" | "bc"', [b"b", b"c"], b"bc"),
        ('root ::= "aa" | "bca"', [b"b", b"ca"], b"bca"),
        ('root ::= "x"* ("y" | "zz")', [b"x", b"xzz"], b"xzz"),
        ('root ::= "a" root "b" | "c"', [b"ac", b"b"], b"acb"),
        ('root ::= "a" | "b"', [b"c"], None),
        ('root ::= "a" root | "b"', [b"a"], None),
    ],
)
def test_the_end_is_reached_by_tokens_or_not_at_all(gbnf: str, pieces: list[bytes], closing: bytes | None) -> None:
    found = matcher(gbnf, *pieces)
    tokens = found.closing()
    if closing is None:
        assert tokens is None
        return
    assert tokens is not None
    for token in tokens:
        found.accept(token)
    assert found.output == closing
    assert found.may_end


def test_a_token_that_leads_to_no_end_is_told_by_what_comes_behind_it() -> None:
    found = matcher('root ::= "a" ("x" | "y") | "b" "z"', b"a", b"b", b"z")
    found.accept(1)
    assert found.closing() is None
    found.rollback(1)
    found.accept(2)
    assert found.closing() == (3,)
