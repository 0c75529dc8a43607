"""Builder: a grammar while a pass rewrites it: the rules so far, and names for helper rules.

A pass takes a Grammar and gives another one; in between it holds a GrammarBuilder. Helper rules are named after the rule that
they serve, with letters, digits and dashes only, which is what llama.cpp reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from engine.grammar.grammar import Grammar, Node, RuleRef
from engine.grammar.traversal import references, rewrite

_FOREIGN = re.compile(r"[^a-zA-Z0-9-]+")
_NAME_LENGTH = 60


class GrammarBuilder:
    """Rules that are being rewritten. `owner` is the rule whose node is in work."""

    def __init__(self, grammar: Grammar) -> None:
        self.rules = dict(grammar.rules)
        self.root = grammar.root
        self.owner = grammar.root
        self._names = RuleNames(grammar.rules)

    def add(self, hint: str, node: Node) -> RuleRef:
        """A new rule for `node`, named after `owner` and `hint`."""
        reference = self.reserve(f"{self.owner}-{hint}")
        self.rules[reference.rule] = node
        return reference

    def reserve(self, wanted: str) -> RuleRef:
        """A reference to a rule that the caller defines later; its place in the order is taken now."""
        name = self._names.free(wanted)
        self.rules[name] = RuleRef(name)
        return RuleRef(name)

    def rewrite_rules(self, change: Callable[[Node], Node]) -> Grammar:
        """Every node of every rule changed, innermost first; helper rules that `change` adds are left as they are."""
        for name in list(self.rules):
            self.owner = name
            self.rules[name] = rewrite(self.rules[name], change)
        return Grammar(self.rules, self.root)


class RuleNames:
    """Legal rule names, each given once."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self._next: dict[str, int] = {}

    def free(self, wanted: str) -> str:
        """A name like `wanted` that was not given before, by a number behind it where needed."""
        legal = _FOREIGN.sub("-", wanted)
        if legal != wanted:
            legal = legal.strip("-")
        legal = legal[:_NAME_LENGTH] or "rule"
        name, number = legal, self._next.get(legal, 2)
        while name in self._taken:
            name, number = f"{legal}-{number}", number + 1
        self._next[legal] = number
        self._taken.add(name)
        return name


def reachable(grammar: Grammar) -> list[str]:
    """The rules that a text can use, in the order of their first use, the root first."""
    order = {grammar.root: None}
    pending = [grammar.root]
    for name in pending:
        for callee in references(grammar.rules[name]):
            if callee not in order:
                order[callee] = None
                pending.append(callee)
    return list(order)
