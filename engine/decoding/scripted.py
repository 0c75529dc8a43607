"""A language model that follows a script: any function from the tokens so far to logits.

Ships beside the real one, so that everything above the protocol is tested without a model file, and exactness can be
stated: equal logits give equal text. It keeps the same books as a KV cache and refuses what llama.cpp would refuse or,
worse, take: positions that do not continue a sequence, more tokens than the context holds, more rows than promised.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np

from engine.decoding.language_model import Feed, Row
from engine.errors import BackendFailed
from engine.masks.vocabulary import Vocabulary

# From all tokens of a sequence to the logits of what follows them.
Script = Callable[[tuple[int, ...]], Row]


class ScriptedModel:
    """A `LanguageModel` that splits text longest match first."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._ids: dict[bytes, int] = {}
        for token in np.flatnonzero(vocabulary.ordinary).tolist():
            self._ids.setdefault(vocabulary.pieces[token], token)
        self._longest = max(map(len, self._ids), default=0)

    def tokenize(self, text: bytes) -> tuple[int, ...]:
        """Like llama.cpp on a vocabulary with gaps, bytes that no token has are left out."""
        tokens, at = [], 0
        while at < len(text):
            sizes = range(min(self._longest, len(text) - at), 0, -1)
            size = next((size for size in sizes if text[at : at + size] in self._ids), None)
            if size is not None:
                tokens.append(self._ids[text[at : at + size]])
            at += size or 1
        return tuple(tokens)


class ScriptedSequences:
    """`Sequences` that answer by `script`; `passes` and `rows` count what was asked."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        script: Script,
        *,
        count: int = 1,
        n_ctx: int = 4096,
        n_batch: int = 512,
        branches: int = 8,
    ) -> None:
        self.count, self.n_ctx, self.n_batch, self.branches = count, n_ctx, n_batch, branches
        self.max_rows, self.max_length = max(48, 8 * count), n_ctx
        self.passes = 0
        self.rows = 0
        self.tokens = 0
        self._width = len(vocabulary)
        self._script = script
        self._held: dict[int, tuple[int, ...]] = {}
        # Cells of the cache: a token, with what came before it, counts once for all sequences that share it.
        self._cells: dict[int, tuple[int, ...]] = {}
        self._next_cell = 0

    def held(self, sequence: int) -> tuple[int, ...]:
        return self._held.get(sequence, ())

    def decode(self, feeds: Sequence[Feed]) -> list[list[Row]]:
        total, rows = sum(len(feed.tokens) for feed in feeds), sum(feed.rows for feed in feeds)
        if not 0 < total <= self.n_batch or rows > self.max_rows:
            raise BackendFailed("decode", f"{total} tokens and {rows} rows do not fit into one pass")
        self.passes += 1
        self.rows += rows
        self.tokens += total
        return [self._feed(feed) for feed in feeds]

    def _feed(self, feed: Feed) -> list[Row]:
        held = self.held(feed.sequence)
        if feed.start != len(held):
            raise BackendFailed("decode", f"sequence {feed.sequence} has {len(held)} tokens, not {feed.start}")
        if not all(0 <= token < self._width for token in feed.tokens):
            raise BackendFailed("decode", "a token lies outside of the vocabulary")
        cells = range(self._next_cell, self._next_cell + len(feed.tokens))
        self._next_cell = cells.stop
        self._cells[feed.sequence] = (*self._cells.get(feed.sequence, ()), *cells)
        self._held[feed.sequence] = held + feed.tokens
        if len(set().union(*self._cells.values())) > self.n_ctx:
            raise BackendFailed("decode", "the cache is full")
        ends = range(len(held) + len(feed.tokens) - feed.rows, len(held) + len(feed.tokens))
        return [self._script(self._held[feed.sequence][: end + 1]) for end in ends]

    def truncate(self, sequence: int, length: int) -> None:
        self._held[sequence] = self.held(sequence)[:length]
        self._cells[sequence] = self._cells.get(sequence, ())[:length]

    def share(self, source: int, target: int, length: int) -> None:
        if self.held(target) or length > len(self.held(source)):
            raise BackendFailed("share", f"sequence {target} is not empty, or {source} is too short")
        self._held[target] = self.held(source)[:length]
        self._cells[target] = self._cells[source][:length]


def _all_tokens(tokens: tuple[int, ...]) -> bytes:
    return np.array(tokens, dtype="<i4").tobytes()


def hashed_script(width: int, seed: int = 0, *, context: Callable[[tuple[int, ...]], bytes] = _all_tokens) -> Script:
    """Logits that look random and depend on everything before: on all tokens, or on what `context` makes of them."""

    def script(tokens: tuple[int, ...]) -> Row:
        digest = hashlib.blake2b(context(tokens), key=seed.to_bytes(8, "little"), digest_size=8).digest()
        generator = np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))
        return generator.standard_normal(width, dtype=np.float32)

    return script
