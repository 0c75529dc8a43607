"""Patterns made to hurt: deep, long, huge counts. They are read, or refused by name; nothing else happens."""

from __future__ import annotations

import pytest

from engine.regular.expression import EMPTY_SET
from engine.regular.pattern import InvalidPattern, UnsupportedPattern, parse_pattern
from engine.regular.pattern_syntax import NESTING_LIMIT

HOSTILE = {
    "deep groups": "(" * 50_000 + ")" * 50_000,
    "open groups": "(" * 50_000,
    "deep repeats": "(?:a" * 60 + ")*" * 60,
    "deep alternations": "(a|b" * 60 + ")" * 60,
    "many options": "a?" * 20_000,
    "few options": "a?" * 150,
    "many stars": "a*" * 5_000,
    "many anchors": "^" * 50_000,
    "anchors and options": "(?:^a?)" * 2_000,
    "many boundaries": r"\b\w" * 300,
    "long text": "ab" * 50_000,
    "many alternatives": "|".join(f"word{i}" for i in range(5_000)),
    "many classes": "[a-z]" * 20_000,
    "big class": "[" + "".join(map(chr, range(0x100, 0x2000, 2))) + "]",
    "counts in counts": "((a{1000}){1000}){1000}",
    "a huge count": "a{999999999999}",
    "a longer count": "a{" + "9" * 10_000 + "}",
    "deep counts": "(?:" * 60 + "a" + "){2,3}" * 60,
    "deep anchors": "(?:^|a" * 60 + "$)*" * 60,
    "brackets": "[" * 50_000,
    "backslashes": "\\" * 49_999,
    "alternating stars": "(a*)*" * 500 + "(a|a)*" * 500,
}


@pytest.mark.parametrize("dialect", ["ecma", "rust", "python"])
@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_patterns_are_read_or_refused(source: str, dialect: str) -> None:
    try:
        language = parse_pattern(source, dialect)
    except (InvalidPattern, UnsupportedPattern):
        return
    state = language
    for character in "aab a\n" * 5:
        if state is EMPTY_SET:
            break
        state = state.derive(ord(character))
    assert state.nullable in (True, False)


def test_groups_nest_as_deep_as_promised() -> None:
    source = "(a" * NESTING_LIMIT + ")" * NESTING_LIMIT
    assert parse_pattern(f"^{source}$", "ecma").matches("a" * NESTING_LIMIT)


@pytest.mark.parametrize("dialect", ["ecma", "rust", "python"])
def test_a_count_of_a_billion_is_exact_without_being_expanded(dialect: str) -> None:
    language = parse_pattern("^(?:ab){1000000000,1000000001}$", dialect)
    assert not language.matches("abab")
    assert language.step(ord("a")).step(ord("b")) is not EMPTY_SET
