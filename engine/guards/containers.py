"""Containers: the strings, arrays and objects that are open at each place of a JSON text, and where they end."""

from __future__ import annotations

from collections.abc import Iterator

_OPENING, _CLOSING = frozenset(b"[{"), frozenset(b"]}")
_QUOTE, _BACKSLASH = b'"\\'


class Containers:
    """Those of `text`, which may break off: what is open then ends with it. O(bytes)."""

    def __init__(self, text: bytes) -> None:
        self._ends: list[int] = []
        self._around: list[int] = []  # the container around each; -1 is none
        self._strings: list[bool] = []  # whether each is a string
        self._at: list[int] = []  # the innermost container that is open before each byte
        self._escaped: set[int] = set()
        here, is_string, is_escaped = -1, False, False
        for offset, byte in enumerate(text):
            self._at.append(here)
            if is_escaped:
                self._escaped.add(offset)
                is_escaped = False
            elif is_string and byte == _BACKSLASH:
                is_escaped = True
            elif byte == _QUOTE if is_string else byte in _CLOSING:
                if here >= 0:
                    self._ends[here] = offset + 1
                    here, is_string = self._around[here], False
            elif not is_string and (byte == _QUOTE or byte in _OPENING):
                self._ends.append(len(text))
                self._around.append(here)
                self._strings.append(byte == _QUOTE)
                here, is_string = len(self._ends) - 1, byte == _QUOTE
        self._at.append(here)
        if is_escaped:
            self._escaped.add(len(text))

    def ended(self, text: bytes, begin: int, piece: bytes) -> Iterator[tuple[int, bytes]]:
        """`text` where `piece` at byte `begin` ends what is open there, and the rest is as it was: for each container that it
        ends in turn, with how much of the piece that takes."""
        here, opened, is_escaped = self._at[begin], 0, begin in self._escaped
        is_string = here >= 0 and self._strings[here]
        for at, byte in enumerate(piece):
            if is_string and (is_escaped or byte == _BACKSLASH):
                is_escaped = not is_escaped
            elif byte == _QUOTE if is_string else byte in _CLOSING:
                is_string = False
                if opened:
                    opened -= 1
                elif here >= 0:
                    yield at + 1, text[:begin] + piece[: at + 1] + text[self._ends[here] :]
                    here = self._around[here]
            elif not is_string and (byte == _QUOTE or byte in _OPENING):
                opened, is_string = opened + 1, byte == _QUOTE
