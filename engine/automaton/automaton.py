"""Automaton: a grammar as a machine over bytes, determinised as far as inputs visit it.

A state is a set of items, interned to an integer; 0 is the dead state. States are shared by every run of one grammar and
nothing is built that no input visits: an array of ten thousand items visits as many states as one of three.

A terminal that could go on or end stays in the state; what follows it is entered with the next byte. A value under a guard
closes in such a step, so a step may be conditional: `step` then gives a `Conditional` and `resolve` decides it by the bytes
so far, keeping the items whose guards hold. Guards hang on stacks, so a failing one removes only the alternatives that
close through it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, NewType

from engine.automaton.network import GuardPoint, Network
from engine.automaton.stacks import END, Guards, Item, Stack, Stacks
from engine.automaton.terminal import Terminal
from engine.automaton.tracker import Tracker
from engine.errors import GrammarTooComplex
from engine.grammar.grammar import Grammar, Guard

State = NewType("State", int)

DEAD = State(0)
STATE_LIMIT = 500_000


class Arrival(NamedTuple):
    """An item that a byte leads to if guards hold: `before` on the value closed before the byte, `after` with it."""

    before: Guards
    after: Guards
    item: Item


@dataclass(frozen=True, slots=True, eq=False)
class Conditional:
    """A step that depends on guards: those `before` and those `after` its byte. `optimistic` is the state if all hold."""

    arrivals: tuple[Arrival, ...]
    optimistic: State
    before: tuple[Guard | None, ...]
    after: tuple[Guard | None, ...]


class Automaton:
    """The machine of one grammar; `start` is its first state. One owner at a time."""

    def __init__(self, grammar: Grammar) -> None:
        try:
            network = Network(grammar)
        except RecursionError as error:
            raise GrammarTooComplex(
                "the nesting of this grammar", 1000, "levels", path=grammar.schema_paths.get(grammar.root)
            ) from error
        self.stacks = Stacks(network)
        # Whether any guard is in the grammar: only then must the text be JSON, for the tracker to follow it.
        self.watched = any(isinstance(vertex, GuardPoint) for vertex in network.vertices)
        self.depth = grammar.depth
        self.terminals: list[Terminal] = network.terminals
        self._items: list[tuple[Item, ...]] = [()]
        self._states: dict[tuple[Item, ...], State] = {(): DEAD}
        self._steps: list[dict[int, State | Conditional]] = [{}]
        self._endings: dict[State, tuple[Guards, ...]] = {}
        entry = self.stacks.closure(self.stacks.push(network.entry, 0, END.stack))
        self.start = self.intern(item for _, item in entry)

    def intern(self, items: Iterable[Item]) -> State:
        key = self._joined(items)
        found = self._states.get(key)
        if found is None:
            found = self._states[key] = State(len(self._items))
            self._items.append(key)
            self._steps.append({})
            if len(self._items) > STATE_LIMIT:
                raise GrammarTooComplex("this text under this grammar", STATE_LIMIT).at(
                    self.stacks.schema_path(key[0].stack)
                )
        return found

    def _joined(self, items: Iterable[Item]) -> tuple[Item, ...]:
        """One item for each terminal and state, whatever comes behind."""
        stacks: dict[tuple[int, int], set[Stack]] = {}
        for terminal, state, stack in items:
            stacks.setdefault((terminal, state), set()).add(stack)
        joined = [
            Item(terminal, state, next(iter(behind)) if len(behind) == 1 else self.stacks.join(behind))
            for (terminal, state), behind in stacks.items()
        ]
        return tuple(sorted(joined))

    @property
    def size(self) -> int:
        """How many states and stacks have been visited; they are kept as long as the automaton is."""
        return len(self._items) + self.stacks.size

    def items(self, state: State) -> tuple[Item, ...]:
        return self._items[state]

    def step(self, state: State, byte: int) -> State | Conditional:
        """Where one byte leads; O(1) after the first time."""
        found = self._steps[state].get(byte)
        if found is None:
            found = self._steps[state][byte] = self._join(self._arrivals(state, byte))
        return found

    def _arrivals(self, state: State, byte: int) -> list[Arrival]:
        out: list[Arrival] = []
        for item in self._items[state]:
            if item.terminal < 0:
                continue
            terminal = self.terminals[item.terminal]
            target = terminal.edges(item.state).get(byte)
            if target:
                out += self._arrive((), Item(item.terminal, target, item.stack))
            if terminal.accepts(item.state):
                for guards, following in self.stacks.closure(self.stacks.after(item)):
                    if following.terminal >= 0:
                        target = self.terminals[following.terminal].edges(following.state).get(byte)
                        if target:
                            out += self._arrive(guards, Item(following.terminal, target, following.stack))
        return out

    def _arrive(self, before: Guards, item: Item) -> Iterable[Arrival]:
        """An item as it stands in a state: one that cannot go on is left at once."""
        terminal = self.terminals[item.terminal]
        if terminal.accepts(item.state) and not terminal.edges(item.state):
            for guards, following in self.stacks.closure(self.stacks.after(item)):
                yield Arrival(before, guards, following)
        else:
            yield Arrival(before, (), item)

    def _join(self, arrivals: list[Arrival]) -> State | Conditional:
        state = self.intern(arrival.item for arrival in arrivals)
        free = {a.item for a in arrivals if not a.before and not a.after}
        if all(a.item in free for a in arrivals):
            return state
        before = tuple({guard: None for arrival in arrivals for guard in arrival.before})
        after = tuple({guard: None for arrival in arrivals for guard in arrival.after})
        return Conditional(tuple(arrivals), state, before, after)

    def resolve(self, step: Conditional, before: Tracker, after: Tracker) -> State:
        """The state that a conditional step leads to, `before` and `after` its byte."""
        failing = {(False, guard) for guard in step.before if not holds(guard, before)}
        failing |= {(True, guard) for guard in step.after if not holds(guard, after)}
        if not failing:
            return step.optimistic
        return self.intern(
            arrival.item
            for arrival in step.arrivals
            if not any((False, guard) in failing for guard in arrival.before)
            and not any((True, guard) in failing for guard in arrival.after)
        )

    def refused(self, step: Conditional, before: Tracker, after: Tracker) -> Iterator[tuple[Guard | None, Tracker]]:
        """The guards of a step that do not hold, each with the tracker that it was asked with."""
        for guards, tracker in ((step.before, before), (step.after, after)):
            yield from ((guard, tracker) for guard in guards if not holds(guard, tracker))

    def endings(self, state: State) -> tuple[Guards, ...]:
        """The ways to end here: for each the guards on the value that closes with the end of the text."""
        found = self._endings.get(state)
        if found is None:
            ways: dict[Guards, None] = {}
            for item in self._items[state]:
                if item.terminal < 0:
                    ways[()] = None
                elif self.terminals[item.terminal].accepts(item.state):
                    closure = self.stacks.closure(self.stacks.after(item))
                    ways.update(dict.fromkeys(guards for guards, following in closure if following.terminal < 0))
            found = self._endings[state] = ((),) if () in ways else tuple(ways)
        return found

    def may_end(self, state: State, tracker: Tracker) -> bool:
        return any(all(holds(guard, tracker) for guard in guards) for guards in self.endings(state))

    def live_bytes(self, state: State) -> frozenset[int]:
        """The bytes that lead on, guards permitting."""
        out: set[int] = set()
        for item in self._items[state]:
            if item.terminal < 0:
                continue
            out.update(self.terminals[item.terminal].edges(item.state))
            if self.terminals[item.terminal].accepts(item.state):
                for _, following in self.stacks.closure(self.stacks.after(item)):
                    if following.terminal >= 0:
                        out.update(self.terminals[following.terminal].edges(following.state))
        return frozenset(out)


def holds(guard: Guard | None, tracker: Tracker) -> bool:
    """Whether a guard holds on what has closed; None asks that the key be new."""
    return not tracker.repeated if guard is None else guard.holds(guarded_text(guard, tracker)[1])


def guarded_text(guard: Guard | None, tracker: Tracker) -> tuple[int, bytes]:
    """Where the text begins that a guard is asked about, and the text."""
    return tracker.items if guard is not None and guard.scope == "items" else (tracker.value_start, tracker.value)
