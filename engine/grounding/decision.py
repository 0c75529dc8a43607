"""Decision: what a decoder and a grounded document say to each other.

After each choice the decoder asks, with the output so far, what is to be decided as a whole next (`Decisions`). The answer is
text that is decided already (`Write`), fields of an object that are asked for one by one and then put together (`Fill`), or
a place at which whole continuations are compared (`Continuation`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.masks.matcher import Matcher

FieldPath = tuple[str | int, ...]  # keys and indices
Span = tuple[int, int]  # half-open, in characters of the document
Values = Mapping[FieldPath, bytes]  # the JSON text of values that are decided; empty where none could be found


class Continuation(Protocol):
    """How far a continuation of an output has come. Immutable."""

    @property
    def is_over(self) -> bool:
        """What is to be decided is written."""

    @property
    def ends_list(self) -> bool:
        """It was decided that nothing more comes."""

    @property
    def has_begun(self) -> bool:
        """The value that is decided on has begun."""

    @property
    def text(self) -> bytes:
        """The JSON text of the value that was decided on."""

    @property
    def path(self) -> FieldPath:
        """Where in the output that value stands."""

    @property
    def worth(self) -> float:
        """What is added to its log probability; never more than for what it goes on from."""

    def feed(self, data: bytes, /) -> Continuation: ...

    def end(self) -> Continuation:
        """The output ends here."""

    def draft(self) -> bytes:
        """What may well follow; possibly nothing."""


class Blank(Protocol):
    """A field of an object whose value is asked for by itself."""

    @property
    def path(self) -> FieldPath: ...

    @property
    def key(self) -> bytes:
        """What leads to the value from the beginning of its object: `{"city": `."""

    @property
    def source(self) -> str:
        """The document."""

    def begin(self, offset: int, taken: Sequence[Span], /) -> tuple[Matcher, Continuation]:
        """What may be written from the byte `offset` of the output on, up to the value with its key, and the state there.
        Pieces of the document that are `taken` are worth less."""

    def spans(self, text: bytes, /) -> tuple[Span, ...]:
        """Where a value may stand in the document; none if it need not."""


@dataclass(frozen=True, slots=True)
class Write:
    """These bytes are decided already."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Fill:
    """These blanks are to be filled together; they begin behind the first `start` bytes of the output."""

    start: int
    blanks: tuple[Blank, ...]


class Decisions(Protocol):
    """What is decided as a whole in one document's output."""

    def note(self, path: FieldPath, considered: Sequence[tuple[bytes, float]], /) -> None:
        """Keep the values that were considered at a path, each with its score (natural logarithm)."""

    def at(self, output: bytes, forced: bytes, values: Values, /) -> Continuation | Fill | Write | None:
        """What is to be done at the end of `output`, which goes on with `forced`, where `values` are decided; None: to choose
        the next token."""
