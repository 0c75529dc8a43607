"""Depth limit: how deep a JSON text nests, and where it must stop opening containers.

Readers of JSON refuse what nests too deeply (Pydantic's stops at 201 levels), while the grammar of a recursive type goes on
for ever. So a grammar that was lowered from a schema says how deep its texts may nest, and a token is allowed only where the
text up to it, and a short way to close it from there, stay within. The brackets of a text bound its depth and are counted
in no time; the tracker is asked only where there are many of them. A mask near the limit is thinned of the tokens
that open something or begin a key; what a key leads to is seen when its next token is accepted. The short way is the
shortest, not the flattest: at the very last level a member is left out rather than null.
"""

from __future__ import annotations

import re
from functools import lru_cache

from engine.automaton.tracker import Tracker
from engine.masks.vocabulary import Vocabulary

# A string, or the beginning of one that is not closed yet.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
NEAR_LIMIT = 32  # levels that one token and what closes it may add
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def deepest(tracker: Tracker, rest: bytes) -> int:
    """The most arrays and objects that are open anywhere in `rest`, which follows the tracker's text."""
    if tracker.in_string:
        rest = (b'"\\' if tracker.in_escape else b'"') + rest
    depth = most = tracker.depth
    for byte in _STRING.sub(b"", rest).translate(None, _NOT_BRACKETS):
        depth += 1 if byte in b"[{" else -1
        most = max(most, depth)
    return most


def openings(text: bytes) -> int:
    """An upper bound of how much deeper a text leads."""
    return text.count(b"[") + text.count(b"{")


@lru_cache(maxsize=4)
def opening_tokens(vocabulary: Vocabulary) -> tuple[int, ...]:
    """The tokens that may open an array, an object, a string or a key."""
    return tuple(token for token, piece in enumerate(vocabulary.pieces) if re.search(rb'[\[{"]', piece))
