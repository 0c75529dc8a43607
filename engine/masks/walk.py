"""Walk: which tokens stay inside one terminal, and where others leave it.

From a state of a terminal the whole trie is walked once. A token stays inside if all its bytes are read by the terminal; it
closes the terminal if nothing of it can follow. A node at which the terminal may end is an exit: what its longer tokens read
next belongs to whatever follows, which differs from grammar to grammar. All of it depends on terminal, state and vocabulary
only, so every string of every grammar shares it.

A terminal with few ways on is followed byte by byte. One with many is walked level by level, all nodes at once:
`state[child] = rows[state[parent], byte]`, where the rows of states met for the first time are filled in between.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.automaton.terminal import Terminal
from engine.masks.trie import Ints, Trie

_FEW = 16  # live bytes up to which following them one by one is faster than whole levels


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """`inside`: ids of tokens that stay inside, or packed bits over all ids. `closing` tokens end at `closing_states`, from
    which the terminal cannot go on. `exit_nodes` are the children, by `exit_bytes`, of nodes at which the terminal may end
    in `exit_states`."""

    inside: Ints | npt.NDArray[np.uint8]
    closing: Ints
    closing_states: Ints
    exit_nodes: Ints
    exit_bytes: npt.NDArray[np.uint8]
    exit_states: Ints


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


def walk(trie: Trie, terminal: Terminal, start: int, rows: Rows) -> Walk:
    """From `start`; the terminal's ending before the first byte is not an exit."""
    if len(terminal.edges(start)) <= _FEW:
        return _follow(trie, terminal, start)
    return _sweep(trie, terminal, start, rows)


def _follow(trie: Trie, terminal: Terminal, start: int) -> Walk:
    inside: list[int] = []
    closing: list[tuple[int, int]] = []
    exits: list[tuple[int, int]] = []
    pending = [(0, start)]
    while pending:
        node, state = pending.pop()
        for byte, target in terminal.edges(state).items():
            child = trie.child(node, byte)
            if child < 0:
                continue
            tokens = trie.tokens.get(child, ())
            if terminal.edges(target):
                inside += tokens
                pending.append((child, target))
            else:
                closing += ((token, target) for token in tokens)
            if terminal.accepts(target):
                exits.append((child, target))
    return _finish(trie, np.array(inside, np.int32), closing, *_columns(exits))


def _sweep(trie: Trie, terminal: Terminal, start: int, rows: Rows) -> Walk:
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
    visited = [s for s in _distinct(state).tolist() if s]
    accepting, ended = np.zeros((2, max(visited) + 1), np.bool_)
    accepting[[s for s in visited if terminal.accepts(s)]] = True
    ended[[s for s in visited if not terminal.edges(s)]] = True
    of_token = np.where(trie.node_of_token == 0, 0, state[trie.node_of_token])
    nodes = np.flatnonzero(accepting[state]).astype(np.int32)
    nodes = nodes[nodes != 0]
    closing = np.flatnonzero(ended[of_token]).tolist()
    inside = np.packbits((of_token != 0) & ~ended[of_token])
    return _finish(trie, inside, [(t, int(of_token[t])) for t in closing], nodes, state[nodes])


def _columns(pairs: list[tuple[int, int]]) -> tuple[Ints, Ints]:
    table = np.array(pairs, np.int32).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _distinct(states: Ints) -> Ints:
    seen = np.zeros(int(states.max(initial=0)) + 1, np.bool_)
    seen[states] = True
    return np.flatnonzero(seen).astype(np.int32)


def _finish(
    trie: Trie, inside: Ints | npt.NDArray[np.uint8], closing: list[tuple[int, int]], nodes: Ints, states: Ints
) -> Walk:
    counts = trie.first_child[nodes + 1] - trie.first_child[nodes]
    within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    children = (np.repeat(trie.first_child[nodes], counts) + within).astype(np.int32)
    return Walk(inside, *_columns(closing), children, trie.byte[children], np.repeat(states, counts).astype(np.int32))
