"""Members → rules.

In order, what may follow depends on the place and on whether a member stands before (then a comma comes first): each
declared member adds one group and, as long as all before it are optional, one rule. Where the number of members is
bounded in a way that required ones do not settle, places are told apart by the count as well. In any order the rules
are told apart by the set of used keys, which is affordable up to UNORDERED_LIMIT declared ones. Refused with
NotPrintable: more than that, and more than RULE_LIMIT rules for one object. Rules cannot compare keys, so those
beside the declared ones may repeat.
"""

from __future__ import annotations

from engine.errors import NotPrintable
from engine.grammar.builder import GrammarBuilder
from engine.grammar.grammar import (
    EMPTY,
    Choice,
    Grammar,
    Member,
    Members,
    Node,
    Repeat,
    RuleRef,
    Sequence,
    StringTerminal,
)
from engine.grammar.simplification import EMPTY_CHOICE
from engine.regular.expression import finite_set

UNORDERED_LIMIT = 5
RULE_LIMIT = 2_000


def expand_members(grammar: Grammar) -> Grammar:
    """Every Members node replaced by rules."""
    draft = GrammarBuilder(grammar)
    return draft.rewrite_rules(lambda node: _expand(draft, node) if isinstance(node, Members) else node)


def _expand(draft: GrammarBuilder, members: Members) -> Node:
    if members.ordered or not members.declared:
        return _Ordered(draft, members).start()
    if len(members.declared) > UNORDERED_LIMIT:
        count = len(members.declared)
        raise NotPrintable((f"rule {draft.owner!r}: {count} keys in any order (at most {UNORDERED_LIMIT})",))
    return _Unordered(draft, members).start()


class _Expansion:
    """What both orders share: the pairs, the members beside the declared ones, and the bounds on the count."""

    def __init__(self, draft: GrammarBuilder, members: Members) -> None:
        self.draft, self.members = draft, members
        self.size = len(members.declared)
        self.low, self.high = members.low, members.high
        if not members.others and self.high is not None and self.high >= self.size:
            self.high = None
        if self.low <= sum(member.required for member in members.declared):
            self.low = 0
        self.pairs = [self._pair(member) for member in members.declared]
        self.other = self._other()
        self._rules: dict[object, RuleRef] = {}

    def _pair(self, member: Member) -> Node:
        return Sequence(
            (StringTerminal(finite_set(member.keys), self.members.spelling), self.members.colon, member.value)
        )

    def _other(self) -> Node:
        """Nothing if there are no others."""
        options = tuple(
            Sequence((StringTerminal(other.keys, self.members.spelling), self.members.colon, other.value))
            for other in self.members.others
        )
        return self.draft.add("other", Choice(options)) if options else EMPTY_CHOICE

    def name_pairs(self) -> None:
        """Give each pair a rule of its own, where it is going to be written more than once."""
        declared = self.members.declared
        self.pairs = [self.draft.add(member.name, pair) for member, pair in zip(declared, self.pairs, strict=True)]

    def after_comma(self, node: Node) -> Node:
        return Sequence((self.members.comma, node))

    def only_others(self, count: int) -> Node:
        """The end of an object with `count` members so far, when no declared one may come any more."""
        low = max(0, self.low - count)
        high = None if self.high is None else self.high - count
        if high is not None and high < low:
            return EMPTY_CHOICE
        if self.other == EMPTY_CHOICE:
            return EMPTY if low == 0 else EMPTY_CHOICE
        if count:
            return Repeat(self.after_comma(self.other), low, high)
        if high == 0:
            return EMPTY
        more = Repeat(self.after_comma(self.other), max(0, low - 1), None if high is None else high - 1)
        some = Sequence((self.other, more))
        return some if low else Choice((some, EMPTY))

    def can_reach(self, count: int, required: int, possible: int) -> bool:
        """Whether `count` members, at least `required` and at most `possible` declared ones to come, can be right."""
        enough = bool(self.members.others) or count + possible >= self.low
        return enough and (self.high is None or count + required <= self.high)

    def reserve(self, key: object) -> RuleRef:
        if len(self._rules) >= RULE_LIMIT:
            raise NotPrintable((f"rule {self.draft.owner!r}: its object needs more than {RULE_LIMIT} rules",))
        self._rules[key] = self.draft.reserve(f"{self.draft.owner}-rest")
        return self._rules[key]

    def define(self, reference: RuleRef, node: Node) -> None:
        self.draft.rules[reference.rule] = node


class _Ordered(_Expansion):
    def start(self) -> Node:
        declared = self.members.declared
        self.required_from = [sum(m.required for m in declared[i:]) for i in range(self.size + 1)]
        first = next((i for i, member in enumerate(declared) if member.required), self.size)
        if not self._bounds_hold(0, 0):
            self.name_pairs()
            return self._counted_rules()
        if first == 0 and self.size:
            return Sequence((self.pairs[0], self._tail(1)))
        if self.size:
            self.name_pairs()
        return self._uncounted(first)

    def _bounds_hold(self, position: int, count: int) -> bool:
        """Whether the bounds on the count hold whatever comes from `position` on."""
        possible = self.size - position
        at_most = not self.members.others and self.high is not None and count + possible <= self.high
        return count + self.required_from[position] >= self.low and (self.high is None or at_most)

    def _tail(self, position: int) -> Node:
        """From `position` on, after at least one member."""
        items = [self._after_first(i) for i in range(position, self.size)]
        return Sequence((*items, self.only_others_freely()))

    def only_others_freely(self) -> Node:
        return Repeat(self.after_comma(self.other), 0, None) if self.members.others else EMPTY

    def _after_first(self, position: int) -> Node:
        item = self.after_comma(self.pairs[position])
        return item if self.members.declared[position].required else Repeat(item, 0, 1)

    def _uncounted(self, first_required: int) -> Node:
        """One alternative for each member that can be the first; what follows it is shared by those before it."""
        tails: dict[int, Node] = {}
        last = min(first_required, self.size - 1)
        for position in range(last, -1, -1):
            shared = () if position == last else (self._after_first(position + 1), tails[position + 1])
            node = Sequence(shared) if shared else self._tail(position + 1)
            tails[position] = self.draft.add("rest", node) if position else node
        options: list[Node] = [Sequence((self.pairs[position], tails[position])) for position in range(last + 1)]
        if first_required == self.size:
            options.append(self.only_others(0))
        return Choice(tuple(options))

    def _counted_rules(self) -> Node:
        """One rule for each place and count that the bounds tell apart."""
        pending: list[tuple[int, int]] = []
        start = self._counted(0, 0, pending)
        for position, count in pending:
            member, follow = self.members.declared[position], self._counted(position + 1, count + 1, pending)
            pair = self.after_comma(self.pairs[position]) if count else self.pairs[position]
            options: list[Node] = [Sequence((pair, follow))]
            if not member.required:
                options.append(self._counted(position + 1, count, pending))
            self.define(self._rules[position, count], Choice(tuple(options)))
        return start

    def _counted(self, position: int, count: int, pending: list[tuple[int, int]]) -> Node:
        if not self.can_reach(count, self.required_from[position], self.size - position):
            return EMPTY_CHOICE
        if position == self.size:
            return self.only_others(count)
        uncounted = count > 0 and self._bounds_hold(position, count)
        key = (position, -1) if uncounted else (position, count)
        if key not in self._rules:
            reference = self.reserve(key)
            if uncounted:
                self.define(reference, self._tail(position))
            else:
                pending.append((position, count))
        return self._rules[key]


class _Unordered(_Expansion):
    """`used` is a bit set of declared members; the count stops mattering at `low` where there is no upper bound."""

    def start(self) -> Node:
        self.name_pairs()
        self.required = sum(1 << i for i, member in enumerate(self.members.declared) if member.required)
        pending: list[tuple[int, int]] = []
        start = self._state(0, 0, pending)
        for used, count in pending:
            self.define(self._rules[used, count], self._options(used, count, pending))
        return start

    def _state(self, used: int, count: int, pending: list[tuple[int, int]]) -> Node:
        missing = (self.required & ~used).bit_count()
        if not self.can_reach(count, missing, self.size - used.bit_count()):
            return EMPTY_CHOICE
        if self.high is None:
            count = min(count, max(1, self.low))
        if used.bit_count() == self.size:
            return self.only_others(count)
        if (used, count) not in self._rules:
            self.reserve((used, count))
            pending.append((used, count))
        return self._rules[used, count]

    def _options(self, used: int, count: int, pending: list[tuple[int, int]]) -> Node:
        options: list[Node] = []
        for i, pair in enumerate(self.pairs):
            if not used >> i & 1:
                item = self.after_comma(pair) if count else pair
                options.append(Sequence((item, self._state(used | 1 << i, count + 1, pending))))
        if self.members.others:
            item = self.after_comma(self.other) if count else self.other
            options.append(Sequence((item, self._state(used, count + 1, pending))))
        if not self.required & ~used and count >= self.low:
            options.append(EMPTY)
        return Choice(tuple(options))
