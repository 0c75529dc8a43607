"""Walks over the nodes of a grammar that neither recurse nor visit a shared node twice.

`fold` computes a value for a node from the values of its children, bottom up; `rewrite` is the fold that gives back a
node. Both keep their own stack, so that a grammar may be nested as deep as memory allows, and remember what they
computed by identity, so that nodes which share their parts cost what they hold, not what they would hold written out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from engine.grammar.grammar import (
    Choice,
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

Value = TypeVar("Value")


_LEAVES = (Literal, RegularTerminal, StringTerminal, RuleRef)


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly inside. Of Members: the declared values, the other values, colon and comma."""
    if isinstance(node, _LEAVES):
        return ()
    match node:
        case Sequence(items) | Choice(items):
            return items
        case Repeat(item) | Guarded(item):
            return (item,)
        case Members(declared, others):
            return (*(member.value for member in declared), *(other.value for other in others), node.colon, node.comma)


def with_children(node: Node, parts: tuple[Node, ...]) -> Node:
    """`node` with other nodes inside, in the order of `children`."""
    match node:
        case Sequence():
            return Sequence(parts)
        case Choice():
            return Choice(parts)
        case Repeat(_, low, high):
            return Repeat(parts[0], low, high)
        case Guarded(_, guard):
            return Guarded(parts[0], guard)
        case Members():
            return _with_values(node, parts)
        case Literal() | RegularTerminal() | StringTerminal() | RuleRef():
            return node


def _with_values(node: Members, parts: tuple[Node, ...]) -> Members:
    *values, colon, comma = parts
    declared = tuple(replace(member, value=value) for member, value in zip(node.declared, values, strict=False))
    others = tuple(
        replace(other, value=value) for other, value in zip(node.others, values[len(declared) :], strict=True)
    )
    return replace(node, declared=declared, others=others, colon=colon, comma=comma)


def fold(
    root: Node,
    combine: Callable[[Node, tuple[Value, ...]], Value],
    *,
    inside: Callable[[Node], tuple[Node, ...]] = children,
    known: dict[int, Value] | None = None,
) -> Value:
    """`combine(node, values of its children)` for `root`, each distinct node once, children first.

    `inside` gives the children. `known` keeps the values by the identity of the node from one fold to the next; nodes must
    outlive it.
    """
    values: dict[int, Value] = {} if known is None else known
    pending: list[tuple[Node, tuple[Node, ...] | None]] = [(root, None)]
    while pending:
        node, parts = pending.pop()
        if parts is not None:
            values[id(node)] = combine(node, tuple([values[id(part)] for part in parts]))
        elif id(node) not in values:
            parts = inside(node)
            missing = [(part, None) for part in reversed(parts) if id(part) not in values]
            if missing:
                pending.append((node, parts))
                pending.extend(missing)
            else:
                values[id(node)] = combine(node, tuple([values[id(part)] for part in parts]))
    return values[id(root)]


def rewrite(root: Node, change: Callable[[Node], Node]) -> Node:
    """`root` with `change` applied to every node in it, innermost first."""
    kept: list[Node] = []  # new nodes must outlive the fold: it knows nodes by their identity

    def combine(node: Node, parts: tuple[Node, ...]) -> Node:
        same = all(old is new for old, new in zip(children(node), parts, strict=True))
        kept.append(change(node if same else with_children(node, parts)))
        return kept[-1]

    return fold(root, combine)


def walk(root: Node) -> Iterator[Node]:
    """Every distinct node inside `root`, itself first, in the order of the text."""
    seen: set[int] = set()
    pending = [root]
    while pending:
        node = pending.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            pending.extend(reversed(children(node)))


def references(node: Node) -> list[str]:
    """The names of the rules that `node` refers to, each once, in the order of the text."""
    return list(dict.fromkeys(part.rule for part in walk(node) if isinstance(part, RuleRef)))
