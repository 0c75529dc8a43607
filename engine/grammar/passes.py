"""The passes from any Grammar to one of literals, classes, sequences, choices, repeats and references.

Comes in: a Grammar without guards. Goes out: rules in the order of their first use, root first, with names that GBNF
allows, whose every construct llama.cpp reads and counts exactly. Each pass takes a Grammar and gives another one of
the same language; what a pass cannot express it refuses with NotPrintable.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.grammar.builder import GrammarBuilder, RuleNames, reachable
from engine.grammar.expression_rules import expand_languages
from engine.grammar.grammar import (
    Grammar,
    Guarded,
    Literal,
    Node,
    RegularTerminal,
    RuleRef,
)
from engine.grammar.member_rules import expand_members
from engine.grammar.recursion import calls, refuse_left_recursion
from engine.grammar.repeat_rules import repeat_nonempty, split_repeats
from engine.grammar.simplification import drop_unproductive, inline_trivial, simplify
from engine.grammar.traversal import children, fold, rewrite, with_children
from engine.regular.expression import CharClass

_HEIGHT_LIMIT = 12
_SIZE_LIMIT = 300


def drop_guards(grammar: Grammar) -> Grammar:
    """Every guarded node replaced by what it guards."""
    return GrammarBuilder(grammar).rewrite_rules(lambda node: node.item if isinstance(node, Guarded) else node)


def check_rules(grammar: Grammar) -> Grammar:
    """The same; undefined rules and left recursion are refused."""
    calls(grammar)
    refuse_left_recursion(grammar)
    return grammar


def name_rules(grammar: Grammar) -> Grammar:
    """Only rules that are used, in the order of their first use, under legal names; the root is called so."""
    free = RuleNames(("root",))
    names = {rule: "root" if rule == grammar.root else free.free(rule) for rule in reachable(grammar)}

    def change(node: Node) -> Node:
        return RuleRef(names[node.rule]) if isinstance(node, RuleRef) else node

    return Grammar({name: rewrite(grammar.rules[rule], change) for rule, name in names.items()})


def divide(grammar: Grammar) -> Grammar:
    """What is deep or long inside a rule becomes a rule of its own."""
    draft = GrammarBuilder(grammar)
    for name in list(grammar.rules):
        draft.owner = name
        draft.rules[name] = _divided(draft, draft.rules[name])
    return Grammar(draft.rules, draft.root)


def _divided(draft: GrammarBuilder, root: Node) -> Node:
    kept: list[Node] = []  # new nodes must outlive the fold: it knows nodes by their identity

    def combine(node: Node, inside: tuple[tuple[Node, int, int], ...]) -> tuple[Node, int, int]:
        if not inside:
            return node, 1, _length(node)
        kept.append(with_children(node, tuple(part[0] for part in inside)))
        height, size = 1 + max(part[1] for part in inside), 2 + sum(part[2] for part in inside)
        if node is not root and (height > _HEIGHT_LIMIT or size > _SIZE_LIMIT):
            reference = draft.add("part", kept[-1])
            return reference, 1, _length(reference)
        return kept[-1], height, size

    return fold(root, combine)[0]


def _length(leaf: Node) -> int:
    """About how many characters it is printed in."""
    match leaf:
        case Literal(text):
            return len(text) + 3
        case RuleRef(rule):
            return len(rule) + 1
        case RegularTerminal(language=CharClass(members=members)):
            return 2 + 4 * len(members)
        case _:
            return 2 + len(children(leaf))


PASSES: tuple[Callable[[Grammar], Grammar], ...] = (
    check_rules,
    name_rules,
    expand_members,
    expand_languages,
    simplify,
    drop_unproductive,
    inline_trivial,
    repeat_nonempty,
    split_repeats,
    inline_trivial,
    divide,
    name_rules,
)


def run_passes(grammar: Grammar) -> Grammar:
    """All passes in their order."""
    for one_pass in PASSES:
        grammar = one_pass(grammar)
    return grammar
