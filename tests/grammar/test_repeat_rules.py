"""Repeats as llama.cpp counts them: the language stays, no count is over its limit."""

from __future__ import annotations

import pytest

from engine.grammar.grammar import EMPTY, Choice, Grammar, Literal, Node, Repeat, RuleRef, Sequence
from engine.grammar.language import whole_language
from engine.grammar.repeat_rules import COPIES_LIMIT, repeat_nonempty, split_repeats
from engine.grammar.traversal import walk

A = Literal("a")


def counts(grammar: Grammar) -> list[int]:
    repeats = [part for node in grammar.rules.values() for part in walk(node) if isinstance(part, Repeat)]
    return [max(one.low, one.high or 0) for one in repeats]


@pytest.mark.parametrize(("low", "high"), [(0, 5000), (3000, 3000), (2500, None), (10, 4321), (0, COPIES_LIMIT)])
def test_large_counts_are_split_and_mean_the_same(low: int, high: int | None) -> None:
    split = split_repeats(Grammar({"root": Repeat(A, low, high)}))
    assert max(counts(split)) <= COPIES_LIMIT
    language = whole_language(split)
    for length in {0, low - 1, low, low + 1, (high or low) - 1, high or low + 99, (high or low + 99) + 1} - {-1}:
        assert language.matches("a" * length) is (low <= length and (high is None or length <= high)), length


def test_a_body_that_is_costly_to_copy_gets_a_rule() -> None:
    split = split_repeats(Grammar({"root": Repeat(Literal("x" * 100), 0, 500)}))
    assert len(split.rules) == 2
    assert whole_language(split).matches("x" * 300)


@pytest.mark.parametrize(
    "body",
    [
        Choice((EMPTY, A)),
        Repeat(A, 0, 3),
        Sequence((Repeat(A, 0, 1), Repeat(Literal("b"), 0, 1))),
        RuleRef("maybe"),
    ],
)
def test_bodies_are_not_empty_and_the_language_stays(body: Node) -> None:
    grammar = Grammar({"root": Repeat(body, 0, None), "maybe": Choice((EMPTY, A))})
    changed = repeat_nonempty(grammar)
    before, after = whole_language(grammar), whole_language(changed)
    for text in ("", "a", "aa", "aaaa", "ab", "abab", "b"):
        assert before.matches(text) is after.matches(text), text
    bodies = [part.item for node in changed.rules.values() for part in walk(node) if isinstance(part, Repeat)]
    outer = [one for one in bodies if one is not A]
    assert not any(whole_language(Grammar({**changed.rules, "root": one})).nullable for one in outer[:1])
