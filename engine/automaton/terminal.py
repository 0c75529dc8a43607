"""Terminals: byte automata for regular pieces of a grammar, built as far as inputs visit them.

A terminal takes an expression over characters and gives transitions over bytes: `edges(state)` maps each live byte to the
next state. States are small integers; 0 is never one. Characters outside ASCII are UTF-8 sequences; a state inside a
character remembers only where the possible rest leads, relative to the bytes read, so that equal rests are one state.
Overlong forms, surrogates and values above U+10FFFF have no transitions because no expression contains them.

Every state is live: from each a final byte can be reached. A document's own automaton (pieces of a text, say) is a
terminal like any other: what counts is the `Terminal` protocol.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple, Protocol

from engine.grammar.grammar import Spelling
from engine.regular.expression import Expression, FiniteSet
from engine.regular.prefixes import widened

Edges = Mapping[int, int]
Pieces = tuple[tuple[int, int, int], ...]  # (low, high, state): numbers in [low, high] lead to state

QUOTE, BACKSLASH = 0x22, 0x5C
_SHORT_ESCAPES = {0x08: 0x62, 0x09: 0x74, 0x0A: 0x6E, 0x0C: 0x66, 0x0D: 0x72, QUOTE: QUOTE, BACKSLASH: BACKSLASH}
_ESCAPED = (*range(0x20), QUOTE, BACKSLASH)  # what has no other canonical spelling than an escape
_KEPT = 256  # bytes of a completion up to which it is kept; a longer one is made anew each time
_SHARED = 512  # terminals kept for grammars to come; those of a grammar live as long as it does
_NARROW = 16  # live bytes up to which a state counts as narrow
_LEADS = ((0xC2, 0xDF, 0x1F, 1, 0x80), (0xE0, 0xEF, 0x0F, 2, 0x800), (0xF0, 0xF4, 0x07, 3, 0x10000))


# Terminals are shared by all grammars and threads and grow while they are walked: whoever walks one holds this lock.
TERMINAL_LOCK = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=TERMINAL_LOCK._at_fork_reinit)  # type: ignore[attr-defined]


class Terminal(Protocol):
    """What automaton and masks need of a leaf. `label` of an accepting state tells apart what was read (None: nothing to
    tell). A state is narrow if few texts lead on from it, so that following them one by one is cheap."""

    start: int

    def __hash__(self) -> int: ...

    def edges(self, state: int) -> Edges: ...

    def accepts(self, state: int) -> bool: ...

    def label(self, state: int) -> str | None: ...

    def completion(self, state: int) -> bytes: ...

    def wider(self, state: int) -> Wider | None: ...

    def is_narrow(self, state: int) -> bool: ...

    @property
    def local(self) -> bool:
        """Whether it belongs to one document, and nothing else may keep it."""


class Wider(NamedTuple):
    """A state of another terminal that reads like this one for as long as this one does not end, as far as the text can be
    ended with at most `most` characters."""

    terminal: QuotedTerminal
    state: int
    most: int | None


class LiteralTerminal:
    """Exactly these bytes (at least one); state n + 1 has read n of them."""

    start = 1
    local = False

    def __init__(self, data: bytes) -> None:
        self.data = data

    def edges(self, state: int) -> Edges:
        return {self.data[state - 1]: state + 1} if state <= len(self.data) else {}

    def accepts(self, state: int) -> bool:
        return state > len(self.data)

    def label(self, state: int) -> str | None:
        return None

    def completion(self, state: int) -> bytes:
        return self.data[state - 1 :]

    def wider(self, state: int) -> Wider | None:
        return None

    def is_narrow(self, state: int) -> bool:
        return True


class _Lazy:
    """States interned by key; edges computed on the first visit."""

    local = False

    def __init__(self) -> None:
        self._keys: list[tuple[Hashable, ...]] = [()]
        self._ids: dict[tuple[Hashable, ...], int] = {}
        self._edges: list[Edges | None] = [None]
        self._completions: dict[int, bytes] = {}

    def _intern(self, *key: Hashable) -> int:
        state = self._ids.get(key)
        if state is None:
            state = self._ids[key] = len(self._keys)
            self._keys.append(key)
            self._edges.append(None)
        return state

    def edges(self, state: int) -> Edges:
        found = self._edges[state]
        if found is None:
            found = self._edges[state] = self._compute(self._keys[state])
        return found

    def label(self, state: int) -> str | None:
        return None

    def wider(self, state: int) -> Wider | None:
        return None

    def is_narrow(self, state: int) -> bool:
        return len(self.edges(state)) <= _NARROW or isinstance(self._keys[state][1], FiniteSet)

    def completion(self, state: int) -> bytes:
        """A shortest way to an accepting state, O(1) after the first time."""
        found = self._completions.get(state)
        if found is None:
            found = self._complete(state)
            if len(found) <= _KEPT:
                self._completions[state] = found
        return found

    def _complete(self, state: int) -> bytes:
        """Breadth first to a character's border; at most a dozen bytes away."""
        queue: list[tuple[int, bytes]] = [(state, b"")]
        seen = {state}
        for here, path in queue:
            rest = self._border_completion(self._keys[here])
            if rest is not None:
                return path + rest
            for byte, target in self.edges(here).items():
                if target not in seen:
                    seen.add(target)
                    queue.append((target, path + bytes([byte])))
        raise AssertionError("every state of a terminal is live")

    def _border_completion(self, key: tuple[Hashable, ...]) -> bytes | None:
        raise NotImplementedError

    def _compute(self, key: tuple[Hashable, ...]) -> Edges:
        raise NotImplementedError

    def _targets(self, expression: Expression) -> Pieces:
        """Sorted character ranges and the states that they lead to."""
        pieces = [
            (low, high, self._intern("at", target))
            for members, target in expression.transitions
            for low, high in members
        ]
        pieces.sort()
        return tuple(pieces)

    def _spread_utf8(self, pieces: Pieces, edges: dict[int, int]) -> None:
        """Enter, for each byte that may begin a character of `pieces`, where it leads."""
        for low, high, state in pieces:
            for byte in range(low, min(high, 0x7F) + 1):
                edges[byte] = state
        if pieces and pieces[-1][1] >= 0x80:
            shape, states = _relabelled([p for p in pieces if p[1] >= 0x80])
            for first_bytes, rest, tail in _leads(shape):
                state = self._intern("utf8", rest, tuple((low, high, states[label]) for low, high, label in tail))
                edges.update(dict.fromkeys(first_bytes, state))

    def _continue_utf8(self, rest: int, pieces: Pieces) -> Edges:
        edges: dict[int, int] = {}
        shape, states = _relabelled(pieces)
        for next_bytes, tail in _continuations(rest, shape):
            if rest == 1:
                state = states[tail[0][2]]
            else:
                state = self._intern("utf8", rest - 1, tuple((low, high, states[label]) for low, high, label in tail))
            edges.update(dict.fromkeys(next_bytes, state))
        return edges


# How UTF-8 divides ranges of characters does not depend on where they lead, so it is worked out once for each division, with
# labels instead of states, and the bytes that go on alike are kept together.


def _relabelled(pieces: Sequence[tuple[int, int, int]]) -> tuple[Pieces, list[int]]:
    labels: dict[int, int] = {}
    shape = tuple((low, high, labels.setdefault(state, len(labels))) for low, high, state in pieces)
    return shape, list(labels)


@lru_cache(maxsize=4096)
def _leads(shape: Pieces) -> tuple[tuple[bytes, int, Pieces], ...]:
    """First bytes, how many more come, and the rest of the characters relative to them."""
    groups: dict[tuple[int, Pieces], list[int]] = {}
    for first, last, bits, rest, least in _LEADS:
        for byte in range(first, last + 1):
            base = (byte & bits) << (6 * rest)
            tail = _window(shape, max(base, least), base + (1 << (6 * rest)) - 1, base)
            if tail:
                groups.setdefault((rest, tail), []).append(byte)
    return tuple((bytes(members), rest, tail) for (rest, tail), members in groups.items())


@lru_cache(maxsize=4096)
def _continuations(rest: int, shape: Pieces) -> tuple[tuple[bytes, Pieces], ...]:
    groups: dict[Pieces, list[int]] = {}
    width = 1 << (6 * (rest - 1))
    for byte in range(0x80, 0xC0):
        base = (byte & 0x3F) * width
        tail = _window(shape, base, base + width - 1, base)
        if tail:
            groups.setdefault(tail, []).append(byte)
    return tuple((bytes(members), tail) for tail, members in groups.items())


def _window(pieces: Pieces, low: int, high: int, base: int) -> Pieces:
    """The part of sorted `pieces` inside [low, high], relative to `base`, neighbours with one target merged."""
    out: list[tuple[int, int, int]] = []
    for piece_low, piece_high, state in pieces:
        if piece_high < low:
            continue
        if piece_low > high:
            break
        begin, end = max(piece_low, low) - base, min(piece_high, high) - base
        if out and out[-1][2] == state and out[-1][1] + 1 == begin:
            out[-1] = (out[-1][0], end, state)
        else:
            out.append((begin, end, state))
    return tuple(out)


class TextTerminal(_Lazy):
    """The text itself is in `language`."""

    def __init__(self, language: Expression) -> None:
        super().__init__()
        self.start = self._intern("at", language)

    def accepts(self, state: int) -> bool:
        key = self._keys[state]
        return key[0] == "at" and key[1].nullable  # type: ignore[attr-defined]

    def _border_completion(self, key: tuple[Hashable, ...]) -> bytes | None:
        if key[0] != "at":
            return None
        assert isinstance(key[1], Expression)
        return key[1].shortest.encode()

    def _compute(self, key: tuple[Hashable, ...]) -> Edges:
        match key:
            case ("at", Expression() as expression):
                edges: dict[int, int] = {}
                self._spread_utf8(self._targets(expression), edges)
                return edges
            case ("utf8", int(rest), tuple(pieces)):
                return self._continue_utf8(rest, pieces)
        raise AssertionError(key)


class QuotedTerminal(_Lazy):
    """A JSON string, quotes included, whose decoded content is in `language`.

    Canonical spelling writes each character in one way, any spelling in every way that JSON has. Where the language is a
    dictionary of labelled `FiniteSet`, an accepting state's label is the word that was read.
    """

    def __init__(self, language: Expression, spelling: Spelling) -> None:
        super().__init__()
        self._spelling: Spelling = spelling
        self._any = spelling == "any"
        self.local = language.local
        self.start = self.entry(language)

    def entry(self, language: Expression) -> int:
        """The state before the opening quote of a string of `language`, for several languages in one terminal."""
        return self._intern("open", language)

    def accepts(self, state: int) -> bool:
        return self._keys[state][0] == "closed"

    def wider(self, state: int) -> Wider | None:
        match self._keys[state]:
            case ("at", Expression() as expression) if not self.local:
                found = widened(expression)
                if found is not None:
                    terminal = quoted_terminal(found[0], self._spelling)
                    return Wider(terminal, terminal.edges(terminal.start)[QUOTE], found[1])
        return None

    def is_border(self, state: int) -> bool:
        """Whether the state stands between two characters of the content."""
        return self._keys[state][0] == "at"

    def missing(self, state: int) -> int:
        """The fewest characters that must still come to their end, one of which may have begun, before the string can end."""
        match self._keys[state]:
            case ("at", Expression() as expression):
                return expression.least
            case ("utf8" | "hex" | "escape" | "low", *_, tuple(pieces)):
                begun = [t for _, _, t in pieces]
                return min(self.missing(t) + self.is_border(t) for t in begun)
        return 0

    def label(self, state: int) -> str | None:
        key = self._keys[state]
        return key[1] if key[0] == "closed" and isinstance(key[1], str) else None

    def _border_completion(self, key: tuple[Hashable, ...]) -> bytes | None:
        if key[0] == "closed":
            return b""
        if key[0] != "at":
            return None
        assert isinstance(key[1], Expression)
        return json.dumps(key[1].shortest, ensure_ascii=False)[1:].encode()

    def _compute(self, key: tuple[Hashable, ...]) -> Edges:
        match key:
            case ("open", Expression() as expression):
                return {QUOTE: self._intern("at", expression)}
            case ("at", Expression() as expression):
                return self._content(expression)
            case ("utf8", int(rest), tuple(pieces)):
                return self._continue_utf8(rest, pieces)
            case ("escape", tuple(pieces)):
                return self._escape(pieces)
            case ("hex", int(rest), tuple(pieces)):
                return self._continue_hex(rest, pieces)
            case ("low", bytes(before), tuple(pieces)):
                if len(before) == 1:
                    return {before[0]: self._intern("hex", 3, pieces)}
                return {before[0]: self._intern("low", before[1:], pieces)}
        return {}

    def _content(self, expression: Expression) -> Edges:
        edges: dict[int, int] = {}
        pieces = self._targets(expression)
        self._spread_utf8(pieces, edges)
        for byte in _ESCAPED:
            edges.pop(byte, None)
        if pieces and (self._any or any(_window(pieces, c, c, c) for c in _ESCAPED)):
            edges[BACKSLASH] = self._intern("escape", pieces)
        if expression.nullable:
            word = expression.word if isinstance(expression, FiniteSet) and expression.labelled else None
            edges[QUOTE] = self._intern("closed", word)
        return edges

    def _escape(self, pieces: Pieces) -> Edges:
        """What may follow a backslash that stands for a character of `pieces`."""
        edges = {letter: p[0][2] for c, letter in _SHORT_ESCAPES.items() if (p := _window(pieces, c, c, c))}
        if self._any:
            if slash := _window(pieces, 0x2F, 0x2F, 0):
                edges[0x2F] = slash[0][2]
            units = tuple(sorted((*_window(pieces, 0, 0xFFFF, 0), *self._high_surrogates(pieces))))
        else:
            units = tuple(p for c in _ESCAPED if c not in _SHORT_ESCAPES for p in _at(pieces, c))
        if units:
            edges[0x75] = self._intern("hex", 3, units)
        return edges

    def _high_surrogates(self, pieces: Pieces) -> Pieces:
        """Code units D800–DBFF, each leading to the low surrogates that make a character of `pieces` with it."""
        astral = _window(pieces, 0x10000, 0x10FFFF, 0x10000)
        out: list[tuple[int, int, int]] = []
        borders = {0, 0x400}
        for low, high, _ in astral:
            borders.update((low >> 10, (low >> 10) + 1, high >> 10, (high >> 10) + 1))
        cuts = sorted(borders)
        for begin, end in pairwise(cuts):
            base = begin << 10
            tail = _window(astral, base, base + 0x3FF, base - 0xDC00)
            if tail and end <= 0x400:
                out.append((0xD800 + begin, 0xD800 + end - 1, self._intern("low", b"\\u", tail)))
        return tuple(out)

    def _continue_hex(self, rest: int, pieces: Pieces) -> Edges:
        edges: dict[int, int] = {}
        width = 16**rest
        for digit in range(16):
            tail = _window(pieces, digit * width, (digit + 1) * width - 1, digit * width)
            if tail:
                state = tail[0][2] if rest == 0 else self._intern("hex", rest - 1, tail)
                edges[ord(f"{digit:x}")] = state
                if self._any:
                    edges[ord(f"{digit:X}")] = state
        return edges


@lru_cache(maxsize=_SHARED)
def text_terminal(language: Expression) -> TextTerminal:
    """One terminal a language, shared by all grammars, so that its masks are."""
    return TextTerminal(language)


@lru_cache(maxsize=_SHARED)
def quoted_terminal(language: Expression, spelling: Spelling) -> QuotedTerminal:
    """The shared terminal of a JSON string whose decoded text is in `language`."""
    return QuotedTerminal(language, spelling)


def _at(pieces: Pieces, number: int) -> Pieces:
    return tuple((number, number, state) for _, _, state in _window(pieces, number, number, 0))
