"""One document's generation: which tokens go into the next pass, and what its logits lead to.

A generation knows nothing of llama.cpp or of other documents. `feed` names the tokens that its sequence still lacks:
the prompt at first, later the token that was chosen last, what the grammar forces after it, and drafts. `advance` takes
the rows of logits for them, chooses tokens, and goes on until one differs from the draft that was sent along.

The budget: after every token, the number of tokens left is at least the number that it takes to close the output. A
token that would break this is taken back and the next best is chosen, so the output is never cut. The end token does
not count. `max_tokens` below the shortest output is refused at the start.

Guards may refuse all that is left. Then the generation goes back to an earlier choice and on from another token there (see
`engine.guards.search`), at most `search` passes in vain. Bytes are given out only when nothing goes back behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from engine.automaton.tracker import Tracker
from engine.decoding.language_model import Feed, Matcher, Row
from engine.decoding.sampler import GREEDY, Sampler, Sampling
from engine.decoding.spelling import Spelling
from engine.decoding.statistics import Statistics
from engine.decoding.step import Step
from engine.errors import BackendFailed, BudgetTooSmall, DeadEnd, GuardUnsatisfied, TokenRejected
from engine.guards.search import Alternative, Choice, Found, Frontier, Refusal
from engine.masks.vocabulary import Vocabulary

Finish = Literal["complete", "budget"]
Jump = Literal["spelled", "verified", "off"]

# How many candidates are tried one by one when the budget refuses them, before the shortest way to close is taken. The
# refusals come in a row where the output must close at once; each costs a step of the matcher.
_TRIED = 512

# How many tokens that were not taken are remembered for each choice under a grammar with guards.
_ALTERNATIVES = 64

# How many alternatives may be refused without a pass, for each pass that a search may take.
_REFUSED = 64

SEARCH = 1000


class Generation:
    """`jump`: "spelled" trusts certain forced tokens, "verified" asks the model about each, "off" never jumps.

    `many`: the items of the outermost array are given out as they close, and stay. `search` bounds the passes in vain.
    """

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
        many: bool = False,
        search: int = SEARCH,
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
        self._max_tokens = max_tokens
        self._many = many
        self._guarded = matcher.guarded
        self._step = Step(tracker=Tracker() if self._guarded else None)
        # Whether the budget has refused a candidate for the token that is being chosen.
        self._squeezed = False
        self._frontier: Frontier[Step] = Frontier()
        self._search = search
        self._in_vain = 0
        # Whether the budget had a part in it that the search goes back.
        self._pressed = False
        self._prompt_length = 0
        self._pending: list[int] = []
        self._drafts: tuple[int, ...] = ()
        self._settled = 0
        self._given_out = 0
        with statistics.stage("mask"):
            closing = matcher.closing()
        if closing is None:
            raise DeadEnd(document, b"", "the vocabulary cannot write any output of this grammar")
        if len(closing) > max_tokens:
            raise BudgetTooSmall(document, max_tokens, len(closing))
        self._closing: tuple[int, ...] = closing

    def start(self, prompt: Sequence[int], length: int) -> None:
        """Begin with the tokens of the prompt, the first `length` of which the sequence holds already."""
        self._prompt_length = len(prompt)
        self.length = length
        self._pending = list(prompt[length:])
        self._settle()

    @property
    def cuts(self) -> tuple[int, ...]:
        """The bytes of the output at which the budget changed what was chosen."""
        return self._step.cuts if self.finish is None else self._cuts_here()

    def take_output(self) -> bytes:
        """The bytes that were settled since the last call."""
        fresh = self._matcher.output[self._given_out : self._settled]
        self._given_out = self._settled
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
        if not rows:
            return True
        try:
            return self._follow(feed.tokens[certain:], rows)
        except DeadEnd as dead:
            self._go_back(dead)
            return False

    def _follow(self, drafts: Sequence[int], rows: Sequence[Row]) -> bool:
        """Choose by each row as long as the drafts are what is chosen; False where some of them were not."""
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

    @property
    def _left(self) -> int:
        return self._max_tokens - self._step.count

    def _choose(self, row: Row) -> int | None:
        """The next token, accepted by the matcher; None where it ends the output."""
        self._squeezed = False
        if self._sampler.greedy:
            with self._statistics.stage("sample"):
                token = int(row.argmax())
                if not row[token] < np.inf:  # also where it is not a number
                    raise BackendFailed("logits", "the model answered with values that are not numbers")
            with self._statistics.stage("mask"):
                # Under guards the alternatives are wanted too.
                if not self._guarded and self._matcher.allows(token) and self._take(token):
                    return None if token in self._ends else token
        with self._statistics.stage("mask"):
            candidates = np.flatnonzero(self._matcher.mask())
        with self._statistics.stage("sample"):
            logits = row[candidates]
            choice = self._choice(candidates, logits) if self._guarded else None
        for attempt in range(len(candidates)):
            if attempt >= _TRIED and self._closing and self._squeezed:
                break
            with self._statistics.stage("sample"):
                index = self._sampler.pick(logits, self._step.end, attempt)
            token = int(candidates[index])
            if choice is not None:
                choice.tried.add((token,))
                choice.end = choice.start + len(self._pieces[token])
            with self._statistics.stage("mask"):
                if self._take(token, choice):
                    return None if token in self._ends else token
            candidates, logits = np.delete(candidates, index), np.delete(logits, index)
        return self._close_up()

    def _choice(self, candidates: npt.NDArray[np.intp], logits: Row) -> Choice[Step]:
        """What can be taken here, best first, with how much less it is wanted than the best."""
        if len(candidates) > _ALTERNATIVES:
            best = np.argpartition(-logits, _ALTERNATIVES)[:_ALTERNATIVES]
            candidates, logits = candidates[best], logits[best]
        order = np.argsort(-logits, kind="stable")
        alternatives = [
            Alternative(
                float(logits[order[0]] - logits[index]), int(candidates[index]), self._pieces[candidates[index]]
            )
            for index in order
        ]
        return Choice(self._step, self._step.end, self._step.end, self._step.loss, alternatives)

    def _close_up(self) -> int:
        """The first token of the short completion, where the budget leaves nothing else."""
        with self._statistics.stage("mask"):
            if self._squeezed and self._closing and self._take(self._closing[0]):
                return self._step.token
        raise DeadEnd(self.document, self._matcher.output, "no token goes on, and the output is not complete")

    def _take(self, token: int, choice: Choice[Step] | None = None, loss: float | None = None) -> bool:
        """Accept a token; False, and nothing has changed, where a guard, the budget or a gap of the vocabulary refuses it."""
        try:
            self._matcher.accept(token)
        except TokenRejected:
            return False
        if token in self._ends:
            self._finish()
            return True
        closing = self._matcher.closing()
        if closing is None or len(closing) > self._left - 1:
            self._matcher.rollback(1)
            self._squeezed = self._squeezed or closing is not None
            return False
        self._closing = closing
        self._record(token, choice, loss)
        return True

    def _record(self, token: int, choice: Choice[Step] | None, loss: float | None) -> None:
        before, piece = self._step, self._pieces[token]
        tracker = None if before.tracker is None else before.tracker.feed(piece)
        self._step = Step(
            before,
            token,
            before.count + 1,
            before.end + len(piece),
            before.loss if loss is None else loss,
            self._cuts_here(),
            choice,
            tracker,
        )
        self._statistics.decoded_tokens += 1
        if tracker is None:
            self._settled = self._step.end
        elif self._many and tracker.finished:
            self._settled = tracker.finished[-1][1]
            self._frontier = Frontier()  # nothing in it is behind the item

    def _cuts_here(self) -> tuple[int, ...]:
        return (*self._step.cuts, self._step.end) if self._squeezed else self._step.cuts

    def _finish(self) -> None:
        self.finish = "budget" if self._cuts_here() else "complete"
        self._settled = self._step.end

    # -- going back

    def _go_back(self, dead: DeadEnd) -> None:
        """Go on from the best alternative of an earlier choice; raises where there is none, or too many were in vain."""
        if not self._guarded:
            raise dead
        with self._statistics.stage("mask"):
            self._drafts = ()
            held = self.length - self._prompt_length + len(self._pending)
            assert held == self._step.count, "all tokens of the output are in the sequence or are going to be"
            kept = self.length - self._prompt_length
            refusals = self._matcher.refusals()
            self._pressed = self._pressed or self._squeezed or bool(self._step.cuts)
            choices = (step.choice for step in self._step.back() if step.choice is not None and self._is_open(step))
            self._frontier.spread(choices, refusals)
            refused = 0
            while (found := self._frontier.pop()) is not None and self._in_vain <= self._search:
                if refused > _REFUSED * self._search:
                    break
                if not self._keeps_settled(found):
                    continue
                kept = min(kept, self._return_to(found.choice.place))
                self._squeezed = self._pressed
                if self._resume(found):
                    self._statistics.rollbacks += 1
                    self.length = self._prompt_length + kept
                    self._pending = self._step.tokens_after(kept)
                    if self.finish is None:
                        self._settle()
                    return
                refused += 1
        raise self._unsatisfied(dead, refusals)

    def _is_open(self, step: Step) -> bool:
        return step.end > self._settled

    def _keeps_settled(self, found: Found[Step]) -> bool:
        """Whether what was given out stays: a token may end an item and begin the next."""
        settled = self._settled - found.choice.start
        return settled <= 0 or found.piece[:settled] == self._matcher.output[found.choice.start : self._settled]

    def _resume(self, found: Found[Step]) -> bool:
        """Take the options; False, with some of them taken or none, where they cannot be."""
        choice, loss = found.choice, found.loss
        again = replace(choice, end=choice.start + len(self._pieces[found.options[0]]))
        again.tried = choice.tried  # it is the same place: what was tried there stays tried
        return self._take(found.options[0], again, loss) and all(self._take(option) for option in found.options[1:])

    def _return_to(self, place: Step) -> int:
        """Let the output end with `place`, which may be on another branch; gives how many tokens both share."""
        meeting = self._step.meets(place)
        given_up = self._step.count - meeting.count
        asked = sum(step.choice is not None for step, _ in zip(self._step.back(), range(given_up), strict=False))
        self._in_vain += asked
        self._statistics.extra_passes += asked
        self._statistics.decoded_tokens += place.count - self._step.count
        self._matcher.rollback(given_up)
        for token in place.tokens_after(meeting.count):
            self._matcher.accept(token)
        self._step = place
        return meeting.count

    def _unsatisfied(self, dead: DeadEnd, refusals: Sequence[Refusal]) -> DeadEnd:
        named = next((refusal for refusal in refusals if refusal.guard is not None), None)
        if named is None or named.guard is None:
            return dead
        guard = named.guard
        return GuardUnsatisfied(
            self.document, dead.output, guard.name, guard.path, guard.reason(named.text), self._in_vain
        )

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
                self._squeezed = False
                self._finish()
            elif self._left == 0:
                self._squeezed = True
                self._finish()
        return self.finish is not None
