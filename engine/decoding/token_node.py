"""Token node: one token of an output, linked to the one before it.

All nodes of an output make a tree: going back leaves a branch, and a branch can be taken up again, because a node never
changes. A node knows where it ends, what was given up on the way to it, and where the budget had a say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.automaton.tracker import Tracker
from engine.guards.frontier import ChoicePoint


@dataclass(frozen=True, slots=True, eq=False)
class TokenNode:
    """`count` tokens and `end` bytes of output with this one; the root, before the first, has neither.

    `cuts` are the bytes at which the budget changed what was chosen, `loops` the paths of values that were ended because they
    repeated themselves. `choice` is what else could have been taken here; None where nothing could, or where nobody will ask.
    `closing` are tokens that end the output from here, guards permitting. Where values are watched, `tracker` is there, and
    `opened` counts the tokens before the string or number that is open.
    """

    parent: TokenNode | None = None
    token: int = -1
    count: int = 0
    end: int = 0
    loss: float = 0.0
    cuts: tuple[int, ...] = ()
    choice: ChoicePoint[TokenNode] | None = None
    closing: tuple[int, ...] = ()
    loops: tuple[tuple[str | int, ...], ...] = ()
    tracker: Tracker | None = None
    opened: int = 0

    def back(self) -> Iterator[TokenNode]:
        """This node and those before it, without the root."""
        here = self
        while here.parent is not None:
            yield here
            here = here.parent

    def tokens_after(self, count: int) -> list[int]:
        """The tokens that follow the first `count` of them."""
        tokens = [step.token for step, _ in zip(self.back(), range(self.count - count), strict=False)]
        return tokens[::-1]

    def meets(self, other: TokenNode) -> TokenNode:
        """The last node that both have."""
        here = self
        while here is not other:
            if here.count < other.count:
                here, other = other, here
            assert here.parent is not None, "all steps begin at one root"
            here = here.parent
        return here
