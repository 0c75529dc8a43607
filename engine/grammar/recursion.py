"""Which rules match the empty text, and which ones call themselves before they have read anything.

Comes in: a Grammar whose references are all defined. Goes out: the set of nullable rules; a left-recursive cycle is
refused, because a top-down matcher (ours, llama.cpp's) would push rules for ever. Nullability is a least fixpoint
over all rules, so a rule that is empty only through others is found too: llama.cpp looks for an empty alternative in
the rule itself and misses `root ::= e root "a" | "b"` with `e ::= "c"?`, which exhausts its memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet

from engine.errors import GrammarError
from engine.grammar.grammar import (
    Choice,
    Grammar,
    Guarded,
    Literal,
    Members,
    Node,
    RegularTerminal,
    Repeat,
    RuleRef,
    Sequence,
    StringTerminal,
)
from engine.grammar.traversal import fold, references


class LeftRecursion(GrammarError):
    """`cycle` is the rules that call each other, the first one again at the end."""

    def __init__(self, cycle: tuple[str, ...]) -> None:
        self.cycle = cycle
        named = " → ".join(cycle)
        self.reason = f"left recursion: {named}; a rule must read something before it comes back to itself"
        super().__init__(self.reason)


def least_fixpoint(rules: Mapping[str, Node], holds: Callable[[Node, AbstractSet[str]], bool]) -> frozenset[str]:
    """The smallest set of rules with: a rule is in it if `holds(its node, the set)`. `holds` must be monotone."""
    found: set[str] = set()
    order = list(rules)
    missing = [name for name in order if not holds(rules[name], found)]
    while True:
        found = set(order) - set(missing)
        missing.reverse()  # rules mostly refer to later ones, or to earlier ones: one direction settles them at once
        for name in missing:
            if holds(rules[name], found):
                found.add(name)
        if len(found) == len(order) - len(missing):
            return frozenset(found)
        missing = [name for name in missing if name not in found]


def nullable_rules(rules: Mapping[str, Node]) -> frozenset[str]:
    """The rules that match the empty text."""
    return least_fixpoint(rules, is_nullable)


def is_nullable(node: Node, nullable: AbstractSet[str]) -> bool:
    """Whether `node` matches the empty text, where the rules named in `nullable` do."""
    return fold(node, lambda part, inside: nullable_from(part, inside, nullable))


def nullable_from(node: Node, inside: tuple[bool, ...], nullable: AbstractSet[str]) -> bool:
    """`is_nullable` from the answers for the children of `node`."""
    match node:
        case Literal(text):
            return not text
        case RegularTerminal(language):
            return language.nullable
        case StringTerminal():
            return False
        case Sequence():
            return all(inside)
        case Choice():
            return any(inside)
        case Repeat(_, low, _):
            return low == 0 or inside[0]
        case RuleRef(rule):
            return rule in nullable
        case Guarded():
            return inside[0]
        case Members(declared):  # a key is never empty
            return node.low == 0 and not any(member.required for member in declared)


def calls(grammar: Grammar) -> dict[str, list[str]]:
    """For each rule those that it refers to; one that is not defined is refused."""
    if grammar.root not in grammar.rules:
        raise GrammarError(f"the root rule {grammar.root!r} is not defined")
    found = {name: references(node) for name, node in grammar.rules.items()}
    for name, callees in found.items():
        for callee in callees:
            if callee not in found:
                raise GrammarError(f"rule {name!r} refers to {callee!r}, which is not defined")
    return found


def below_recursion(edges: Mapping[str, Iterable[str]]) -> list[str]:
    """The rules that are recursive, or that recursive ones refer to at any depth; for all others one look is enough."""
    callers = dict.fromkeys(edges, 0)
    for callees in edges.values():
        for callee in callees:
            callers[callee] += 1
    free = [name for name, number in callers.items() if not number]
    for name in free:
        for callee in edges[name]:
            callers[callee] -= 1
            if not callers[callee]:
                free.append(callee)
    return [name for name, number in callers.items() if number]


def _find_cycle(edges: Mapping[str, Iterable[str]]) -> list[str]:
    """A way along `edges` from a rule to itself, [] if there is none."""
    done: set[str] = set()
    for start in edges:
        if start not in done and (found := _cycle_from(start, edges, done)):
            return found
    return []


def _cycle_from(start: str, edges: Mapping[str, Iterable[str]], done: set[str]) -> list[str]:
    path = {start: iter(edges[start])}
    while path:
        name = next(reversed(path))
        callee = next(path[name], None)
        if callee is None:
            done.add(name)
            del path[name]
        elif callee in path:
            names = list(path)
            return [*names[names.index(callee) :], callee]
        elif callee not in done:
            path[callee] = iter(edges[callee])
    return []


def refuse_left_recursion(grammar: Grammar) -> None:
    """Raise GrammarError naming the cycle if a rule can reach itself before a character is read."""
    rules = {name: grammar.rules[name] for name in below_recursion(calls(grammar))}
    nullable = nullable_rules(rules)
    cycle = _find_cycle({name: _leftmost_rules(node, nullable) for name, node in rules.items()})
    if cycle:
        raise LeftRecursion(tuple(cycle))


_Start = tuple[bool, dict[str, None]]


def _leftmost_rules(node: Node, nullable: frozenset[str]) -> tuple[str, ...]:
    """The rules that may be entered at the start of `node`, in the order of the text."""
    return tuple(fold(node, lambda part, inside: _start_of(part, inside, nullable))[1])


def _start_of(node: Node, inside: tuple[_Start, ...], nullable: frozenset[str]) -> _Start:
    """Whether `node` may be empty and where it may start, from the same of its children."""
    empty = nullable_from(node, tuple(part[0] for part in inside), nullable)
    if isinstance(node, RuleRef):
        return empty, {node.rule: None}
    first: dict[str, None] = {}
    if isinstance(node, Members) or (isinstance(node, Repeat) and node.high == 0):
        return empty, first  # an object's members start with a quote
    for may_be_empty, rules in inside:
        first.update(rules)
        if isinstance(node, Sequence) and not may_be_empty:
            break
    return empty, first
