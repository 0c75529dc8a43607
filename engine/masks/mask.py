"""Mask: the set of tokens that a state of an automaton allows.

A mask is a union over the state's items: the tokens that stay inside the item's terminal, found by one walk for all
grammars, and the few that leave it, followed through the automaton byte by byte. Tokens that cross a guard are kept apart:
whether they are allowed depends on the text, not on the state, and the matcher decides it.

Both levels are cached with a bound; masks are kept as packed bits.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from engine.automaton.automaton import DEAD, Automaton, Conditional, State
from engine.automaton.completion import Completions
from engine.automaton.stacks import Item
from engine.automaton.terminal import Terminal
from engine.masks.trie import Trie, build_trie
from engine.masks.vocabulary import Vocabulary
from engine.masks.walk import Rows, Walk, walk

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """The `limit` most recently used values."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K, make: Callable[[], V]) -> V:
        value = self._values.get(key)
        if value is None:
            value = self._values[key] = make()
            if len(self._values) > self._limit:
                self._values.popitem(last=False)
        else:
            self._values.move_to_end(key)
        return value


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """`bits`: the tokens that are allowed whatever the text, packed; `guarded`: those that cross a guard."""

    bits: npt.NDArray[np.uint8]
    guarded: tuple[int, ...]


class Walks:
    """The walks of one vocabulary over terminals, shared by all grammars. One owner at a time."""

    def __init__(self, vocabulary: Vocabulary, *, limit: int = 8192) -> None:
        self.vocabulary = vocabulary
        self.trie: Trie = build_trie(vocabulary)
        self._walks: Recent[tuple[Terminal, int], Walk] = Recent(limit)
        self._rows: Recent[Terminal, Rows] = Recent(256)

    def walk(self, terminal: Terminal, state: int) -> Walk:
        return self._walks.get((terminal, state), lambda: self._compute(terminal, state))

    def _compute(self, terminal: Terminal, state: int) -> Walk:
        return walk(self.trie, terminal, state, self._rows.get(terminal, lambda: Rows(terminal)))


class Masks:
    """The masks of one automaton over one vocabulary."""

    def __init__(self, automaton: Automaton, walks: Walks, *, limit: int = 4096) -> None:
        self.automaton, self.walks = automaton, walks
        self.vocabulary, self.trie = walks.vocabulary, walks.trie
        self._masks: Recent[State, Mask] = Recent(limit)
        self._live: Recent[State, npt.NDArray[np.bool_]] = Recent(limit)
        self._completions = Completions(automaton)
        self._closings: Recent[State, tuple[int, ...]] = Recent(limit)

    def closing(self, state: State) -> tuple[int, ...]:
        """Tokens that complete the text from here; their number bounds from above what closing costs."""
        return self._closings.get(state, lambda: spell(self.trie, self._completions.text(state)))

    def mask(self, state: State) -> Mask:
        """O(tokens that leave a terminal) the first time, then a lookup."""
        return self._masks.get(state, lambda: self._compute(state))

    def _compute(self, state: State) -> Mask:
        allowed = np.zeros(len(self.vocabulary.pieces), np.bool_)
        sure: list[int] = []
        doubtful: list[int] = []
        for item, certain in self._before_a_byte(state).items():
            found = self.walks.walk(self.automaton.terminals[item.terminal], item.state)
            if not certain:
                doubtful += _token_ids(found.inside)
            elif found.inside.dtype == np.uint8:
                allowed |= np.unpackbits(found.inside, count=len(allowed)).view(np.bool_)
            else:
                allowed[found.inside] = True
            for_sure = sure if certain else doubtful
            self._closing(item, found, for_sure, doubtful)
            self._leaving(item, found, for_sure, doubtful)
        allowed[sure] = True
        return Mask(np.packbits(allowed), tuple(sorted({t for t in doubtful if not allowed[t]})))

    def _before_a_byte(self, state: State) -> dict[Item, bool]:
        """The items that the next byte may belong to, with those behind an item that may end here; False: under a guard."""
        stacks = self.automaton.stacks
        found: dict[Item, bool] = {}
        for item in self.automaton.items(state):
            if item.terminal < 0:
                continue
            found[item] = True
            if self.automaton.terminals[item.terminal].accepts(item.state):
                for guards, following in stacks.closure(stacks.after(item)):
                    if following.terminal >= 0:
                        found[following] = found.get(following, False) or not guards
        return found

    def _closing(self, item: Item, found: Walk, sure: list[int], doubtful: list[int]) -> None:
        """Tokens that end with the terminal: allowed unless a guard watches what has closed."""
        stacks = self.automaton.stacks
        free: dict[int, bool | None] = {}
        for token, end in zip(found.closing.tolist(), found.closing_states.tolist(), strict=True):
            if end not in free:
                closure = stacks.closure(stacks.after(item._replace(state=end)))
                free[end] = any(not guards for guards, _ in closure) if closure else None
            if free[end] is not None:
                (sure if free[end] else doubtful).append(token)

    def _leaving(self, item: Item, found: Walk, sure: list[int], doubtful: list[int]) -> None:
        """Tokens that go on behind the terminal."""
        stacks = self.automaton.stacks
        for end in set(found.exit_states.tolist()):
            here = found.exit_states == end
            closure = stacks.closure(stacks.after(item._replace(state=end)))
            free = self.automaton.intern(i for guards, i in closure if not guards)
            every = self.automaton.intern(i for _, i in closure)
            nodes, labels = found.exit_nodes[here], found.exit_bytes[here]
            if free != DEAD:
                self._enter(free, nodes, labels, sure, doubtful)
            if every != free:
                self._enter(every, nodes, labels, doubtful, doubtful)

    def _enter(
        self, state: State, nodes: npt.NDArray[np.int32], labels: npt.NDArray[np.uint8], sure: list[int], doubtful: list[int]
    ) -> None:
        """Follow the tokens that go on from `state` at the given nodes, each by its byte."""
        live = self._live.get(state, lambda: self._live_bytes(state))
        chosen = live[labels]
        pending = [(state, node, True) for node in nodes[chosen].tolist()]
        trie, automaton = self.trie, self.automaton
        while pending:
            here, node, certain = pending.pop()
            step = automaton.step(here, trie.bytes_[node])
            if isinstance(step, Conditional):
                step, certain = step.optimistic, False
            if step == DEAD:
                continue
            if node in trie.tokens:
                (sure if certain else doubtful).extend(trie.tokens[node])
            pending.extend((step, child, certain) for child in self._children(step, node))

    def _children(self, state: State, node: int) -> Iterator[int]:
        low, high = self.trie.children[node], self.trie.children[node + 1]
        if high - low < 8:
            yield from range(low, high)
            return
        live = self._live.get(state, lambda: self._live_bytes(state))
        for child in range(low, high):
            if live[self.trie.bytes_[child]]:
                yield child

    def _live_bytes(self, state: State) -> npt.NDArray[np.bool_]:
        live = np.zeros(256, np.bool_)
        live[list(self.automaton.live_bytes(state))] = True
        return live


def _token_ids(inside: npt.NDArray[np.int32] | npt.NDArray[np.uint8]) -> list[int]:
    ids: list[int] = (np.flatnonzero(np.unpackbits(inside)) if inside.dtype == np.uint8 else inside).tolist()
    return ids


def spell(trie: Trie, text: bytes) -> tuple[int, ...]:
    """`text` in the fewest tokens, O(bytes × longest token). Raises ValueError if the vocabulary cannot write it."""
    best: list[tuple[int, int, int] | None] = [None] * len(text) + [(0, -1, -1)]  # tokens to the end, token, next offset
    for offset in range(len(text) - 1, -1, -1):
        node = 0
        for end in range(offset, len(text)):
            node = trie.child(node, text[end])
            if node < 0:
                break
            rest = best[end + 1]
            here = best[offset]
            if node in trie.tokens and rest is not None and (here is None or rest[0] + 1 < here[0]):
                best[offset] = (rest[0] + 1, trie.tokens[node][0], end + 1)
    out, offset = [], 0
    while offset < len(text):
        here = best[offset]
        if here is None:
            raise ValueError(f"the vocabulary cannot write {text[offset:]!r}")
        out.append(here[1])
        offset = here[2]
    return tuple(out)
