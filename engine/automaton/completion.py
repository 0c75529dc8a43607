"""Completion: a shortest text that brings a state of the automaton to its end.

The fewest bytes that a vertex of the network needs are a fixpoint over the rules, found once an automaton; those of a stack
are the sum over its frames, those of a state the least over its items. Of equally short ways the least text is taken, or the
first in the grammar, never the first that was visited: what a tight budget leads to does not depend on other documents.
Guards are not asked: a guard may refuse this text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from engine.automaton import member_progress as progress_of
from engine.automaton.automaton import Automaton, State
from engine.automaton.member_progress import MemberProgress
from engine.automaton.network import (
    ChoiceVertex,
    GuardedVertex,
    GuardPoint,
    KeyTerminal,
    LeafVertex,
    MembersBeforeComma,
    MembersBeforeKey,
    Network,
    RepeatVertex,
    RuleRefVertex,
    SequenceVertex,
)
from engine.automaton.stacks import BOTTOM, JOINED, Datum, Item, Stack, Stacks, members_of, progress_of_frame
from engine.automaton.terminal import Terminal
from engine.errors import GrammarTooComplex
from engine.grammar.grammar import Member
from engine.regular.prefixes import shortest_texts

INFINITE = 1 << 60
LONGEST = 1 << 17  # bytes; a context holds no longer output
_MOST_KEYS = 64  # that are looked at, of those that may come and of those that must
_MOST_KEPT = 1 << 25  # bytes of texts
_LONGEST_KEPT = 1 << 10  # bytes of the text of one joined stack


class Completions:
    """Shortest completions of the states of one automaton."""

    def __init__(self, automaton: Automaton) -> None:
        self._automaton = automaton
        self._shortest: _Shortest | None = None
        self._texts: dict[State, bytes] = {}
        self._kept = 0  # bytes

    def text(self, state: State) -> bytes:
        """The completion of a state that is not dead; O(1) after the first time."""
        found = self._texts.get(state)
        if found is None:
            found = self._find(state)
            self._kept += len(found)
            if self._kept > _MOST_KEPT:
                self._texts.clear()
                self._kept = len(found)
            self._texts[state] = found
        return found

    def _find(self, state: State) -> bytes:
        if self._shortest is None:
            self._shortest = _Shortest(self._automaton.stacks)
        least, best = LONGEST, set[tuple[bytes, Stack]]()
        for item in self._automaton.items(state):
            if item.terminal < 0:
                return b""
            for rest in self._rests(item):
                stack = self._automaton.stacks.after(self._completed(item, rest))
                length = len(rest) + self._shortest.of_stack(stack)
                if length < least:
                    least, best = length, set()
                if length == least:
                    best.add((rest, stack))
        if not best:
            place = self._automaton.stacks.schema_path(self._automaton.items(state)[0].stack)
            raise GrammarTooComplex("the shortest way to complete this text", LONGEST, "bytes").at(place)
        return min(rest + self._shortest.text_of_stack(stack) for rest, stack in best)

    def _rests(self, item: Item) -> list[bytes]:
        """Ways to the end of an item's terminal, with the shortest among them. What comes behind a key depends on the key."""
        terminal = self._automaton.terminals[item.terminal]
        ways = list(terminal.ways(item.state)) if isinstance(terminal, KeyTerminal) else []
        if not ways:
            rest = _rest(terminal, item.state)
            return [] if rest is None else [rest]
        ways.sort(key=lambda way: len(way[1]))
        required = self._required(item.stack) if len(ways) > _MOST_KEYS else frozenset()
        needed = [way for way in ways[_MOST_KEYS:] if way[0] in required]
        return [rest for _, rest in (*ways[:_MOST_KEYS], *needed[:_MOST_KEYS])]

    def _required(self, stack: Stack) -> frozenset[str]:
        """The keys that the object on top of a stack must have."""
        stacks = self._automaton.stacks
        number, datum, _ = stacks.frame(stack)
        members = members_of(datum) if number == JOINED else (stack,)
        found: set[str] = set()
        for member in members:
            vertex = stacks.network.vertices[stacks.frame(member)[0]]
            if isinstance(vertex, MembersBeforeComma):
                found.update(key for one in vertex.members.declared if one.required for key in one.keys)
        return frozenset(found)

    def _completed(self, item: Item, rest: bytes) -> Item:
        """The item at the end of the text; where it stands matters only behind a declared key, which is its label."""
        stacks = self._automaton.stacks
        vertex, _, _ = stacks.frame(item.stack)
        if item.stack == BOTTOM or (
            vertex != JOINED and not isinstance(stacks.network.vertices[vertex], MembersBeforeComma)
        ):
            return item
        state = item.state
        for byte in rest:
            state = self._automaton.terminals[item.terminal].edges(state)[byte]
        return item._replace(state=state)


def _rest(terminal: Terminal, state: int) -> bytes | None:
    """The completion of a terminal's state, None if it is longer than any output."""
    try:
        found = terminal.completion(state)
    except GrammarTooComplex:  # too long to be written out
        return None
    return found if len(found) <= LONGEST else None


def _shortest_key(member: Member) -> str:
    """The key of a member whose text is the shortest, of these the least."""
    return min(member.keys, key=lambda key: (len(json.dumps(key, ensure_ascii=False).encode()), key))


class _Shortest:
    """Fewest bytes to the end of vertices and stacks."""

    def __init__(self, stacks: Stacks) -> None:
        self._stacks = stacks
        self._network: Network = stacks.network
        self._rules = dict.fromkeys(self._network.rules, INFINITE)
        self._memo: dict[tuple[int, Datum], int] = {}
        self._stack_memo: dict[Stack, int] = {BOTTOM: 0}
        self._joined_texts: dict[Stack, bytes] = {}
        recursive = [name for name in self._network.callees_first if name in self._network.recursive]
        while self._shortens(recursive):
            self._memo.clear()
        self._shortens(self._network.callees_first)

    def _shortens(self, rules: Iterable[str]) -> bool:
        """Whether some of the rules, looked at in turn, are found to be shorter than they were known to be."""
        found = False
        for rule in rules:
            length = self.of_vertex(self._network.rules[rule], 0)
            if length < self._rules[rule]:
                self._rules[rule], found = length, True
        return found

    def of_vertex(self, number: int, datum: Datum) -> int:
        key = (number, datum)
        found = self._memo.get(key)
        if found is None:
            found = self._memo[key] = min(self._measure(number, datum), INFINITE)
        return found

    def _measure(self, number: int, datum: Datum) -> int:
        match self._network.vertices[number]:
            case LeafVertex(terminal):
                automaton = self._network.terminals[terminal]
                rest = _rest(automaton, automaton.start)
                return INFINITE if rest is None else len(rest)
            case SequenceVertex(items):
                return sum(self.of_vertex(item, 0) for item in items)
            case ChoiceVertex(options):
                return min((self.of_vertex(option, 0) for option in options), default=INFINITE)
            case RepeatVertex(item, low, _):
                assert isinstance(datum, int)
                return max(0, low - datum) * self.of_vertex(item, 0) if low > datum else 0
            case RuleRefVertex(rule):
                return self._rules[rule]
            case GuardedVertex(item, _):
                return self.of_vertex(item, 0)
            case GuardPoint():
                return 0
            case MembersBeforeComma() as inside:
                plan = self._plan(inside, progress_of_frame(datum), at_key=False)
                return INFINITE if plan is None else sum(self._step_length(step) for step in plan)
            case MembersBeforeKey(owner):
                inside = self._inside(owner)
                plan = self._plan(inside, progress_of_frame(datum), at_key=True)
                return INFINITE if plan is None else sum(self._step_length(step) for step in plan)
        raise AssertionError(number)

    def of_stack(self, stack: Stack) -> int:
        above: list[Stack] = []
        while stack not in self._stack_memo:
            above.append(stack)
            vertex, datum, parent = self._stacks.frame(stack)
            if vertex == JOINED:
                self._stack_memo[stack] = min(self.of_stack(member) for member in members_of(datum))
                above.pop()
            else:
                stack = parent
        length = self._stack_memo[stack]
        for here in reversed(above):
            vertex, datum, _ = self._stacks.frame(here)
            length = self._stack_memo[here] = min(INFINITE, length + self.of_vertex(vertex, datum))
        return length

    def text_of_stack(self, stack: Stack) -> bytes:
        out = []
        while stack != BOTTOM:
            vertex, datum, parent = self._stacks.frame(stack)
            if vertex == JOINED:
                out.append(self._text_of_joined(stack))
                break
            out.append(self._text(vertex, datum))
            stack = parent
        return b"".join(out)

    def _text_of_joined(self, stack: Stack) -> bytes:
        """Of several stacks those with the fewest bytes, of these the least text: their numbers are of the order of visits."""
        found = self._joined_texts.get(stack)
        if found is None:
            members = members_of(self._stacks.frame(stack)[1])
            shortest = [member for member in members if self.of_stack(member) == self.of_stack(stack)]
            found = min(self.text_of_stack(member) for member in shortest)
            if len(found) <= _LONGEST_KEPT:
                self._joined_texts[stack] = found
        return found

    def _text(self, number: int, datum: Datum) -> bytes:
        match self._network.vertices[number]:
            case LeafVertex(terminal):
                automaton = self._network.terminals[terminal]
                return automaton.completion(automaton.start)
            case SequenceVertex(items):
                return b"".join(self._text(item, 0) for item in items)
            case ChoiceVertex(options):
                return self._text(min(options, key=lambda option: self.of_vertex(option, 0)), 0)
            case RepeatVertex(item, low, _):
                assert isinstance(datum, int)
                return self._text(item, 0) * (low - datum) if low > datum else b""
            case RuleRefVertex(rule):
                return self._text(self._network.rules[rule], 0)
            case GuardedVertex(item, _):
                return self._text(item, 0)
            case MembersBeforeComma() as inside:
                plan = self._plan(inside, progress_of_frame(datum), at_key=False)
                return b"".join(self._step_text(step) for step in plan or ())
            case MembersBeforeKey(owner):
                plan = self._plan(self._inside(owner), progress_of_frame(datum), at_key=True)
                return b"".join(self._step_text(step) for step in plan or ())
        return b""

    def _inside(self, number: int) -> MembersBeforeComma:
        vertex = self._network.vertices[number]
        assert isinstance(vertex, MembersBeforeComma)
        return vertex

    def _step_length(self, step: bytes | int) -> int:
        return len(step) if isinstance(step, bytes) else self.of_vertex(step, 0)

    def _step_text(self, step: bytes | int) -> bytes:
        return step if isinstance(step, bytes) else self._text(step, 0)

    def _plan(self, inside: MembersBeforeComma, progress: MemberProgress, *, at_key: bool) -> list[bytes | int] | None:
        """The members that must still come, as key texts and vertices in turn; None if they cannot."""
        count = progress[1]
        chosen = progress_of.required_left(inside.members, progress)
        more = max(inside.members.low - count - len(chosen), 1 if at_key and not chosen else 0)
        spare = progress_of.optional_left(inside.members, progress)
        spare.sort(key=lambda index: self.of_vertex(inside.values[index], 0))
        chosen = sorted(chosen + spare[:more])
        entries = [(_shortest_key(inside.members.declared[i]), inside.values[i]) for i in chosen]
        more -= len(spare[:more])
        for (_, value), other in zip(inside.others, inside.members.others, strict=True):
            names = shortest_texts(other.keys, more)
            entries += ((name, value) for name in names)
            more -= len(names)
        if more > 0:
            return None
        plan: list[bytes | int] = []
        for index, (name, value) in enumerate(entries):
            if index or (count and not at_key):
                plan.append(inside.comma)
            plan += (json.dumps(name, ensure_ascii=False).encode(), inside.colon, value)
        return plan
