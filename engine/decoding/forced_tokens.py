"""Forced bytes as tokens: which tokens the model would have written for text that the grammar leaves no choice about.

The text is tokenised as the model's own (a model is trained on that spelling). Tokens are *certain* as long as every
token of the vocabulary that could stand there lies within the forced text; from the first place on where a longer token
could reach past its end, the rest are *drafts*: the model might have merged the end with what follows, so each is held
against the model's choice. Bytes that the tokens do not reproduce exactly are left to the model.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from engine.basics.lru import LruCache
from engine.decoding.language_model import LanguageModel

_REMEMBERED, _REMEMBERED_BYTES = 4096, 4 << 20


@dataclass(frozen=True, slots=True)
class ForcedTokens:
    """The texts of `certain` and `drafts` together are the forced bytes, or a part from their beginning."""

    certain: tuple[int, ...]
    drafts: tuple[int, ...]

    @property
    def tokens(self) -> tuple[int, ...]:
        return (*self.certain, *self.drafts)


class ForcedTokenizer:
    """Spells forced bytes for one model; remembers what it has spelled, because each object forces the same keys."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self._pieces = model.vocabulary.pieces
        self._ordinary = model.vocabulary.ordinary
        self._sorted: list[bytes] | None = None
        self._remembered: LruCache[bytes, ForcedTokens] = LruCache(
            _REMEMBERED, weight=_REMEMBERED_BYTES, weigh=lambda forced, spelled: len(forced) + 8 * len(spelled.tokens)
        )

    def spell(self, forced: bytes) -> ForcedTokens:
        return self._remembered.get(forced, lambda: self._spell(forced))

    def _spell(self, forced: bytes) -> ForcedTokens:
        tokens = self._reproducing(forced)
        rest = forced
        for index, token in enumerate(tokens):
            if self._reaches_past(rest):
                return ForcedTokens(tokens[:index], tokens[index:])
            rest = rest[len(self._pieces[token]) :]
        return ForcedTokens(tokens, ())

    def _reproducing(self, forced: bytes) -> tuple[int, ...]:
        """The model's tokens for the text, up to the first one whose bytes are not those of the text."""
        tokens, at = self._model.tokenize(_whole_characters(forced)), 0
        for index, token in enumerate(tokens):
            piece = self._pieces[token]
            if not self._ordinary[token] or not forced.startswith(piece, at):
                return tokens[:index]
            at += len(piece)
        return tokens

    def _reaches_past(self, rest: bytes) -> bool:
        """Whether a token of the vocabulary begins with all of `rest` and goes on."""
        if self._sorted is None:
            self._sorted = sorted({self._pieces[token] for token in np.flatnonzero(self._ordinary)})
        # What begins with `rest` stands right behind it.
        place = bisect_right(self._sorted, rest)
        return place < len(self._sorted) and self._sorted[place].startswith(rest)


def _whole_characters(text: bytes) -> bytes:
    """The longest beginning that is UTF-8: forced bytes may end, or even begin, inside of a character."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        return text[: error.start]
    return text
