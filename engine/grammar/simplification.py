"""Passes that keep the language and make the grammar plainer: nothing and the empty text vanish, nesting is flattened.

They work on grammars of literals, one-character classes, sequences, choices, repeats and references. Rules that no
text can finish are removed together with the alternatives that need them, since GBNF has no word for nothing; where
the whole grammar matches nothing, the root becomes an empty choice.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from engine.grammar.builder import GrammarBuilder
from engine.grammar.grammar import (
    EMPTY,
    Choice,
    Grammar,
    Literal,
    Node,
    RegularTerminal,
    Repeat,
    RuleRef,
    Sequence,
)
from engine.grammar.recursion import least_fixpoint
from engine.grammar.traversal import fold, references
from engine.regular import charset, expression
from engine.regular.charset import CharSet
from engine.regular.expression import CharClass

EMPTY_CHOICE = Choice(())


def simplify(grammar: Grammar) -> Grammar:
    """Every node in its plainest form."""
    return GrammarBuilder(grammar).rewrite_rules(plainest)


def inline_trivial(grammar: Grammar) -> Grammar:
    """References to rules that are empty or only another reference are replaced by that; a root that is only a reference
    takes over the rule, where nothing else needs it."""
    rules = dict(grammar.rules)

    def change(node: Node) -> Node:
        seen = set()
        while isinstance(node, RuleRef) and node.rule not in seen:
            seen.add(node.rule)
            target = rules[node.rule]
            if not (isinstance(target, RuleRef) or target == EMPTY):
                break
            node = target
        return plainest(node)

    inlined = GrammarBuilder(grammar).rewrite_rules(change).rules
    start = inlined[grammar.root]
    if isinstance(start, RuleRef) and not any(
        start.rule in references(node) for node in inlined.values() if node is not start
    ):
        inlined = {**inlined, grammar.root: inlined[start.rule]}
    return Grammar(inlined, grammar.root)


def drop_unproductive(grammar: Grammar) -> Grammar:
    """References to rules that match no finite text are replaced by nothing."""
    productive = least_fixpoint(grammar.rules, _is_productive)
    if len(productive) == len(grammar.rules):
        return grammar

    def change(node: Node) -> Node:
        return EMPTY_CHOICE if isinstance(node, RuleRef) and node.rule not in productive else plainest(node)

    kept = GrammarBuilder(grammar).rewrite_rules(change).rules
    return Grammar(
        {name: node for name, node in kept.items() if name in productive or name == grammar.root}, grammar.root
    )


def _is_productive(node: Node, productive: AbstractSet[str]) -> bool:
    def combine(part: Node, inside: tuple[bool, ...]) -> bool:
        match part:
            case RuleRef(rule):
                return rule in productive
            case Choice():
                return any(inside)
            case Repeat(_, low, _):
                return low == 0 or inside[0]
            case RegularTerminal(language):
                return language is not expression.EMPTY_SET
            case _:
                return all(inside)

    return fold(node, combine)


def plainest(node: Node) -> Node:
    """`node` simplified, where the nodes inside are already."""
    match node:
        case RegularTerminal(language=CharClass(members=members)) if charset.size(members) == 1:
            return Literal(chr(members[0][0]))
        case RegularTerminal(language=expression.EMPTY_STRING):
            return EMPTY
        case RegularTerminal(language=expression.EMPTY_SET):
            return EMPTY_CHOICE
        case Literal(""):
            return EMPTY
        case Sequence(items):
            return _sequence(items)
        case Choice(options):
            return _choice(options)
        case Repeat(item, low, high):
            return _repeat(item, low, high)
        case _:
            return node


def _sequence(items: tuple[Node, ...]) -> Node:
    flat: list[Node] = []
    for item in items:
        for part in item.items if isinstance(item, Sequence) else (item,):
            if part == EMPTY_CHOICE:
                return EMPTY_CHOICE
            last = flat[-1] if flat else None
            if isinstance(part, Literal) and isinstance(last, Literal):
                flat[-1] = Literal(last.text + part.text)
            else:
                flat.append(part)
    return flat[0] if len(flat) == 1 else Sequence(tuple(flat))


def _choice(options: tuple[Node, ...]) -> Node:
    distinct: dict[object, Node] = {}
    members = charset.NONE
    for option in options:
        for part in option.options if isinstance(option, Choice) else (option,):
            if one_of := _one_character(part):
                members = charset.unite(members, one_of)
                part = _CHARACTER  # all of them together, where the first of them stood
            shallow = isinstance(part, (Literal, RegularTerminal, RuleRef)) or part == EMPTY
            distinct[part if shallow else id(part)] = part  # comparing deep nodes could recurse as deep as they are
    optional = distinct.pop(EMPTY, None) is not None
    character = plainest(RegularTerminal(expression.char_class(members)))
    rest = tuple(character if part is _CHARACTER else part for part in distinct.values())
    if not rest and optional:
        return EMPTY
    chosen = rest[0] if len(rest) == 1 else Choice(rest)
    return _repeat(chosen, 0, 1) if optional else chosen


_CHARACTER = Literal("")


def _one_character(node: Node) -> CharSet:
    match node:
        case RegularTerminal(language=CharClass(members=members)):
            return members
        case Literal(text) if len(text) == 1:
            return charset.of(text)
        case _:
            return charset.NONE


def _repeat(item: Node, low: int, high: int | None) -> Node:
    if high == 0 or item == EMPTY:
        return EMPTY
    if item == EMPTY_CHOICE:
        return EMPTY if low == 0 else EMPTY_CHOICE
    if (low, high) == (1, 1):
        return item
    if isinstance(item, Repeat) and item.low <= 1:  # the counts have no gaps: x{1,3}{2,4} is x{2,12}
        return Repeat(item.item, item.low * low, None if high is None or item.high is None else high * item.high)
    return Repeat(item, low, high)
