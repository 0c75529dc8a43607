"""Mask: the set of tokens that a state of an automaton allows.

A mask is a union over the state's items: the tokens that stay inside the item's terminal, found by one walk for all
grammars, and the few that leave it, followed through the automaton byte by byte. Tokens that cross a guard are kept apart:
whether they are allowed depends on the text, not on the state, and the matcher decides it.

Both levels are cached with a bound; masks are kept as packed bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.automaton.automaton import DEAD, Automaton, Conditional, State
from engine.automaton.completion import Completions
from engine.automaton.stacks import Item
from engine.automaton.terminal import Terminal
from engine.basics.lru import LruCache
from engine.errors import GrammarTooComplex
from engine.masks.token_completion import TokenCompletions
from engine.masks.trie import Ints, Trie, read_trie
from engine.masks.vocabulary import Vocabulary
from engine.masks.walk import Bits, TerminalEnds, Walk, Walker

_CACHE_BYTES = 1 << 26  # of masks, for each vocabulary and for each grammar
_MANY = 32  # nodes from which on it pays to compute all live bytes of a state first


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """`bits`: the tokens that are allowed whatever the text, packed. `guarded`: those that cross a guard. `keys`: those that
    close a key which must be new, each with its text up to there; `key_tokens` are their ids."""

    bits: Bits
    guarded: tuple[int, ...]
    keys: tuple[tuple[bytes, int], ...]
    key_tokens: Ints


class Walks:
    """The walks of one vocabulary over terminals, shared by all grammars. One owner at a time."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        limit = _cached(vocabulary)
        self.trie: Trie = read_trie(vocabulary)
        self._walker = Walker(self.trie)
        self._walks: LruCache[tuple[Terminal, int], Walk] = LruCache(limit)

    def walk(self, terminal: Terminal, state: int) -> Walk:
        return self._walks.get((terminal, state), lambda: self._walker.walk(terminal, state))


class Masks:
    """The masks of one automaton over one vocabulary."""

    def __init__(self, automaton: Automaton, walks: Walks) -> None:
        self.automaton, self.walks = automaton, walks
        limit = _cached(walks.vocabulary)
        self.vocabulary, self.trie = walks.vocabulary, walks.trie
        self._masks: LruCache[State, Mask] = LruCache(limit)
        self._live: LruCache[State, npt.NDArray[np.bool_]] = LruCache(limit)
        self._completions = Completions(automaton)
        # Of terminals that belong to one document, as this grammar does then.
        self._own_walker, self._own_walks = Walker(walks.trie), LruCache[tuple[Terminal, int], Walk](limit)
        self._closings: LruCache[State, tuple[int, ...] | None] = LruCache(limit)
        self._detour = TokenCompletions(automaton, walks.vocabulary)

    def closing(self, state: State) -> tuple[int, ...] | None:
        """Tokens that complete the text from here; their number bounds from above what closing costs. None: there are none."""
        return self._closings.get(state, lambda: self._close(state))

    def _close(self, state: State) -> tuple[int, ...] | None:
        tokens = fewest_tokens(self.trie, self._completions.text(state))
        if tokens is None:
            text = self._detour.text(state)
            tokens = None if text is None else fewest_tokens(self.trie, text)
        return tokens

    def mask(self, state: State) -> Mask:
        """O(tokens that leave a terminal) the first time, then a lookup."""
        return self._masks.get(state, lambda: self._compute(state))

    def _compute(self, state: State) -> Mask:
        allowed = np.zeros(len(self.vocabulary.pieces), np.bool_)
        sure: list[int] = []
        doubtful: list[int] = []
        for item, certain in self._before_a_byte(state).items():
            try:
                found = self._walk(self.automaton.terminals[item.terminal], item.state)
            except GrammarTooComplex as error:
                raise error.at(self.automaton.stacks.schema_path(item.stack)) from None
            if not certain:
                doubtful += found.inside()
            else:
                found.allow(allowed)
            for_sure = sure if certain else doubtful
            for ends in found.ends:
                self._behind(item._replace(state=ends.state), ends, for_sure, doubtful)
        allowed[sure] = True
        return self._sorted(state, np.packbits(allowed), sorted({t for t in doubtful if not allowed[t]}))

    def _walk(self, terminal: Terminal, state: int) -> Walk:
        if not terminal.local:
            return self.walks.walk(terminal, state)
        return self._own_walks.get((terminal, state), lambda: self._own_walker.walk(terminal, state))

    def _sorted(self, state: State, bits: Bits, doubtful: list[int]) -> Mask:
        """Tokens whose only condition is that a key is new are told apart: they are many and cheap to decide."""
        keys: list[tuple[bytes, int]] = []
        guarded: list[int] = []
        for token in doubtful:
            closed = self._closed_key(state, self.vocabulary.pieces[token])
            if closed is None:
                guarded.append(token)
            else:
                keys.append((closed, token))
        return Mask(bits, tuple(guarded), tuple(keys), np.array([token for _, token in keys], np.int32))

    def _closed_key(self, state: State, piece: bytes) -> bytes | None:
        """The part of a token up to where it closes a key that must be new, None if it is under other conditions."""
        closed: bytes | None = None
        for index, byte in enumerate(piece):
            step = self.automaton.step(state, byte)
            if isinstance(step, Conditional):
                if closed is not None or step.before or step.after != (None,):
                    return None
                closed = piece[: index + 1]
                step = step.optimistic
            state = step
        return closed

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

    def _behind(self, item: Item, ends: TerminalEnds, sure: list[int], doubtful: list[int]) -> None:
        """Tokens that end with the terminal of `item` or go on behind it; those that cross a guard are doubtful."""
        stacks = self.automaton.stacks
        closure = stacks.closure(stacks.after(item))
        if not closure:
            return
        free = self.automaton.intern(i for guards, i in closure if not guards)
        every = self.automaton.intern(i for _, i in closure)
        (sure if free != DEAD else doubtful).extend(ends.closing)
        if free != DEAD:
            self._enter(free, ends, sure, doubtful)
        if every != free:
            self._enter(every, ends, doubtful, doubtful)

    def _enter(self, state: State, ends: TerminalEnds, sure: list[int], doubtful: list[int]) -> None:
        """Follow the tokens that go on from `state`."""
        nodes = ends.nodes
        if len(nodes) > _MANY:
            nodes = nodes[self._live.get(state, lambda: self._live_bytes(state))[ends.labels]]
        pending = [(state, node, True) for node in nodes.tolist()]
        trie, automaton = self.trie, self.automaton
        while pending:
            here, node, certain = pending.pop()
            step = automaton.step(here, trie.bytes_[node])
            if isinstance(step, Conditional):
                step, certain = step.optimistic, False
            if step == DEAD:
                continue
            (sure if certain else doubtful).extend(trie.tokens(node))
            pending.extend((step, child, certain) for child in self._children(step, node))

    def _children(self, state: State, node: int) -> Iterator[int]:
        low, high = self.trie.children[node], self.trie.children[node + 1]
        if high - low < _MANY:
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


def _cached(vocabulary: Vocabulary) -> int:
    """How many masks are kept."""
    return max(256, _CACHE_BYTES * 8 // max(1, len(vocabulary)))


def fewest_tokens(trie: Trie, text: bytes) -> tuple[int, ...] | None:
    """`text` in the fewest tokens, O(bytes × longest token); None if the vocabulary cannot write it."""
    best: list[tuple[int, int, int] | None] = [None] * len(text) + [
        (0, -1, -1)
    ]  # tokens to the end, token, next offset
    for offset in range(len(text) - 1, -1, -1):
        node = 0
        for end in range(offset, len(text)):
            node = trie.child(node, text[end])
            if node < 0:
                break
            rest = best[end + 1]
            here = best[offset]
            if rest is not None and (here is None or rest[0] + 1 < here[0]) and (tokens := trie.tokens(node)):
                best[offset] = (rest[0] + 1, tokens[0], end + 1)
    out, offset = [], 0
    while offset < len(text):
        here = best[offset]
        if here is None:
            return None
        out.append(here[1])
        offset = here[2]
    return tuple(out)
