"""Output state: the output so far, as a matcher, a chain of token nodes and a budget that are moved together.

The budget: after every token, the number of tokens left is at least the number that it takes to close the output. A token
that would break this is refused, so the output is never cut. The end token does not count. A token from which no tokens of the
vocabulary lead to an end is refused too.

Under a grammar with guards the output may go back; without them no token is ever taken back. `committed` is the number
of bytes that stay whatever comes.
"""

from __future__ import annotations

from typing import Literal

from engine.decoding.language_model import TokenMatcher
from engine.decoding.statistics import Statistics
from engine.decoding.token_node import TokenNode
from engine.errors import BudgetTooSmall, DeadEnd, TokenRejected
from engine.guards.frontier import ChoicePoint
from engine.masks.vocabulary import Vocabulary

Finish = Literal["complete", "budget"]


class OutputState:
    """One document's output. `many`: the items of the outermost array are committed as they close.

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
    ) -> None:
        self.document, self.matcher = document, matcher
        self.pieces, self.ends = vocabulary.pieces, vocabulary.end_tokens
        self.statistics = statistics
        self.finish: Finish | None = None
        self.guarded = matcher.guarded
        # Whether the budget has refused a candidate for the token that is being chosen.
        self.squeezed = False
        self.committed = 0
        self._max_tokens, self._many = max_tokens, many
        with statistics.stage("mask"):
            closing = matcher.closing()
        if closing is None:
            raise DeadEnd(document, b"", "the vocabulary cannot write any output of this grammar")
        if len(closing) > max_tokens:
            raise BudgetTooSmall(document, max_tokens, len(closing))
        self.first = self.node = TokenNode(closing=closing)

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
        self.node = TokenNode(before, token, count, end, loss, self._cuts_here(), choice, closing)
        self.statistics.decoded_tokens += 1
        if not self.guarded:
            self.committed = end
        elif self._many:
            self.committed = self.matcher.items_end

    def _cuts_here(self) -> tuple[int, ...]:
        return (*self.node.cuts, self.node.end) if self.squeezed else self.node.cuts

    def end(self) -> None:
        """The output is complete as it stands."""
        self.finish = "budget" if self._cuts_here() else "complete"
        self.committed = self.node.end

    def end_if_due(self) -> bool:
        """End where nothing can follow, or where the budget is used up: by its invariant, the output is complete."""
        if self.finish is None:
            finished = self.matcher.finished
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
        self.node = node
        self.committed = min(self.committed, node.end)
        return meeting
