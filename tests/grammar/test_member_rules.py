"""The rules of an object's members give its keys in order, once each, with the commas between."""

from __future__ import annotations

from itertools import permutations

import pytest
from grammar_reference import matches

from engine.errors import NotPrintable
from engine.grammar.grammar import Grammar, Literal, Member, Members
from engine.grammar.member_rules import UNORDERED_LIMIT, expand_members


def rules(names: str, required: str, *, ordered: bool = True, low: int = 0, high: int | None = None) -> Grammar:
    declared = tuple(Member(name, Literal("0"), required=name in required) for name in names)
    colon, comma = Literal(":"), Literal(",")
    members = Members(declared, ordered=ordered, colon=colon, comma=comma, low=low, high=high)
    return expand_members(Grammar({"root": members}))


def texts(names: str, *, ordered: bool = True) -> list[tuple[str, ...]]:
    chosen = [one for size in range(len(names) + 1) for one in permutations(names, size)]
    return [one for one in chosen if not ordered or list(one) == sorted(one)]


@pytest.mark.parametrize("required", ["", "a", "b", "c", "ac", "abc"])
@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize(("low", "high"), [(0, None), (2, None), (0, 2), (1, 1)])
def test_every_choice_of_members_is_written_once(required: str, ordered: bool, low: int, high: int | None) -> None:
    found = rules("abc", required, ordered=ordered, low=low, high=high)
    for chosen in texts("abc", ordered=False):
        text = ",".join(f'"{name}":0' for name in chosen)
        in_order = not ordered or list(chosen) == sorted(chosen)
        fits = set(required) <= set(chosen) and low <= len(chosen) and (high is None or len(chosen) <= high)
        assert matches(found, text) is (in_order and fits), text
    assert not matches(found, '"a":0,"a":0')
    assert not matches(found, ',"a":0')


def test_too_many_members_in_any_order_are_not_printed() -> None:
    with pytest.raises(NotPrintable, match="any order"):
        rules("abcdefghij"[: UNORDERED_LIMIT + 1], "", ordered=False)
