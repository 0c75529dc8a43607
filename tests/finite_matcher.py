"""A matcher over a finite list of allowed outputs: exact by listing, to test the decode loop without a grammar.

A token is allowed where some output of the list goes on with it and can be finished by tokens of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from engine.errors import TokenRejected
from engine.masks.vocabulary import BoolArray, Vocabulary


class FiniteMatcher:
    def __init__(self, outputs: Iterable[bytes], vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._ids: dict[bytes, list[int]] = {}
        for token in np.flatnonzero(vocabulary.ordinary).tolist():
            self._ids.setdefault(vocabulary.pieces[token], []).append(token)
        self._longest = max(map(len, self._ids))
        # For each output and place in it, a shortest way to its end in tokens; None where there is none.
        self._ways = {output: self._completions(output) for output in outputs}
        self._accepted: list[int] = []
        self.output = b""

    def _completions(self, output: bytes) -> list[tuple[int, ...] | None]:
        ways: list[tuple[int, ...] | None] = [None] * len(output) + [()]
        for start in range(len(output) - 1, -1, -1):
            found = [
                (self._ids[output[start:end]][0], *rest)
                for end in range(start + 1, min(len(output), start + self._longest) + 1)
                if output[start:end] in self._ids and (rest := ways[end]) is not None
            ]
            ways[start] = min(found, key=len, default=None)
        return ways

    def _possible(self, text: bytes) -> list[tuple[int, ...]]:
        """The ways to complete `text`."""
        ways = (ways[len(text)] for output, ways in self._ways.items() if output.startswith(text))
        return [way for way in ways if way is not None]

    @property
    def _ended(self) -> bool:
        return bool(self._accepted) and self._accepted[-1] in self._vocabulary.end_tokens

    @property
    def finished(self) -> bool:
        return self._ended or set(self._possible(self.output)) == {()}

    @property
    def dead_end(self) -> bool:
        return not self._possible(self.output)

    def mask(self) -> BoolArray:
        return np.array([self.allows(token) for token in range(len(self._vocabulary))], dtype=np.bool_)

    def allows(self, token: int, /) -> bool:
        if self._ended:
            return False
        if token in self._vocabulary.end_tokens:
            return () in self._possible(self.output)
        return bool(self._vocabulary.ordinary[token]) and bool(
            self._possible(self.output + self._vocabulary.pieces[token])
        )

    def accept(self, token: int, /) -> None:
        if not self.allows(token):
            raise TokenRejected(token, self._vocabulary.pieces[token])
        self._accepted.append(token)
        if token not in self._vocabulary.end_tokens:
            self.output += self._vocabulary.pieces[token]

    def rollback(self, count: int, /) -> None:
        assert 0 < count <= len(self._accepted)
        del self._accepted[-count:]
        ends = self._vocabulary.end_tokens
        self.output = b"".join(self._vocabulary.pieces[token] for token in self._accepted if token not in ends)

    def forced(self) -> bytes:
        if self._ended:
            return b""
        outputs = [
            o for o, ways in self._ways.items() if o.startswith(self.output) and ways[len(self.output)] is not None
        ]
        shortest = min(outputs, key=len, default=b"")
        end = len(self.output)
        while end < len(shortest) and all(output[: end + 1] == shortest[: end + 1] for output in outputs):
            end += 1
        return shortest[len(self.output) : end]

    def closing(self) -> tuple[int, ...]:
        return min(self._possible(self.output), key=len, default=())
