"""Repeats in the form that llama.cpp counts exactly.

llama.cpp turns an upper bound over 2,000 into none, refuses a lower one, and refuses a group whose inner rules times
its count reach 2,000. It writes the item out once for each repetition, takes a repeat of an item that has an empty
alternative for left recursion, and tries all ways to skip an item that may be empty. So: bodies are made non-empty
first, large counts are split into blocks of BLOCK, and bodies that are costly to copy get a rule of their own.

With `x{m,n}` = `x{m} x{0,n-m}` and n = q·BLOCK + r, `x{0,n}` is `block{0,q-1} x{0,BLOCK-1} | block{q} x{0,r}` where
`block` is `x{BLOCK}`: each count has one way, so the matcher follows few stacks. Rules: O(log n).
"""

from __future__ import annotations

from engine.grammar.builder import GrammarBuilder
from engine.grammar.grammar import Choice, Grammar, Literal, Node, RegularTerminal, Repeat, RuleRef, Sequence
from engine.grammar.recursion import is_nullable, nullable_from, nullable_rules
from engine.grammar.simplification import EMPTY_CHOICE, plainest
from engine.grammar.traversal import fold
from engine.regular.expression import CharClass

COPIES_LIMIT = 1_999
BLOCK = 100
_ELEMENTS_LIMIT = 10_000


def repeat_nonempty(grammar: Grammar) -> Grammar:
    """No body of a repeat matches the empty text, but for `?`."""
    draft = GrammarBuilder(grammar)
    nonempty = _Nonempty(draft)

    def change(node: Node) -> Node:
        if isinstance(node, Repeat) and node.high != 1 and is_nullable(node.item, nonempty.nullable):
            return plainest(Repeat(nonempty.node(node.item), 0, node.high))
        return plainest(node)

    draft.rewrite_rules(change)
    nonempty.define_rules()
    return Grammar(draft.rules, draft.root)


class _Nonempty:
    """Nodes without their empty text. Rules that have one get a second rule without it, made when all are rewritten."""

    def __init__(self, draft: GrammarBuilder) -> None:
        self._draft = draft
        self.nullable = nullable_rules(draft.rules)
        self._without: dict[str, RuleRef] = {}

    def node(self, node: Node) -> Node:
        return fold(node, self._combine)[1]

    def define_rules(self) -> None:
        pending = list(self._without)
        for rule in pending:
            self._draft.rules[self._without[rule].rule] = self.node(self._draft.rules[rule])
            pending.extend(name for name in self._without if name not in pending)

    def _combine(self, node: Node, inside: tuple[tuple[bool, Node], ...]) -> tuple[bool, Node]:
        """Whether `node` may be empty, and what it is without that."""
        if not nullable_from(node, tuple(part[0] for part in inside), self.nullable):
            return False, node
        return True, plainest(self._without_empty(node, tuple(part[1] for part in inside)))

    def _without_empty(self, node: Node, inside: tuple[Node, ...]) -> Node:
        match node:
            case Choice():
                return Choice(inside)
            case Repeat(_, _, high):
                return Repeat(inside[0], 1, high)
            case Sequence(items):  # all may be empty: one is the first that is not, the rest stays as it is
                ends = [plainest(Sequence(items[i + 1 :])) for i in range(len(items))]
                pairs = zip(inside, ends, strict=True)
                return Choice(tuple(plainest(Sequence((first, end))) for first, end in pairs))
            case RuleRef(rule):
                return self._rule(rule)
            case _:
                return EMPTY_CHOICE

    def _rule(self, rule: str) -> RuleRef:
        if rule not in self._without:
            self._without[rule] = self._draft.reserve(f"{rule}-some")
        return self._without[rule]


def split_repeats(grammar: Grammar) -> Grammar:
    """Every count within what llama.cpp counts exactly, every body cheap enough to be copied."""
    # With BLOCK 100 and `block` for x{100}, x{0,4321} becomes block{0,42} x{0,99} | block{43} x{0,21}: each count up to 4299 in
    # one way, or 4300 to 4321. x{250000} becomes block{2500}, and that block2{25} with `block2` for block{100}.
    draft = GrammarBuilder(grammar)
    blocks: dict[Node, RuleRef] = {}
    items: dict[int, tuple[Node, RuleRef]] = {}  # the node is kept, so that its identity stays its own

    def own_rule(item: Node) -> Node:
        if isinstance(item, RuleRef):
            return item
        if id(item) not in items:
            items[id(item)] = item, draft.add("item", item)
        return items[id(item)][1]

    def block(item: Node) -> RuleRef:
        if item not in blocks:
            blocks[item] = draft.add("block", Repeat(item, BLOCK, BLOCK))
        return blocks[item]

    def exactly(item: Node, count: int) -> Node:
        if count <= COPIES_LIMIT:
            return plainest(Repeat(item, count, count))
        whole, rest = divmod(count, BLOCK)
        return plainest(Sequence((exactly(block(item), whole), plainest(Repeat(item, rest, rest)))))

    def up_to(item: Node, count: int) -> Node:
        if count <= COPIES_LIMIT:
            return plainest(Repeat(item, 0, count))
        whole, rest = divmod(count, BLOCK)
        less = plainest(Sequence((up_to(block(item), whole - 1), Repeat(item, 0, BLOCK - 1))))
        full = plainest(Sequence((exactly(block(item), whole), plainest(Repeat(item, 0, rest)))))
        return plainest(Choice((less, full)))

    def change(node: Node) -> Node:
        if not isinstance(node, Repeat):
            return plainest(node)
        item, low, high = node.item, node.low, node.high
        copies = max(low, 1 if high is None else high)
        at_once = min(copies, COPIES_LIMIT)
        costly = at_once > 1 and at_once * _elements(item) > _ELEMENTS_LIMIT
        if costly or at_once * _symbols(item) > COPIES_LIMIT:
            item = own_rule(item)
        if copies <= COPIES_LIMIT:
            return Repeat(item, low, high)
        more = Repeat(item, 0, None) if high is None else up_to(item, high - low)
        return plainest(Sequence((exactly(item, low), more)))

    return draft.rewrite_rules(change)


def _symbols(item: Node) -> int:
    """How many rules llama.cpp makes for `item`, at most: names count when they are new, groups and optional copies always."""

    def combine(node: Node, inside: tuple[int, ...]) -> int:
        extra = 1
        if isinstance(node, Repeat):
            extra = 2 if node.high is None else 2 + node.high - node.low
        return extra + sum(inside)

    atomic = isinstance(item, (RuleRef, Literal, RegularTerminal))
    return 1 if atomic else fold(item, combine)


def _elements(item: Node) -> int:
    """How many elements one copy of `item` has in llama.cpp's tables."""
    match item:
        case Literal(text):
            return len(text)
        case RegularTerminal(language=CharClass(members=members)):
            return 2 * len(members)
        case _:
            return 1
