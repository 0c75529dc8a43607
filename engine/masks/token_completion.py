"""Token completion: the end of a text where the shortest way to it cannot be written in tokens.

A vocabulary may lack single bytes. Then the shortest completion of a state may have no tokens while another has. The
completion in tokens is found breadth first over the states. Its steps are the single bytes that are tokens and the
tokens that hold a byte which is none: any other token is a walk of these, so nothing that can be written is missed.
Guards are not asked.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from engine.automaton.automaton import DEAD, Automaton, Conditional, State
from engine.masks.vocabulary import Vocabulary

STEPS = 2_000_000  # bytes that are followed for one state before it counts as a dead end


class TokenCompletions:
    """Completions of one automaton in the tokens of one vocabulary."""

    def __init__(self, automaton: Automaton, vocabulary: Vocabulary) -> None:
        self._automaton = automaton
        self._vocabulary = vocabulary
        self._pieces: tuple[bytes, ...] | None = None

    def text(self, state: State) -> bytes | None:
        """A completion of `state` that tokens can write, None where there is none."""
        pieces = self._steps()
        came: dict[State, tuple[State, bytes]] = {state: (state, b"")}
        pending, left = deque([state]), STEPS
        while pending and left > 0:
            here = pending.popleft()
            if self._automaton.endings(here):
                return _way(came, here)
            live = self._automaton.live_bytes(here)
            for piece in pieces:
                if piece[0] in live:
                    left -= len(piece)
                    there = self._follow(here, piece)
                    if there != DEAD and there not in came:
                        came[there] = here, piece
                        pending.append(there)
        return None

    def _steps(self) -> tuple[bytes, ...]:
        if self._pieces is None:
            ordinary = {
                self._vocabulary.pieces[token] for token in np.flatnonzero(self._vocabulary.ordinary).tolist()
            } - {b""}
            single = {piece for piece in ordinary if len(piece) == 1}
            known = frozenset(b"".join(single))
            rare = {piece for piece in ordinary if not known.issuperset(piece)}
            self._pieces = tuple(sorted(single | rare, key=lambda piece: (len(piece), piece)))
        return self._pieces

    def _follow(self, state: State, piece: bytes) -> State:
        for byte in piece:
            step = self._automaton.step(state, byte)
            state = step.optimistic if isinstance(step, Conditional) else step
            if state == DEAD:
                break
        return state


def _way(came: dict[State, tuple[State, bytes]], end: State) -> bytes:
    out: list[bytes] = []
    while came[end][1]:
        end, piece = came[end]
        out.append(piece)
    return b"".join(reversed(out))
