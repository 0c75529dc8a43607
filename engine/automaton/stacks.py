"""Stacks: what is still to come, interned, and their closures.

A frame is a vertex of the network and one datum (a count, the progress of an object). A stack is a frame on a parent stack,
hash-consed to an integer; 0 is the empty stack. Stacks that differ only further down are joined into one that forks there (a
graph-structured stack, Tomita 1985), so that alternatives inside alternatives add up and do not multiply.

The closure of a stack is the items that may come next: terminals that stand before a byte, each with the stack that goes on
behind it, and the guards of values that close before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, NewType

from engine.automaton import member_progress as progress_of
from engine.automaton.member_progress import BEGIN, MemberProgress
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
from engine.errors import GrammarTooComplex
from engine.grammar.grammar import Guard

Stack = NewType("Stack", int)
Datum = int | MemberProgress | tuple[Stack, ...]
Guards = tuple[Guard | None, ...]  # None: the key that closed must be new in its object

BOTTOM = Stack(0)
JOINED = -2  # stands for a vertex in a frame that is several stacks, its datum
STACK_LIMIT = 500_000


class Item(NamedTuple):
    """A terminal in one of its states, and what comes after it; terminal −1 is the end of the text."""

    terminal: int
    state: int
    stack: Stack


END = Item(-1, 0, BOTTOM)
Closure = tuple[tuple[Guards, Item], ...]


class _Expansion(NamedTuple):
    """What one frame becomes: other stacks, an item on top, a guard that must hold to pass."""

    stacks: tuple[Stack, ...] = ()
    item: Item | None = None
    guards: Guards = ()


class Stacks:
    """All stacks of one grammar that have been visited."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.terminals = network.terminals
        self._frames: list[tuple[int, Datum, Stack]] = [(-1, 0, BOTTOM)]
        self._ids: dict[tuple[int, Datum, Stack], Stack] = {}
        self._closures: dict[Stack, Closure] = {BOTTOM: (((), END),)}

    def push(self, vertex: int, datum: Datum, parent: Stack) -> Stack:
        key = (vertex, datum, parent)
        found = self._ids.get(key)
        if found is None:
            found = self._ids[key] = Stack(len(self._frames))
            self._frames.append(key)
            if len(self._frames) > STACK_LIMIT:
                raise GrammarTooComplex("this text under this grammar", STACK_LIMIT).at(self.schema_path(parent))
        return found

    def join(self, stacks: Iterable[Stack]) -> Stack:
        """One stack that goes on as any of several does."""
        # Frames are written top first. Of x·p, x·q and y·p the first two differ below the same top, so what is below is joined:
        #   join{x·p, x·q, y·p} = JOINED{x·join{p, q}, y·p}
        # and where only one is left, it needs no JOINED frame around it. So n closed values that each leave two readings
        # open cost one stack with joins in it, and not 2^n stacks.
        parents: dict[tuple[int, Datum], set[Stack]] = {}
        single: set[Stack] = set()
        for stack in self._members(stacks):
            vertex, datum, parent = self._frames[stack]
            if stack == BOTTOM:
                single.add(stack)
            else:
                parents.setdefault((vertex, datum), set()).add(parent)
        for (vertex, datum), below in parents.items():
            single.add(self.push(vertex, datum, next(iter(below)) if len(below) == 1 else self.join(below)))
        return single.pop() if len(single) == 1 else self.push(JOINED, tuple(sorted(single)), BOTTOM)

    def _members(self, stacks: Iterable[Stack]) -> set[Stack]:
        out: set[Stack] = set()
        for stack in stacks:
            vertex, datum, _ = self._frames[stack]
            if vertex == JOINED:
                out.update(members_of(datum))
            else:
                out.add(stack)
        return out

    def frame(self, stack: Stack) -> tuple[int, Datum, Stack]:
        """Vertex, datum and parent of a stack that is not empty."""
        return self._frames[stack]

    def schema_path(self, stack: Stack) -> str | None:
        """The JSON pointer of the innermost rule that `stack` goes on in, None where the grammar was made of no schema."""
        places = self.network.grammar.schema_paths
        while stack != BOTTOM:
            vertex, datum, parent = self._frames[stack]
            if vertex == JOINED:
                stack = members_of(datum)[0]
                continue
            rule = self.network.rule_of(vertex)
            if rule in places:
                return places[rule]
            stack = parent
        return places.get(self.network.grammar.root)

    @property
    def size(self) -> int:
        return len(self._frames)

    def closure(self, stack: Stack) -> Closure:
        """All items that `stack` may begin with; O(1) after the first time."""
        found = self._closures.get(stack)
        if found is None:
            found = self._closures[stack] = self._close(stack)
        return found

    def _close(self, stack: Stack) -> Closure:
        found: dict[tuple[Guards, Item], None] = {}
        pending: list[tuple[Stack, Guards]] = [(stack, ())]
        seen = set(pending)
        while pending:
            here, guards = pending.pop()
            if here == BOTTOM:
                found[guards, END] = None
                continue
            expansion = self._expand(here)
            if expansion.item is not None:
                found[guards, expansion.item] = None
            for target in reversed(expansion.stacks):
                entry = (target, guards + expansion.guards)
                if entry not in seen:
                    seen.add(entry)
                    pending.append(entry)
        return tuple(found)

    def _expand(self, stack: Stack) -> _Expansion:
        number, datum, parent = self._frames[stack]
        if number == JOINED:
            return _Expansion(members_of(datum))
        match self.network.vertices[number]:
            case LeafVertex(terminal):
                start = self.terminals[terminal].start
                empty = self.terminals[terminal].accepts(start)
                return _Expansion((parent,) if empty else (), Item(terminal, start, parent))
            case SequenceVertex(items):
                for item in reversed(items):
                    parent = self.push(item, 0, parent)
                return _Expansion((parent,))
            case ChoiceVertex(options):
                return _Expansion(tuple(self.push(option, 0, parent) for option in options))
            case RepeatVertex(item, low, high):
                return self._expand_loop(stack, item, low, high)
            case RuleRefVertex(rule):
                return _Expansion((self.push(self.network.rules[rule], 0, parent),))
            case GuardedVertex(item, watch):
                return _Expansion((self.push(item, 0, self.push(watch, 0, parent)),))
            case GuardPoint(guard):
                return _Expansion((parent,), guards=(guard,))
            case MembersBeforeComma() as inside:
                return self._expand_inside(stack, inside)
            case MembersBeforeKey(inside):
                return self._expand_next(stack, inside)
        raise AssertionError(number)

    def _expand_loop(self, stack: Stack, item: int, low: int, high: int | None) -> _Expansion:
        number, done, parent = self._frames[stack]
        assert isinstance(done, int)
        out: list[Stack] = []
        if high is None or done < high:
            # counts that the bounds cannot tell apart are one, so that loops come back to the same stack
            after = min(done + 1, low) if high is None else done + 1
            out.append(self.push(item, 0, self.push(number, after, parent)))
        if done >= low:
            out.append(parent)
        return _Expansion(tuple(out))

    def _expand_inside(self, stack: Stack, inside: MembersBeforeComma) -> _Expansion:
        _, datum, parent = self._frames[stack]
        progress = progress_of_frame(datum)
        out: list[Stack] = []
        if progress_of.declared_names(inside.members, progress) or (
            inside.others and progress_of.may_add_other(inside.members, progress)
        ):
            following = self.push(inside.next, progress, parent)
            out.append(self.push(inside.comma, 0, following) if progress[1] else following)
        if progress_of.may_end(inside.members, progress):
            out.append(parent)
        return _Expansion(tuple(out))

    def _expand_next(self, stack: Stack, number: int) -> _Expansion:
        """`number` is the vertex of the object's `MembersBeforeComma`."""
        _, datum, parent = self._frames[stack]
        inside = self.network.vertices[number]
        assert isinstance(inside, MembersBeforeComma)
        progress = progress_of_frame(datum)
        out: list[Stack] = []
        if progress_of.may_add_other(inside.members, progress):
            after = self.push(number, progress_of.after_other(inside.members, progress), parent)
            for key, value in inside.others:
                tail = self.push(inside.colon, 0, self.push(value, 0, after))
                out.append(self.push(key, 0, self.push(inside.new_key, 0, tail)))
        item = None
        names = progress_of.declared_names(inside.members, progress)
        if names and inside.key is not None:
            terminal = self.terminals[inside.key]
            assert isinstance(terminal, KeyTerminal)
            item = Item(inside.key, terminal.among(names), self.push(number, progress, parent))
        return _Expansion(tuple(out), item)

    def after(self, item: Item) -> Stack:
        """What goes on where the terminal of `item` ends; after a declared key that is the colon and its value."""
        name = self.terminals[item.terminal].label(item.state)
        if name is None:
            return item.stack
        members = self._members([item.stack])
        if len(members) > 1:
            return self.join(self.after(item._replace(stack=member)) for member in members)
        number, datum, parent = self._frames[item.stack]
        inside = self.network.vertices[number]
        assert isinstance(inside, MembersBeforeComma)
        index, after = progress_of.after_declared(inside.members, progress_of_frame(datum), name)
        rest = self.push(inside.values[index], 0, self.push(number, after, parent))
        return self.push(inside.colon, 0, rest)


def progress_of_frame(datum: Datum) -> MemberProgress:
    """The datum of an object's frame; one that was pushed by its number alone has just begun."""
    if isinstance(datum, tuple):
        used, count = datum
        return used, count
    return BEGIN


def members_of(datum: Datum) -> tuple[Stack, ...]:
    """The stacks of a joined frame."""
    assert isinstance(datum, tuple)
    return tuple(Stack(member) for member in datum)
