"""One document's generation: which tokens go into the next pass, and what its logits lead to.

A generation knows nothing of llama.cpp or of other documents. `feed` names the tokens that its sequence still lacks:
the prompt at first, later the token that was chosen last, what the grammar forces after it, and drafts. `advance` takes
the rows of logits for them, chooses tokens, and goes on until one differs from the draft that was sent along.

The budget: after every token, the number of tokens left is at least the number that it takes to close the output. A
token that would break this is taken back and the next best is chosen, so the output is never cut. The end token does
not count. `max_tokens` below the shortest output is refused at the start.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from engine.decoding.language_model import Feed, Matcher, Row
from engine.decoding.sampler import GREEDY, Sampler, Sampling
from engine.decoding.spelling import Spelling
from engine.decoding.statistics import Statistics
from engine.errors import BackendFailed, BudgetTooSmall, DeadEnd, TokenRejected
from engine.masks.vocabulary import Vocabulary

Finish = Literal["complete", "budget"]
Jump = Literal["spelled", "verified", "off"]

# How many candidates are tried one by one when the budget refuses them, before the shortest way to close is taken. The
# refusals come in a row where the output must close at once; each costs a step of the matcher.
_TRIED = 512


class Generation:
    """`jump`: "spelled" trusts certain forced tokens, "verified" asks the model about each, "off" never jumps."""

    def __init__(
        self,
        document: int,
        matcher: Matcher,
        spelling: Spelling,
        vocabulary: Vocabulary,
        statistics: Statistics,
        *,
        max_tokens: int,
        sampling: Sampling = GREEDY,
        jump: Jump = "spelled",
    ) -> None:
        self.document = document
        self.finish: Finish | None = None
        self.length = 0
        self._matcher = matcher
        self._spelling = spelling
        self._pieces = vocabulary.pieces
        self._ends = vocabulary.end_tokens
        self._statistics = statistics
        self._sampler = Sampler(sampling, document)
        self._jump = jump
        self._left = max_tokens
        self._written = 0
        self._cut = False
        self._pending: list[int] = []
        self._drafts: tuple[int, ...] = ()
        self._fresh = bytearray()
        with statistics.stage("mask"):
            self._closing = matcher.closing()
        if len(self._closing) > max_tokens:
            raise BudgetTooSmall(document, max_tokens, len(self._closing))

    def start(self, prompt: Sequence[int], length: int) -> None:
        """Begin with the tokens of the prompt, the first `length` of which the sequence holds already."""
        self.length = length
        self._pending = list(prompt[length:])
        self._settle()

    def take_output(self) -> bytes:
        """The bytes that were decided since the last call."""
        fresh = bytes(self._fresh)
        self._fresh.clear()
        return fresh

    def feed(self, sequence: int, room: int, rows: int) -> Feed:
        """At most `room` tokens for the next pass, with logits for at most `rows` of them; both at least 1."""
        if len(self._pending) > room:
            return Feed(sequence, self.length, tuple(self._pending[:room]), 0)
        drafts = self._drafts[: min(room - len(self._pending), rows - 1)]
        self._statistics.drafted_tokens += len(drafts)
        return Feed(sequence, self.length, (*self._pending, *drafts), 1 + len(drafts))

    def advance(self, feed: Feed, rows: Sequence[Row]) -> bool:
        """Go on with the answer to `feed`; False where the sequence now holds more than `length` tokens."""
        certain = len(feed.tokens) - max(0, len(rows) - 1)
        self.length += certain
        del self._pending[:certain]
        drafts = feed.tokens[certain:]
        if not rows:
            return True
        for index, row in enumerate(rows):
            token = self._choose(row)
            if token is None:  # the end
                return index == len(drafts)
            if index < len(drafts) and token == drafts[index]:
                self.length += 1
                self._statistics.kept_drafts += 1
                if self._end_if_due():
                    return index + 1 == len(drafts)
                continue
            self._pending = [token]
            self._settle()
            return index == len(drafts)
        raise AssertionError("the last row has no draft to agree with")

    # -- choosing

    def _choose(self, row: Row) -> int | None:
        """The next token, accepted by the matcher; None where it ends the output."""
        position = self._written
        if self._sampler.greedy:
            with self._statistics.stage("sample"):
                token = int(row.argmax())
                if not row[token] < np.inf:  # also where it is not a number
                    raise BackendFailed("logits", "the model answered with values that are not numbers")
            with self._statistics.stage("mask"):
                if self._matcher.allows(token) and self._take(token):
                    return None if token in self._ends else token
        with self._statistics.stage("mask"):
            candidates = np.flatnonzero(self._matcher.mask())
        with self._statistics.stage("sample"):
            logits = row[candidates]
        for attempt in range(len(candidates)):
            if attempt >= _TRIED and self._closing and self._cut:
                break
            with self._statistics.stage("sample"):
                index = self._sampler.pick(logits, position, attempt)
            token = int(candidates[index])
            with self._statistics.stage("mask"):
                if self._take(token):
                    return None if token in self._ends else token
            candidates, logits = np.delete(candidates, index), np.delete(logits, index)
        return self._close_up()

    def _close_up(self) -> int:
        """The first token of the short completion, where the budget leaves nothing else."""
        with self._statistics.stage("mask"):
            if self._cut and self._closing:
                token, rest = self._closing[0], self._closing[1:]
                try:
                    self._accept(token)
                except TokenRejected as error:  # a guard refuses the short completion
                    raise DeadEnd(self.document, self._matcher.output, "a guard refuses the way to close it") from error
                self._closing = min(rest, self._matcher.closing(), key=len)
                return token
        raise DeadEnd(self.document, self._matcher.output, "no token goes on, and the output is not complete")

    def _take(self, token: int) -> bool:
        """Accept a token; False, and nothing has changed, where a guard or the budget refuses it."""
        try:
            self._matcher.accept(token)
        except TokenRejected:
            return False
        if token in self._ends:
            self.finish = "budget" if self._cut else "complete"
            return True
        closing = self._matcher.closing()
        if len(closing) > self._left - 1:
            self._matcher.rollback(1)
            self._cut = True
            return False
        self._closing = closing
        self._record(token)
        return True

    def _accept(self, token: int) -> None:
        self._matcher.accept(token)
        self._record(token)

    def _record(self, token: int) -> None:
        self._left -= 1
        self._written += len(self._pieces[token])
        self._fresh += self._pieces[token]
        self._statistics.decoded_tokens += 1

    # -- going on without the model

    def _settle(self) -> None:
        """After a chosen token: is the output complete, and if not, what is forced next?"""
        self._drafts = ()
        if self._end_if_due() or self._jump == "off":
            return
        with self._statistics.stage("mask"):
            forced = self._matcher.forced()
            if not forced:
                return
            spelled = self._spelling.spell(forced)
            if self._jump == "verified":
                self._drafts = (*spelled.certain, *spelled.drafts)
                return
            if self._append(spelled.certain) and not self._complete_with(spelled.drafts):
                self._drafts = spelled.drafts
        self._end_if_due()

    def _append(self, tokens: Sequence[int]) -> bool:
        """Accept tokens without asking the model; False from the first one on that is refused."""
        for token in tokens:
            if not (self._matcher.allows(token) and self._take(token)):
                return False
            self._pending.append(token)
            self._statistics.forced_tokens += 1
        return True

    def _complete_with(self, drafts: Sequence[int]) -> bool:
        """Append the drafts where nothing can follow them: then no longer token could have stood there."""
        accepted = 0
        try:
            for token in drafts:
                self._matcher.accept(token)
                accepted += 1
        except TokenRejected:
            complete = False
        else:
            complete = self._matcher.finished
        if accepted:
            self._matcher.rollback(accepted)
        return complete and self._append(drafts)

    def _end_if_due(self) -> bool:
        """Finish where nothing can follow, or where the budget is used up: by its invariant, the output is complete."""
        if self.finish is None:
            if self._matcher.finished:
                self.finish = "budget" if self._cut else "complete"
            elif self._left == 0:
                self.finish = "budget"
        return self.finish is not None
