"""Drafts: tokens that are sent along with a pass in the hope that the model will choose them.

Two kinds: the end of forced text, whose spelling is not certain, and text that goes on as the document does (prompt lookup). A
draft is held against the model's own choice under the grammar, so it changes no output; it saves a pass where it is right and
costs a row where it is not. Whether that pays depends on the machine (see `pass_times`) and on how often drafts were right so
far in this run.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from itertools import accumulate

from engine.decoding.forced_tokens import ForcedTokenizer
from engine.decoding.pass_times import PassTimes

# The most drafts that one document sends along.
MOST_DRAFTS = 7
_LONGEST_MATCH, _SHORTEST_MATCH = 24, 3  # bytes
_FOLLOWING = 48  # bytes


class DraftKind(Enum):
    """Where drafts come from, with how many of the first ten are thought to be right before any were seen."""

    FORCED = 8
    SOURCE = 6


class SourceDrafts:
    """What may follow an output, read off the prompt of its document."""

    def __init__(self, prompt: bytes, spelling: ForcedTokenizer) -> None:
        self._prompt, self._spelling = prompt, spelling

    def after(self, output: bytes) -> tuple[int, ...]:
        """The tokens that follow in the prompt, behind the last place where the end of `output` stands.

        Only the string that is being written counts, from three bytes on.
        """
        written = output[output.rfind(b'"') + 1 :][-_LONGEST_MATCH:]
        while len(written) >= _SHORTEST_MATCH:
            place = self._prompt.rfind(written)
            if place >= 0:
                start = place + len(written)
                following = self._prompt[start : start + _FOLLOWING]
                tokens = self._spelling.spell(following).tokens
                # The last one may be cut.
                return tokens[: min(MOST_DRAFTS, len(tokens) - 1)]
            written = written[len(written) // 4 + 1 :]
        return ()


class DraftPolicy:
    """How many drafts to send along; without `times` all of the forced ones, and none of the source."""

    def __init__(self, times: PassTimes | None) -> None:
        self._times = times
        self._right = {kind: float(kind.value) for kind in DraftKind}
        self._wrong = {kind: 10.0 - kind.value for kind in DraftKind}

    def learn(self, kind: DraftKind, sent: int, right: int) -> None:
        """Of `sent` drafts the first `right` were what the model chose."""
        self._right[kind] += right
        self._wrong[kind] += right < sent

    def looks_up(self, documents: int) -> bool:
        """Whether it may pay to look for drafts in the sources, with so many documents in a pass."""
        if self._times is None or documents == 0:
            return False
        return self.most([(DraftKind.SOURCE, MOST_DRAFTS)] * documents) > 0

    def most(self, drafts: Sequence[tuple[DraftKind, int]], others: int = 0) -> int:
        """How many drafts each document may send along. `drafts`: how many each has; `others`: further tokens in the pass."""
        longest = min(MOST_DRAFTS, max((count for _, count in drafts), default=0))
        if self._times is None or longest == 0:
            return longest
        # Tokens that a document with so many drafts brings on.
        gains = {
            kind: list(accumulate(self._chance(kind) ** place for place in range(longest + 1))) for kind in DraftKind
        }
        best, most = 0.0, 0
        for length in range(longest + 1):
            tokens = sum(gains[kind][min(count, length)] for kind, count in drafts)
            rows = sum(1 + min(count, length) for _, count in drafts)
            rate = tokens / (self._times.of(rows) + others * self._times.prompt)
            if rate > best:
                best, most = rate, length
        return most

    def _chance(self, kind: DraftKind) -> float:
        return self._right[kind] / (self._right[kind] + self._wrong[kind])
