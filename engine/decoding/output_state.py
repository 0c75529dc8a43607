"""Output state: the output so far, as a matcher, a chain of token nodes and a budget that are moved together.

The budget: after every token, the number of tokens left is at least the number that it takes to close the output. A token
that would break this is refused, so the output is never cut. The end token does not count. A token from which no tokens of the
vocabulary lead to an end is refused too.

Under a grammar with guards the output may go back, and where its values are watched (see `value_bounds`); else no token is
ever taken back. `committed` is the number of bytes that stay whatever comes.
"""

from __future__ import annotations

from typing import Literal

from engine.automaton.tracker import Tracker
from engine.decoding.language_model import TokenMatcher
from engine.decoding.statistics import Statistics
from engine.decoding.token_node import TokenNode
from engine.decoding.value_bounds import ValueEnd, ValueWatch, first_that_may_change
from engine.errors import BudgetTooSmall, DeadEnd, TokenRejected
from engine.guards.frontier import ChoicePoint
from engine.masks.vocabulary import Vocabulary

Finish = Literal["complete", "budget", "loop"]


class OutputState:
    """One document's output. `many`: the items of the outermost array are committed as they close. `watch`: its values are
    watched; without one the output need not be JSON.

    Raises `BudgetTooSmall` where `max_tokens` is below the shortest output.
    """

    def __init__(
        self,
        document: int,
        matcher: TokenMatcher,
        vocabulary: Vocabulary,
        statistics: Statistics,
        *,
        max_tokens: int,
        many: bool,
        watch: ValueWatch | None = None,
    ) -> None:
        self.document, self.matcher = document, matcher
        self.pieces, self.ends = vocabulary.pieces, vocabulary.end_tokens
        self.statistics = statistics
        self.finish: Finish | None = None
        self.guarded = matcher.guarded
        # Whether the budget has refused a candidate for the token that is being chosen.
        self.squeezed = False
        self.committed = 0
        self.watch = watch
        # Where a value has to end, as the last token showed; and the value that has to end with the next one.
        self.due: ValueEnd | None = None
        self.ending: ValueEnd | None = None
        self._items: dict[bytes, int] = {}  # where each text of an item stood first
        self._max_tokens, self._many = max_tokens, many
        with statistics.stage("mask"):
            closing = matcher.closing()
        if closing is None:
            raise DeadEnd(document, b"", "the vocabulary cannot write any output of this grammar")
        if len(closing) > max_tokens:
            raise BudgetTooSmall(document, max_tokens, len(closing))
        self.first = self.node = TokenNode(closing=closing, tracker=None if watch is None else Tracker())

    @property
    def left(self) -> int:
        """How many tokens the budget still has."""
        return self._max_tokens - self.node.count

    @property
    def cuts(self) -> tuple[int, ...]:
        """The bytes of the output at which the budget changed what was chosen."""
        return self.node.cuts if self.finish is None else self._cuts_here()

    def take(self, token: int, choice: ChoicePoint[TokenNode] | None = None, loss: float | None = None) -> bool:
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
        self._record(token, closing, choice, self.node.loss if loss is None else loss)
        return True

    def _closing_after(self, token: int) -> tuple[int, ...] | None:
        """A short way to the end: the matcher's, or what was left of the way before, which the budget has room for."""
        found = self.matcher.closing()
        known = self.node.closing
        if known and known[0] == token and (found is None or len(known) - 1 < len(found)):
            return known[1:]
        return found

    def _record(self, token: int, closing: tuple[int, ...], choice: ChoicePoint[TokenNode] | None, loss: float) -> None:
        before, piece = self.node, self.pieces[token]
        count, end = before.count + 1, before.end + len(piece)
        tracker = None if before.tracker is None else before.tracker.feed(piece)
        opened = before.opened if before.tracker and tracker and before.tracker.start == tracker.start else before.count
        loops = before.loops if tracker is None else self._loops_after(tracker)
        cuts = self._cuts_here()
        self.node = TokenNode(before, token, count, end, loss, cuts, choice, closing, loops, tracker, opened)
        self.statistics.decoded_tokens += 1
        if self.watch is None:
            self._commit()
        elif tracker is not None and before.tracker is not None:
            self._commit_items(tracker)
            if not self.guarded and not self._many:
                self.committed = first_that_may_change(tracker)
            if self.ending is None and self.due is None:
                self.due = self.watch.end_of(before.tracker, tracker, count - opened)

    def _commit(self) -> None:
        if not self.guarded:
            self.committed = self.node.end
        elif self._many:
            self.committed = self.matcher.items_end

    def _commit_items(self, tracker: Tracker) -> None:
        """Commit items that have closed; one that was there before may be the second of a loop, and waits for another."""
        for start, end in tracker.finished if self._many else ():
            text = tracker.text.part(start, end)
            first = self._items.setdefault(text, start) >= start
            if first or self.watch is None or not self.watch.bounds.end_loops:
                self._items[text] = min(start, self._items[text])
                self.committed = end

    def _loops_after(self, tracker: Tracker) -> tuple[tuple[str | int, ...], ...]:
        """The paths of looping values; a value that had to end has done so, or is still open."""
        ending, before = self.ending, self.node.tracker
        if ending is None or ending.is_open(tracker):
            return self.node.loops
        assert before is not None, "a watched output is tracked"
        self.ending = None
        return (*self.node.loops, ending.path(before)) if ending.loop else self.node.loops

    def ends_value(self, token: int, end: ValueEnd) -> bool:
        """Whether a token ends the value that has to end, with its first byte."""
        return token in self.ends or self.byte_ends_value(self.pieces[token][:1], end)

    def byte_ends_value(self, byte: bytes, end: ValueEnd) -> bool:
        """Whether the value that has to end does so with this byte."""
        tracker = self.node.tracker
        return tracker is not None and end.is_ended_by(byte, tracker)

    def can_end(self, end: ValueEnd) -> bool:
        """Whether the grammar lets the value end here, as far as the short way to the end tells."""
        tracker = self.node.tracker
        if tracker is None or not end.is_open(tracker):
            return False
        return not self.node.closing or end.is_ended_by(self.pieces[self.node.closing[0]][:1], tracker)

    def _cuts_here(self) -> tuple[int, ...]:
        return (*self.node.cuts, self.node.end) if self.squeezed else self.node.cuts

    def end(self) -> None:
        """The output is complete as it stands."""
        self.finish = "loop" if self.node.loops else "budget" if self._cuts_here() else "complete"
        self.committed = self.node.end

    def end_if_due(self) -> bool:
        """End where nothing can follow, or where the budget is used up: by its invariant, the output is complete."""
        if self.finish is None:
            finished = self.matcher.finished
            if not finished and self.left == 0 and self.guarded and self.matcher.refusals():
                return False  # a guard refuses the value that would end here: no token is left, and decoding goes back
            if finished or self.left == 0:
                self.squeezed = not finished
                self.end()
        return self.finish is not None

    def return_to(self, node: TokenNode) -> TokenNode:
        """Let the output end with `node`, which may be on another branch; gives the last step that both have."""
        meeting = self.node.meets(node)
        self.statistics.decoded_tokens += node.count - self.node.count
        self.matcher.rollback(self.node.count - meeting.count)
        for token in node.tokens_after(meeting.count):
            self.matcher.accept(token)
        self.node, self.due = node, None
        if self.ending is not None and node.end <= self.ending.start:
            self.ending = None
        self.committed = min(self.committed, node.end)
        return meeting
