"""A matcher over a finite list of allowed outputs: exact by listing, to test the decode loop without a grammar.

A token is allowed where some output of the list goes on with it and can be finished by tokens of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from engine.automaton.tracker import Tracker
from engine.errors import TokenRejected
from engine.guards.frontier import Refusal
from engine.masks.vocabulary import BoolArray, Vocabulary

# A way to the end of an output in tokens; None where there is none.
Way = tuple[int, ...] | None


class FiniteLanguage:
    """The allowed outputs; what is found out about a text is remembered for all matchers."""

    def __init__(self, outputs: Iterable[bytes], vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._ids: dict[bytes, list[int]] = {}
        for token in np.flatnonzero(vocabulary.ordinary).tolist():
            self._ids.setdefault(vocabulary.pieces[token], []).append(token)
        self._longest = max(map(len, self._ids))
        self._ways = {output: self._completions(output) for output in outputs}
        self._possible: dict[bytes, tuple[tuple[bytes, tuple[int, ...]], ...]] = {}
        self._masks: dict[bytes, BoolArray] = {}

    def _completions(self, output: bytes) -> list[Way]:
        """For each place in an output a shortest way from there to its end."""
        ways: list[Way] = [None] * len(output) + [()]
        for start in range(len(output) - 1, -1, -1):
            found = [
                (self._ids[output[start:end]][0], *rest)
                for end in range(start + 1, min(len(output), start + self._longest) + 1)
                if output[start:end] in self._ids and (rest := ways[end]) is not None
            ]
            ways[start] = min(found, key=len, default=None)
        return ways

    def possible(self, text: bytes) -> tuple[tuple[bytes, tuple[int, ...]], ...]:
        """The outputs that `text` begins and tokens can complete, with the shortest way."""
        if text not in self._possible:
            ways = ((output, ways[len(text)]) for output, ways in self._ways.items() if output.startswith(text))
            self._possible[text] = tuple((output, way) for output, way in ways if way is not None)
        return self._possible[text]

    def allows(self, text: bytes, token: int) -> bool:
        if token in self.vocabulary.end_tokens:
            return any(not way for _, way in self.possible(text))
        return bool(self.vocabulary.ordinary[token]) and bool(self.possible(text + self.vocabulary.pieces[token]))

    def mask(self, text: bytes) -> BoolArray:
        if text not in self._masks:
            mask = np.zeros(len(self.vocabulary), dtype=np.bool_)
            mask[[token for token in self.vocabulary.end_tokens if self.allows(text, token)]] = True
            for output, _ in self.possible(text):
                for end in range(len(text) + 1, min(len(output), len(text) + self._longest) + 1):
                    if self.possible(output[:end]):
                        mask[self._ids.get(output[len(text) : end], [])] = True
            self._masks[text] = mask
        return self._masks[text]


class FiniteMatcher:
    def __init__(self, language: FiniteLanguage) -> None:
        self._language = language
        self._texts = [b""]
        self._ended = False

    @property
    def output(self) -> bytes:
        return self._texts[-1]

    def output_between(self, start: int, end: int, /) -> bytes:
        return self.output[start:end]

    @property
    def items_end(self) -> int:
        return Tracker().feed(self.output).items_end

    @property
    def finished(self) -> bool:
        return self._ended or {way for _, way in self._language.possible(self.output)} == {()}

    def mask(self) -> BoolArray:
        return self._language.mask(self.output)

    def allows(self, token: int, /) -> bool:
        return not self._ended and self._language.allows(self.output, token)

    def accept(self, token: int, /) -> None:
        vocabulary = self._language.vocabulary
        if not self.allows(token):
            raise TokenRejected(token, vocabulary.pieces[token])
        self._ended = token in vocabulary.end_tokens
        self._texts.append(self.output if self._ended else self.output + vocabulary.pieces[token])

    def rollback(self, count: int, /) -> None:
        assert 0 < count < len(self._texts)
        del self._texts[-count:]
        self._ended = False

    def forced(self) -> bytes:
        outputs = [] if self._ended else [output for output, _ in self._language.possible(self.output)]
        shortest = min(outputs, key=len, default=b"")
        end = len(self.output)
        while end < len(shortest) and all(output[: end + 1] == shortest[: end + 1] for output in outputs):
            end += 1
        return shortest[len(self.output) : end]

    guarded = False

    def refusals(self) -> tuple[Refusal, ...]:
        return ()

    def closing(self) -> tuple[int, ...]:
        return min((way for _, way in self._language.possible(self.output)), key=len, default=())
