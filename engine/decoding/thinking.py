"""Thinking: the free text that a model writes before an answer under a grammar.

In: rows of logits, one for each token of the thought. Out: the tokens to go on with. A thought ends with its closing mark, or
after `max_tokens`, or where the model would end its turn; then the mark is written for it, and the answer begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.decoding.language_model import Row
from engine.decoding.sampler import Sampler
from engine.masks.vocabulary import Vocabulary

# The draws of an answer count from 0.
_FIRST_DRAW = 1 << 62


@dataclass(frozen=True, slots=True)
class Thinking:
    """A thought of at most `max_tokens`. `closing` is the text that ends it, `closing_tokens` are single tokens of that text;
    `answer` leads from there to the answer, `ending` is both, for a thought that is cut off."""

    max_tokens: int
    closing: bytes
    closing_tokens: frozenset[int]
    answer: tuple[int, ...]
    ending: tuple[int, ...]

    @property
    def room(self) -> int:
        """How many tokens a context needs for it at most."""
        return self.max_tokens + max(len(self.answer), len(self.ending))


@dataclass(slots=True)
class Thought:
    """One thought as it is written."""

    thinking: Thinking
    vocabulary: Vocabulary
    sampler: Sampler
    text: bytes = b""
    count: int = 0
    over: bool = False

    def go_on(self, row: Row) -> Sequence[int]:
        """The next token, and what follows it where that ends the thought."""
        token = self.sampler.pick(row, _FIRST_DRAW + self.count, 0)
        if token in self.thinking.closing_tokens:
            self.over = True
            return (token, *self.thinking.answer)
        if token in self.vocabulary.end_tokens:
            self.over = True
            return self.thinking.ending
        self.count += 1
        self.text += self.vocabulary.pieces[token]
        found = self.text.find(self.thinking.closing)
        if found >= 0:
            self.over = True
            rest, self.text = self.text[found + len(self.thinking.closing) :], self.text[:found]
            return (token,) if rest else (token, *self.thinking.answer)
        if self.count == self.thinking.max_tokens:
            self.over = True
            return (token, *self.thinking.ending)
        return (token,)
