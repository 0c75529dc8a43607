"""Depth limit: how deep a JSON text nests, and where it must stop opening containers.

Readers of JSON refuse what nests too deeply (Pydantic's stops at 201 levels), while the grammar of a recursive type goes on
for ever. So a grammar that was lowered from a schema says how deep its texts may nest, and a token is allowed only where the
text up to it, and a short way to close it from there, stay within. The brackets of a text bound its depth and are counted
in no time; the strings are looked at only in texts that have many of them. A mask near the limit is thinned of the tokens
that open something or begin a key; what a key leads to is seen when its next token is accepted. The short way is the
shortest, not the flattest: at the very last level a member is left out rather than null.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from engine.masks.vocabulary import Vocabulary

# A string, or the beginning of one that is not closed yet.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_NEAR = 32  # levels that one token and what closes it may add
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def depths(text: bytes) -> tuple[int, int]:
    """How many arrays and objects are open at the end of the beginning of a JSON text, and the most that were."""
    depth = deepest = 0
    for byte in _STRING.sub(b"", text).translate(None, _NOT_BRACKETS):
        depth += 1 if byte in b"[{" else -1
        deepest = max(deepest, depth)
    return depth, deepest


def openings(text: bytes) -> int:
    """An upper bound of the depth."""
    return text.count(b"[") + text.count(b"{")


class DepthTracker:
    """The depth of one JSON text that grows and is taken back; only what is new is looked at."""

    def __init__(self) -> None:
        self._known, self._depth = 0, 0  # a byte outside of strings, and the depth before it

    def rewind(self, length: int) -> None:
        """The text is cut to `length` bytes."""
        if length < self._known:
            self._known, self._depth = 0, 0

    def of(self, output: bytes) -> int:
        """How many arrays and objects are open at its end."""
        new = output[self._known :]
        end = len(new)
        for string in _STRING.finditer(new):
            if not string[0].endswith(b'"') or len(string[0]) == 1 or _escaped_end(string[0]):
                end = string.start()
        depth = self._depth + depths(new[:end])[0]
        self._known, self._depth = self._known + end, depth
        return depth

    def _at_most(self, output: bytes) -> int:
        """An upper bound of `of`, from what is new alone: in a long text, what is known is not counted again."""
        return self._depth + openings(output[self._known :])

    def too_deep(self, output: bytes, piece: bytes, closing: Callable[[], bytes], limit: int) -> bool:
        """Whether `output` with `piece` and its `closing` nests deeper than `limit`; `output` alone does not."""
        half = limit // 2  # no schema itself nests so deep that what closes a text would take the other half
        if self._at_most(output) + openings(piece) <= half or self.of(output) + openings(piece) <= half:
            return False
        return self._depth + depths(output[self._known :] + piece + closing())[1] > limit

    def is_near(self, output: bytes, limit: int) -> bool:
        """Whether a token could make it too deep."""
        return self._at_most(output) > limit - _NEAR and self.of(output) > limit - _NEAR


def _escaped_end(string: bytes) -> bool:
    """Whether the quote at the end is escaped, so that the string goes on."""
    slashes = len(string) - 1 - len(string[:-1].rstrip(b"\\"))
    return slashes % 2 == 1


@lru_cache(maxsize=4)
def opening_tokens(vocabulary: Vocabulary) -> tuple[int, ...]:
    """The tokens that may open an array, an object, a string or a key."""
    return tuple(token for token, piece in enumerate(vocabulary.pieces) if re.search(rb'[\[{"]', piece))
