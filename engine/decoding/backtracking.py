"""Backtracking: going back when guards have refused every way on.

Takes an output at a dead end and leaves it at another way on, from the best candidate that has not been tried (see
`engine.guards.frontier`). It is bounded by how many tokens chosen by the model are thrown away, and never goes back
behind what is committed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import takewhile

from engine.decoding.output_state import OutputState
from engine.decoding.token_node import TokenNode
from engine.errors import DeadEnd, GuardUnsatisfied
from engine.guards.frontier import ChoicePoint, Frontier, Refusal, Retry
from engine.guards.proposals import Proposals

# How many candidates may be refused without a forward pass, for each choice that backtracking may throw away.
_REFUSED = 64

# Nats that a proposal is worth less whose first token is not among the alternatives.
_UNKNOWN = 30.0


class Backtracker:
    """All backtracking of one document; `max_backtracks` is how many tokens chosen by the model it may throw away.

    `prompt` is what the model was told, whose words are proposed where guards refuse a value, and `spell` makes tokens of a text.
    """

    def __init__(
        self,
        path: OutputState,
        max_backtracks: int,
        prompt: Callable[[], str] = str,
        spell: Callable[[bytes], Sequence[int]] | None = None,
    ) -> None:
        self._path = path
        self._proposals, self._spell = Proposals(prompt), spell
        self._search = max_backtracks
        self._in_vain = 0
        self._refused = 0
        self._settled = 0
        self._frontier: Frontier[TokenNode] = Frontier()
        # The texts that were reached, with the number of tokens that it took.
        self._reached: dict[bytes, int] = {}
        # Whether the budget had a part in it.
        self._pressed = False

    def go_back(self, dead: DeadEnd) -> int:
        """Go on elsewhere; gives how many tokens of the output stayed. Raises where there is no way, or none within the bound."""
        path = self._path
        if self._settled < path.committed:  # nothing of what was known is behind it
            self._settled, self._frontier, self._reached = path.committed, Frontier(), {}
        self._pressed = self._pressed or path.squeezed or bool(path.node.cuts)
        refusals = path.matcher.refusals()
        output = path.matcher.output
        opened = list(takewhile(lambda step: step.end > path.committed, path.node.back()))
        for step in opened:
            self._was_reached(output[: step.end], step.count)
        choices = [step.choice for step in opened if step.choice is not None]
        self._frontier.spread(choices, refusals)
        self._propose(choices, refusals, output)
        kept = path.node.count
        while self._in_vain <= self._search and self._refused <= _REFUSED * (self._search + 1):
            found = self._frontier.pop()
            if found is None:
                break
            if self._keeps_committed(found):
                kept = min(kept, self._return_to(found.choice.node))
                if self._resume(found) and not self._was_reached(path.matcher.output, path.node.count):
                    path.statistics.rollbacks += 1
                    return kept
            self._refused += 1
        raise self._unsatisfied(dead, refusals)

    def _propose(self, choices: Sequence[ChoicePoint[TokenNode]], refusals: Sequence[Refusal], output: bytes) -> None:
        """Add what of the prompt the guards take in the place of the values that they refused."""
        for refusal in refusals:
            # The value was begun with the last choice before its second byte: a quote is no choice.
            choice = next((one for one in choices if one.start <= refusal.start + 1), None)
            if refusal.guard is None or self._spell is None or choice is None:
                continue
            for value in self._proposals.taken_by(refusal.guard, refusal.text):
                piece = (output[: refusal.start] + value)[choice.start :]
                alike = (one.loss for one in choice.alternatives if one.piece and piece.startswith(one.piece))
                options = tuple(self._spell(piece))
                if options:
                    loss = choice.loss + min(alike, default=_UNKNOWN)
                    self._frontier.add(refusal.start, Retry(choice, options, piece, loss))

    def _was_reached(self, output: bytes, count: int) -> bool:
        """Whether this text was reached before, in no more tokens; it is now."""
        known = self._reached.get(output)
        if known is not None and known <= count:
            return True
        self._reached[output] = count
        return False

    def _keeps_committed(self, found: Retry[TokenNode]) -> bool:
        """A token may end an item and begin the next: then what stands in its place must end the item too."""
        overlap = self._settled - found.choice.start
        return overlap <= 0 or found.piece[:overlap] == self._path.matcher.output[found.choice.start : self._settled]

    def _return_to(self, node: TokenNode) -> int:
        given_up = self._path.node
        meeting = self._path.return_to(node)
        thrown = takewhile(lambda step: step is not meeting, given_up.back())
        asked = sum(step.choice is not None for step in thrown)
        self._in_vain += asked
        self._path.statistics.extra_passes += asked
        return meeting.count

    def _resume(self, found: Retry[TokenNode]) -> bool:
        """Take the options; False, with some of them taken or none, where they cannot be."""
        choice, path = found.choice, self._path
        again = replace(choice, end=choice.start + len(path.pieces[found.options[0]]))
        path.squeezed = self._pressed
        return path.take(found.options[0], again, found.loss) and all(path.take(option) for option in found.options[1:])

    def _unsatisfied(self, dead: DeadEnd, refusals: tuple[Refusal, ...]) -> DeadEnd:
        for refusal in refusals:
            if (guard := refusal.guard) is not None:
                said = guard.reason(refusal.text)
                return GuardUnsatisfied(
                    self._path.document, dead.output, guard.name, guard.path, said, passes=self._in_vain
                )
        return dead
