"""The tokens of a language model as bytes, and which of them may stand in an output.

A vocabulary knows nothing of where it came from: `engine.decoding.read_vocabulary` reads one from a GGUF file, tests
make one with `Vocabulary.from_pieces`. Texts may repeat, and tokens that are only signals (control, unknown, unused,
chat markers) have no text here or are not ordinary: they can never be in a mask.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """`pieces[id]` is the exact text of a token; equality is that of `identity`, a digest of all contents.

    `ordinary[id]` says whether the token may be in a mask as text; `end_tokens` are all ids that end a generation.
    """

    pieces: tuple[bytes, ...]
    ordinary: BoolArray
    end_tokens: frozenset[int]
    identity: str

    def __post_init__(self) -> None:
        if self.ordinary.shape != (len(self.pieces),) or self.ordinary.dtype != np.bool_:
            raise ValueError("ordinary must be a bool for each piece")
        if any(not 0 <= token < len(self.pieces) for token in self.end_tokens):
            raise ValueError("an end token lies outside of the vocabulary")
        if any(self.ordinary[token] for token in self.end_tokens):
            raise ValueError("an end token cannot be text")
        if any(not self.pieces[token] for token in np.flatnonzero(self.ordinary)):
            raise ValueError("a token without text cannot be ordinary")
        self.ordinary.setflags(write=False)

    @classmethod
    def from_pieces(
        cls, pieces: Sequence[bytes], *, signals: Iterable[int] = (), end_tokens: Iterable[int] = ()
    ) -> Vocabulary:
        """A hand-made vocabulary; `signals` are the ids of control tokens and the like.

        >>> Vocabulary.from_pieces([b"a", b"b", b"<end>"], end_tokens=[2]).ordinary.tolist()
        [True, True, False]
        """
        ends = frozenset(end_tokens)
        ordinary = np.array([bool(piece) for piece in pieces], dtype=np.bool_)
        ordinary[[*ends, *signals]] = False
        return cls(tuple(pieces), ordinary, ends, vocabulary_digest(pieces, ordinary, ends))

    def __len__(self) -> int:
        return len(self.pieces)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.identity == other.identity

    def __hash__(self) -> int:
        return hash(self.identity)


@lru_cache(maxsize=4)
def first_bytes(vocabulary: Vocabulary) -> npt.NDArray[np.int16]:
    """The first byte of each token; -1 where it has no text."""
    return np.array([piece[0] if piece else -1 for piece in vocabulary.pieces], np.int16)


def vocabulary_digest(pieces: Sequence[bytes], ordinary: BoolArray, end_tokens: Iterable[int]) -> str:
    """32 hex digits that differ where anything in the vocabulary differs."""
    state = hashlib.blake2b(digest_size=16)
    lengths = np.fromiter(map(len, pieces), dtype="<i8", count=len(pieces))
    ends = np.array(sorted(end_tokens), dtype="<i8")
    for part in (lengths.tobytes(), b"".join(pieces), ordinary.tobytes(), ends.tobytes()):
        state.update(len(part).to_bytes(8, "little"))
        state.update(part)
    return state.hexdigest()
