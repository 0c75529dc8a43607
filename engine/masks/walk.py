"""Walk: which tokens stay inside one terminal, and where others leave it.

From a state of a terminal the whole trie is walked once. A token stays inside if all its bytes are read by the terminal; it
closes the terminal if nothing of it can follow. A node at which the terminal may end is an exit: what its longer tokens read
next belongs to whatever follows, which differs from grammar to grammar. All of it depends on terminal, state and vocabulary
only, so every string of every grammar shares it.

A narrow state is followed byte by byte. Another is walked level by level, all nodes at once:
`state[child] = rows[state[parent], byte]`, where the rows of states met for the first time are filled in between. Strings
that differ by their length or by a few forbidden words are not walked each: what stays inside them is read off the walk over
the wider string by counting characters, and only the nodes at which that one ends are looked at again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.automaton.terminal import Edges, QuotedTerminal, Terminal, Wider
from engine.basics.lru import LruCache
from engine.masks.trie import Ints, Trie

Bits = npt.NDArray[np.uint8]

_NO_TOKENS: Ints = np.zeros(0, np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class TerminalEnds:
    """Where a terminal ends having read one thing: `state` is one of its states there, and all go on alike. `closing` are the
    tokens that end with it for good, `nodes` the trie's children, by `labels`, of the nodes at which it may end."""

    state: int
    closing: tuple[int, ...]
    nodes: Ints
    labels: Bits


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """The tokens that stay inside: `bits`, packed, over all ids, or where they are few their ids in `tokens`. `ends` has one
    entry a label."""

    bits: Bits | None
    tokens: Ints
    ends: tuple[TerminalEnds, ...]

    def allow(self, allowed: npt.NDArray[np.bool_]) -> None:
        """Set the tokens that stay inside."""
        if self.bits is None:
            allowed[self.tokens] = True
        else:
            allowed |= unpacked(self.bits, len(allowed))

    def inside(self) -> list[int]:
        """Their ids."""
        ids: list[int] = (self.tokens if self.bits is None else np.flatnonzero(np.unpackbits(self.bits))).tolist()
        return ids


def unpacked(bits: Bits, count: int) -> npt.NDArray[np.bool_]:
    """The first `count` packed bits as bools, shape (count,)."""
    return np.unpackbits(bits, count=count).view(np.bool_)


class Rows:
    """The transitions of one terminal as a matrix, filled as far as walks visit it."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._filled = np.zeros(64, np.bool_)
        self._matrix = np.zeros((64, 256), np.int32)

    def visit(self, states: Ints) -> npt.NDArray[np.int32]:
        """The matrix, with the rows of `states` filled."""
        top = int(states.max(initial=0))
        self._grow(top)
        for state in states[~self._filled[states]].tolist():
            edges = self._terminal.edges(state)
            if edges:
                self._grow(max(top, *edges.values()))
                self._matrix[state, list(edges)] = list(edges.values())
            self._filled[state] = True
        return self._matrix

    def _grow(self, state: int) -> None:
        size = len(self._filled)
        if state >= size:
            more = max(2 * size, state + 1) - size
            self._filled = np.concatenate((self._filled, np.zeros(more, np.bool_)))
            self._matrix = np.concatenate((self._matrix, np.zeros((more, 256), np.int32)))


class Walker:
    """Walks one trie; remembers rows and the walks over free strings."""

    def __init__(self, trie: Trie, *, limit: int = 64) -> None:
        self.trie = trie
        self._rows: LruCache[Terminal, Rows] = LruCache(limit)
        self._wide: LruCache[tuple[Terminal, int], WideWalk] = LruCache(limit)

    def walk(self, terminal: Terminal, start: int) -> Walk:
        """From `start`; the terminal's ending before the first byte is not an exit."""
        if terminal.is_narrow(start):
            return _follow(self.trie, terminal, start)
        wider = terminal.wider(start)
        if wider is None:
            return _sweep(self.trie, terminal, self._states(terminal, start))
        wide = self._wide.get((wider.terminal, wider.state), lambda: self._walk_wide(wider))
        return wide.narrowed(terminal, start, wider.most)

    def _walk_wide(self, wider: Wider) -> WideWalk:
        return WideWalk(self.trie, wider.terminal, self._states(wider.terminal, wider.state))

    def _states(self, terminal: Terminal, start: int) -> Ints:
        return _states(self.trie, start, self._rows.get(terminal, lambda: Rows(terminal)))


class WideWalk:
    """A walk over a string, in a form from which those over narrower strings are read off."""

    def __init__(self, trie: Trie, terminal: QuotedTerminal, states: Ints) -> None:
        self._trie = trie
        visited = [s for s in _distinct(states).tolist() if s]
        closed, border = np.zeros((2, max(visited) + 1), np.bool_)
        closed[[s for s in visited if terminal.accepts(s)]] = True
        border[[s for s in visited if terminal.is_border(s)]] = True
        missing = np.zeros(max(visited) + 1, np.int32)
        missing[visited] = [terminal.missing(s) for s in visited]
        self._ended = [n for n in np.flatnonzero(closed[states]).tolist() if n]
        self._texts = [trie.text(node) for node in self._ended]
        of_token = np.where(trie.node_of_token == 0, 0, states[trie.node_of_token])
        self._inside = (of_token != 0) & ~closed[of_token]
        needed = _whole_characters(trie, border[states]) + missing[states]
        self._needed = np.where(self._inside, needed[trie.node_of_token], 0)
        self._most = int(self._needed.max(initial=0))

    def narrowed(self, terminal: Terminal, start: int, most: int | None) -> Walk:
        """The walk over a string that is to end with at most `most` characters."""
        # With `most` 2, of the tokens that stay inside the free string `a` (needs 1), `ab` (2) and `abc` (3), the third
        # drops out; the first byte of `é` needs 1 as well, for the character that it begins must still be finished.
        inside = self._inside  # bool, one a token
        if most is not None and most < self._most:
            inside = inside & (self._needed <= most)
        # Where the free string ends (`"`, `",`, `ab"` …: tens of nodes, not thousands) the narrow one may end too, or may not:
        # only its own states tell, so these texts are read once more, byte by byte.
        closing: list[tuple[int, int]] = []  # (token, state)
        exits: list[tuple[int, int]] = []  # (node, state)
        for node, text in zip(self._ended, self._texts, strict=True):
            state = start
            for byte in text:
                state = terminal.edges(state).get(byte, 0)
                if not state:
                    break
            else:
                exits.append((node, state))
                closing += ((token, state) for token in self._trie.tokens(node))
        return Walk(np.packbits(inside), _NO_TOKENS, _group(self._trie, terminal, closing, exits))


def _whole_characters(trie: Trie, border: npt.NDArray[np.bool_]) -> Ints:
    """For each node how many characters of a string end on the way there."""
    whole = np.zeros(len(trie), np.int32)
    for low, high in zip(trie.level[1:], trie.level[2:], strict=False):
        whole[low:high] = whole[trie.parent[low:high]] + border[low:high]
    return whole


def _follow(trie: Trie, terminal: Terminal, start: int) -> Walk:
    inside: list[int] = []
    closing: list[tuple[int, int]] = []
    exits: list[tuple[int, int]] = []
    pending = [(0, start)]
    while pending:
        node, state = pending.pop()
        for child, target in _steps(trie, node, terminal.edges(state)):
            tokens = trie.tokens(child)
            if terminal.edges(target):
                inside += tokens
                pending.append((child, target))
            else:
                closing += ((token, target) for token in tokens)
            if terminal.accepts(target):
                exits.append((child, target))
    return Walk(None, np.array(inside, np.int32), _group(trie, terminal, closing, exits))


def _steps(trie: Trie, node: int, edges: Edges) -> Iterator[tuple[int, int]]:
    """The children of a node that the edges lead to, and the states there; whichever are fewer are gone through."""
    low, high = trie.children[node], trie.children[node + 1]
    if high - low < len(edges):
        for child in range(low, high):
            target = edges.get(trie.bytes_[child])
            if target:
                yield child, target
    else:
        for byte, target in edges.items():
            child = trie.bytes_.find(byte, low, high)
            if child >= 0:
                yield child, target


def _states(trie: Trie, start: int, rows: Rows) -> Ints:
    """The terminal's state at each node of the trie, 0 where its text is not read."""
    state = np.zeros(len(trie), np.int32)
    state[0] = start
    for low, high in zip(trie.level[1:], trie.level[2:], strict=False):
        above = state[trie.parent[low:high]]
        live = np.flatnonzero(above)
        if not len(live):
            break
        sources = above[live]
        matrix = rows.visit(_distinct(sources))
        state[low + live] = matrix[sources, trie.byte[low:high][live]]
    return state


def _sweep(trie: Trie, terminal: Terminal, state: Ints) -> Walk:
    visited = [s for s in _distinct(state).tolist() if s]
    accepting, ended = np.zeros((2, max(visited) + 1), np.bool_)
    accepting[[s for s in visited if terminal.accepts(s)]] = True
    ended[[s for s in visited if not terminal.edges(s)]] = True
    of_token = np.where(trie.node_of_token == 0, 0, state[trie.node_of_token])
    accepting[0] = False
    nodes = np.flatnonzero(accepting[state])
    nodes = nodes[nodes != 0]
    closing = np.flatnonzero(ended[of_token])
    inside = np.packbits((of_token != 0) & ~ended[of_token])
    return Walk(inside, _NO_TOKENS, _group(trie, terminal, _pairs(closing, of_token), _pairs(nodes, state)))


def _pairs(places: npt.NDArray[np.intp], states: Ints) -> list[tuple[int, int]]:
    return list(zip(places.tolist(), states[places].tolist(), strict=True))


def _group(
    trie: Trie, terminal: Terminal, closing: list[tuple[int, int]], exits: list[tuple[int, int]]
) -> tuple[TerminalEnds, ...]:
    """By label: terminals whose states have none go on in one way only."""
    groups: dict[str | None, tuple[int, list[int], list[int]]] = {}
    for token, state in closing:
        groups.setdefault(terminal.label(state), (state, [], []))[1].append(token)
    for node, state in exits:
        groups.setdefault(terminal.label(state), (state, [], []))[2].append(node)
    return tuple(
        TerminalEnds(s, tuple(tokens), *_children(trie, np.array(nodes, np.int32)))
        for s, tokens, nodes in groups.values()
    )


def _children(trie: Trie, nodes: Ints) -> tuple[Ints, Bits]:
    counts = trie.first_child[nodes + 1] - trie.first_child[nodes]
    within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    children = (np.repeat(trie.first_child[nodes], counts) + within).astype(np.int32)
    return children, trie.byte[children]


def _distinct(states: Ints) -> Ints:
    seen = np.zeros(int(states.max(initial=0)) + 1, np.bool_)
    seen[states] = True
    return np.flatnonzero(seen).astype(np.int32)
