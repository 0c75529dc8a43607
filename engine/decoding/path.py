"""Path: the output so far, as a matcher, a chain of steps and a budget that are moved together.

The budget: after every token, the number of tokens left is at least the number that it takes to close the output. A token
that would break this is refused, so the output is never cut. The end token does not count. A token from which no tokens of the
vocabulary lead to an end is refused too.

Under a grammar with guards the path may go back; without them nothing that was taken is ever taken back. `settled` is the
number of bytes that stay whatever comes.
"""

from __future__ import annotations

from typing import Literal

from engine.automaton.tracker import Tracker
from engine.decoding.language_model import Matcher
from engine.decoding.statistics import Statistics
from engine.decoding.step import Step
from engine.errors import BudgetTooSmall, DeadEnd, TokenRejected
from engine.guards.search import Choice
from engine.masks.vocabulary import Vocabulary

Finish = Literal["complete", "budget"]


class Path:
    """One document's output. `many`: the items of the outermost array are settled as they close.

    Raises `BudgetTooSmall` where `max_tokens` is below the shortest output.
    """

    def __init__(
        self,
        document: int,
        matcher: Matcher,
        vocabulary: Vocabulary,
        statistics: Statistics,
        *,
        max_tokens: int,
        many: bool,
    ) -> None:
        self.document, self.matcher = document, matcher
        self.pieces, self.ends = vocabulary.pieces, vocabulary.end_tokens
        self.statistics = statistics
        self.finish: Finish | None = None
        self.guarded = matcher.guarded
        # Whether the budget has refused a candidate for the token that is being chosen.
        self.squeezed = False
        self.settled = 0
        self._max_tokens, self._many = max_tokens, many
        with statistics.stage("mask"):
            closing = matcher.closing()
        if closing is None:
            raise DeadEnd(document, b"", "the vocabulary cannot write any output of this grammar")
        if len(closing) > max_tokens:
            raise BudgetTooSmall(document, max_tokens, len(closing))
        self.first = self.step = Step(tracker=Tracker() if self.guarded else None, closing=closing)

    @property
    def left(self) -> int:
        """How many tokens the budget still has."""
        return self._max_tokens - self.step.count

    @property
    def cuts(self) -> tuple[int, ...]:
        """The bytes of the output at which the budget changed what was chosen."""
        return self.step.cuts if self.finish is None else self._cuts_here()

    def take(self, token: int, choice: Choice[Step] | None = None, loss: float | None = None) -> bool:
        """Accept a token; False, and nothing has changed, where a guard, the budget or a gap of the vocabulary refuses it."""
        try:
            self.matcher.accept(token)
        except TokenRejected:
            return False
        if token in self.ends:
            self.end()
            return True
        closing = self._closing_after(token)
        if closing is None or len(closing) > self.left - 1:
            self.matcher.rollback(1)
            self.squeezed = self.squeezed or closing is not None
            return False
        self._record(token, closing, choice, self.step.loss if loss is None else loss)
        return True

    def _closing_after(self, token: int) -> tuple[int, ...] | None:
        """A short way to the end: the matcher's, or what was left of the way before, which the budget has room for."""
        found = self.matcher.closing()
        known = self.step.closing
        if known and known[0] == token and (found is None or len(known) - 1 < len(found)):
            return known[1:]
        return found

    def _record(self, token: int, closing: tuple[int, ...], choice: Choice[Step] | None, loss: float) -> None:
        before, piece = self.step, self.pieces[token]
        tracker = None if before.tracker is None else before.tracker.feed(piece)
        count, end = before.count + 1, before.end + len(piece)
        self.step = Step(before, token, count, end, loss, self._cuts_here(), choice, tracker, closing)
        self.statistics.decoded_tokens += 1
        if tracker is None:
            self.settled = end
        elif self._many and tracker.finished:
            self.settled = tracker.finished[-1][1]

    def _cuts_here(self) -> tuple[int, ...]:
        return (*self.step.cuts, self.step.end) if self.squeezed else self.step.cuts

    def end(self) -> None:
        """The output is complete as it stands."""
        self.finish = "budget" if self._cuts_here() else "complete"
        self.settled = self.step.end

    def end_if_due(self) -> bool:
        """End where nothing can follow, or where the budget is used up: by its invariant, the output is complete."""
        if self.finish is None:
            finished = self.matcher.finished
            if finished or self.left == 0:
                self.squeezed = not finished
                self.end()
        return self.finish is not None

    def return_to(self, place: Step) -> Step:
        """Let the output end with `place`, which may be on another branch; gives the last step that both have."""
        meeting = self.step.meets(place)
        self.statistics.decoded_tokens += place.count - self.step.count
        self.matcher.rollback(self.step.count - meeting.count)
        for token in place.tokens_after(meeting.count):
            self.matcher.accept(token)
        self.step = place
        self.settled = min(self.settled, place.end)
        return meeting
