"""Matcher: a position in an output under a grammar, moved by tokens.

It knows which tokens are allowed next, takes one, goes back, and says what bytes are forced and how the output could be
closed. Its answers are exact: a token is in the mask if and only if `accept` takes it, guards included; that tokens lead on from
there to an end, `closing` knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt

from engine.automaton.automaton import DEAD, Automaton, Conditional, State, guarded_text, holds
from engine.automaton.terminal import TERMINAL_LOCK
from engine.automaton.tracker import Tracker
from engine.errors import TokenRejected
from engine.grammar.grammar import Grammar, Guard
from engine.guards.frontier import Refusal
from engine.masks.depth_limit import NEAR_LIMIT, deepest, opening_tokens, openings
from engine.masks.mask import Mask, Masks, Walks
from engine.masks.vocabulary import Vocabulary
from engine.masks.walk import unpacked

P = ParamSpec("P")
R = TypeVar("R")

FORCED_LIMIT = 4096  # bytes; a grammar may force text without end


def _walking(method: Callable[P, R]) -> Callable[P, R]:
    """Hold the lock of what all matchers share."""

    @wraps(method)
    def locked(*args: P.args, **kwargs: P.kwargs) -> R:
        with TERMINAL_LOCK:
            return method(*args, **kwargs)

    return locked


class Matcher:
    """One output under `grammar`, over the tokens of `vocabulary`.

    Both may be given prepared (`Automaton`, `Walks`), so that what one output computed serves the next. One owner at a time.

    >>> from engine.grammar.gbnf_parser import parse_gbnf
    >>> matcher = Matcher(parse_gbnf('root ::= "a" | "b"'), Vocabulary.from_pieces([b"a", b"c"]))
    >>> matcher.mask().tolist()
    [True, False]
    """

    def __init__(self, grammar: Grammar | Masks, vocabulary: Vocabulary | Walks | None = None) -> None:
        if isinstance(grammar, Grammar):
            assert vocabulary is not None, "a grammar needs a vocabulary"
            walks = Walks(vocabulary) if isinstance(vocabulary, Vocabulary) else vocabulary
            grammar = Masks(Automaton(grammar), walks)
        self._masks = grammar
        self._automaton: Automaton = grammar.automaton
        self._vocabulary = grammar.vocabulary
        self._state: State = self._automaton.start
        self._output = bytearray()
        self._ended = False
        self._tracker = Tracker()  # of a beginning of the output; brought up to date when somebody asks
        self._depth = 0  # an upper bound of how deep the output nests at its end
        self._history: list[tuple[State, int, bool, Tracker, int]] = []  # what these were before each token

    @property
    def output(self) -> bytes:
        """All bytes accepted so far."""
        return bytes(self._output)

    def output_between(self, start: int, end: int) -> bytes:
        """The bytes of the output from `start` to `end`."""
        return bytes(self._output[start:end])

    @property
    def items_end(self) -> int:
        """Where the last finished item of the outermost array ends; 0 before there is one."""
        return self._track().items_end

    @property
    @_walking
    def finished(self) -> bool:
        """An end token was accepted, or the output is complete and nothing can follow."""
        return self._ended or (self.may_end and not self._automaton.live_bytes(self._state))

    @_walking
    def mask(self) -> npt.NDArray[np.bool_]:
        """A bool a token id. End tokens are in it exactly when the output may end here."""
        if self._ended:
            return np.zeros(len(self._vocabulary.pieces), np.bool_)
        mask = self._masks.mask(self._state)
        allowed = unpacked(mask.bits, len(self._vocabulary.pieces))
        for token in (*mask.guarded, *self._doubtful_keys(mask, allowed)):
            allowed[token] = self._follow(self._vocabulary.pieces[token]) != DEAD
        self._refuse_deep(allowed)
        if self.may_end:
            allowed[list(self._vocabulary.end_tokens)] = True
        return allowed

    @_walking
    def allows(self, token: int) -> bool:
        """The same for one token, without the mask. O(bytes of the token)."""
        if self._ended or not 0 <= token < len(self._vocabulary.pieces):
            return False
        if token in self._vocabulary.end_tokens:
            return self.may_end
        return bool(self._vocabulary.ordinary[token]) and self._follow(self._vocabulary.pieces[token]) != DEAD

    @_walking
    def accept(self, token: int) -> None:
        """Append a token; raises `TokenRejected` and stays as it was if it is not allowed."""
        known = 0 <= token < len(self._vocabulary.pieces)
        piece = self._vocabulary.pieces[token] if known else b""
        if self._ended or not known:
            raise TokenRejected(token, piece)
        if token in self._vocabulary.end_tokens:
            if not self.may_end:
                raise TokenRejected(token, piece)
            self._remember()
            self._ended = True
            return
        state = self._follow(piece) if self._vocabulary.ordinary[token] else DEAD
        if state == DEAD:
            raise TokenRejected(token, piece)
        self._remember()
        self._state = state
        self._output += piece
        self._depth += openings(piece)

    def _remember(self) -> None:
        self._history.append((self._state, len(self._output), False, self._tracker, self._depth))

    def rollback(self, tokens: int) -> None:
        """Take the last tokens back."""
        if tokens > len(self._history):
            raise ValueError(f"{len(self._history)} tokens were accepted, {tokens} cannot be taken back")
        if tokens:
            self._state, length, self._ended, self._tracker, self._depth = self._history[-tokens]
            del self._history[-tokens:]
            del self._output[length:]

    @_walking
    def forced(self) -> bytes:
        """The bytes that every completion of the output begins with, as far as single choices go; may be empty."""
        if self._ended or self.may_end:
            return b""
        state, out = self._state, bytearray()
        while len(out) < FORCED_LIMIT:
            live = self._automaton.live_bytes(state)
            if len(live) != 1 or (out and self._automaton.endings(state)):
                break
            (byte,) = live
            step = self._automaton.step(state, byte)
            if isinstance(step, Conditional):
                break  # the guard may refuse: the choice is left to the mask
            state = step
            out.append(byte)
        return bytes(out)

    @_walking
    def closing(self) -> tuple[int, ...] | None:
        """Tokens of a short way to complete the output from here; empty if it may end here. Guards are not asked.

        None: no tokens of the vocabulary lead to an end.
        """
        if self._ended or self.may_end:
            return ()
        return self._masks.closing(self._state)

    @property
    def guarded(self) -> bool:
        """Whether the grammar has guards: without one, what is allowed can always be completed."""
        return self._automaton.watched

    @_walking
    def refusals(self) -> tuple[Refusal, ...]:
        """What guards refuse here: for each token that one of them forbids, and for the end; in the order of the text."""
        found: dict[tuple[int, int, bytes], Refusal] = {}
        if self._ended:
            return ()
        mask = self._masks.mask(self._state)
        for token in (*mask.guarded, *(token for _, token in mask.keys)):
            for guard, tracker in self._refusing(self._vocabulary.pieces[token]):
                start, text = guarded_text(guard, tracker)
                found.setdefault((id(guard), start, text), Refusal(guard, start, text))
        tracker = self._track()
        for guards in self._automaton.endings(self._state):
            for guard in guards:
                if not holds(guard, tracker):
                    start, text = guarded_text(guard, tracker)
                    found.setdefault((id(guard), start, text), Refusal(guard, start, text))
        return tuple(sorted(found.values(), key=Refusal.sort_key))

    @property
    @_walking
    def may_end(self) -> bool:
        """Whether the output is complete as it stands."""
        endings = self._automaton.endings(self._state)
        if not endings:
            return False
        return endings == ((),) or self._automaton.may_end(self._state, self._track())

    def _doubtful_keys(self, mask: Mask, allowed: npt.NDArray[np.bool_]) -> list[int]:
        """Allow all tokens that close a new key; gives those that may close one which the object has already."""
        if not mask.keys:
            return []
        allowed[mask.key_tokens] = True
        tracker = self._track()
        begun = tracker.open_key
        if begun is None or b"\\" in begun:
            return [token for _, token in mask.keys]
        rests = {key[len(begun) :] for key in tracker.spelled_keys() if key.startswith(begun)}
        return [token for text, token in mask.keys if text in rests or b"\\" in text] if rests else []

    def _follow(self, piece: bytes) -> State:
        """Where the bytes of a token lead, DEAD if they are not allowed."""
        state = self._state
        automaton = self._automaton
        for index, byte in enumerate(piece):
            step = automaton.step(state, byte)
            if isinstance(step, Conditional):
                before = self._track().feed(piece[:index])
                step = automaton.resolve(step, before, before.feed(piece[index : index + 1]))
            if step == DEAD:
                return DEAD
            state = step
        return DEAD if self._too_deep(piece, state) else state

    def _too_deep(self, piece: bytes, state: State) -> bool:
        limit = self._automaton.depth
        if limit is None:
            return False
        half = limit // 2  # no schema itself nests so deep that what closes a text would take the other half
        more = openings(piece)
        if self._depth + more <= half or self._exact_depth() + more <= half:
            return False
        closing = b"".join(self._vocabulary.pieces[token] for token in self._masks.closing(state) or ())
        return deepest(self._track(), piece + closing) > limit

    def _exact_depth(self) -> int:
        self._depth = self._track().depth
        return self._depth

    def _refuse_deep(self, allowed: npt.NDArray[np.bool_]) -> None:
        """Take the tokens out of a mask that would nest too deeply."""
        limit = self._automaton.depth
        if limit is None or self._depth <= limit - NEAR_LIMIT or self._exact_depth() <= limit - NEAR_LIMIT:
            return
        for token in opening_tokens(self._vocabulary):
            if allowed[token] and self._follow(self._vocabulary.pieces[token]) == DEAD:
                allowed[token] = False

    def _refusing(self, piece: bytes) -> Iterator[tuple[Guard | None, Tracker]]:
        """The guards that forbid a token, with the trackers that they are asked with; none where it is allowed."""
        state = self._state
        for index, byte in enumerate(piece):
            step = self._automaton.step(state, byte)
            if isinstance(step, Conditional):
                before = self._track().feed(piece[:index])
                after = before.feed(piece[index : index + 1])
                state = self._automaton.resolve(step, before, after)
                if state == DEAD:
                    yield from self._automaton.refused(step, before, after)
                    return
            else:
                state = step
            if state == DEAD:
                return

    def _track(self) -> Tracker:
        """The tracker at the end of the output."""
        if self._tracker.end < len(self._output):
            self._tracker = self._tracker.feed(bytes(self._output[self._tracker.end :]))
        return self._tracker
