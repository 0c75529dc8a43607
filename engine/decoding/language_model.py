"""What the decode loop sees of a model: two small protocols, and the matcher's.

`LanguageModel` is the vocabulary and its way of splitting text; `Sequences` is one context with numbered sequences of
tokens. The llama.cpp ones are in `llama`, a scripted one beside them in `scripted`. Sequence 0 holds the prompt's
shared prefix, 1 to `count` hold a document each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from engine.guards.frontier import Refusal
from engine.masks.vocabulary import BoolArray, Vocabulary

# The logits of one position: float32, one for each token of the vocabulary.
Row = npt.NDArray[np.float32]

PREFIX_SEQUENCE = 0


@dataclass(frozen=True, slots=True)
class Feed:
    """`tokens` continue sequence `sequence` at position `start`; the last `rows` of them answer with logits."""

    sequence: int
    start: int
    tokens: tuple[int, ...]
    rows: int


class LanguageModel(Protocol):
    """A model's vocabulary and its own way of cutting text into tokens."""

    @property
    def vocabulary(self) -> Vocabulary: ...

    def tokenize(self, text: bytes, /) -> tuple[int, ...]:
        """Valid UTF-8 as the model's own plain text: no special tokens but user-defined ones, no added space."""


class Sequences(Protocol):
    """The sequences of one context: tokens in, rows of logits out, and back again."""

    @property
    def count(self) -> int:
        """How many documents can be held at once."""

    @property
    def branches(self) -> int:
        """How many more sequences, numbered behind those of documents, there are to try continuations in."""

    @property
    def n_ctx(self) -> int:
        """How many tokens all sequences hold together; tokens that sequences share count once."""

    @property
    def n_batch(self) -> int:
        """How many tokens one pass takes."""

    @property
    def max_rows(self) -> int:
        """How many rows of logits one pass answers."""

    @property
    def max_length(self) -> int:
        """How long one sequence may get."""

    def decode(self, feeds: Sequence[Feed], /) -> list[list[Row]]:
        """One forward pass. The rows of each feed are views that hold until the next pass."""

    def truncate(self, sequence: int, length: int, /) -> None:
        """Forget all positions from `length` on."""

    def share(self, source: int, target: int, length: int, /) -> None:
        """Let the empty sequence `target` begin with the first `length` tokens of `source`."""


class TokenMatcher(Protocol):
    """The grammar's side of a generation; `engine.masks.matcher` has the real one."""

    @property
    def finished(self) -> bool:
        """An end token was accepted, or nothing but the end is possible."""

    @property
    def output(self) -> bytes:
        """All bytes accepted so far."""

    def output_between(self, start: int, end: int, /) -> bytes:
        """The bytes from `start` to `end` of them. O(these bytes)."""

    @property
    def items_end(self) -> int:
        """Where the last finished item of the outermost array ends; 0 before there is one."""

    def mask(self) -> BoolArray:
        """Which token ids may follow; shared and cached, not to be written to."""

    def allows(self, token: int, /) -> bool: ...

    def accept(self, token: int, /) -> None:
        """Raises `TokenRejected` and stays as it was where the token may not follow."""

    def rollback(self, count: int, /) -> None:
        """Undo the last `count` tokens."""

    def forced(self) -> bytes:
        """The bytes that must follow whatever is chosen; possibly none."""

    def closing(self) -> tuple[int, ...] | None:
        """Tokens that complete the output in a short way; none where it may end now. None: no tokens do."""

    @property
    def guarded(self) -> bool:
        """Whether guards may refuse what is otherwise allowed."""

    def refusals(self) -> tuple[Refusal, ...]:
        """What guards refuse at the end of the output."""
