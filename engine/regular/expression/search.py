"""Search: whether an expression has any string, and a short one.

Best first over the derivatives (A*, by what each part alone still needs). On success every node on the way learns that it is
alive and how a short string of its own begins; without success all that were visited are dead. A search of many states tries
a guess; one of too many, or of too much work, ends in GrammarTooComplex. Inside `bounded`, all searches share so much work.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from engine.errors import GrammarTooComplex
from engine.regular import charset

if TYPE_CHECKING:
    from engine.regular.expression.node import Expression

STATE_LIMIT = 20_000
GUESS_AFTER = 64  # states
WORK_LIMIT = 1 << 21  # nodes that derivatives look at; some seconds
_WHAT = "an intersection of string constraints"


class _Budget(threading.local):
    left: int | None = None


_budget = _Budget()


@contextmanager
def bounded(work: int) -> Iterator[None]:
    """The searches inside share so much work; a bound that is around this one stays."""
    outer = _budget.left
    _budget.left = work if outer is None else min(work, outer)
    start = _budget.left
    try:
        yield
    finally:
        _budget.left = None if outer is None else outer - (start - _budget.left)


def search(start: Expression) -> bool:
    """Whether there is a string; the nearest node with a known one ends the search."""
    before: dict[Expression, tuple[Expression, int] | None] = {start: None}
    queue = [(start.needed, 0, start.serial, start)]  # needed in all, characters so far (negative: the deepest first)
    limit = WORK_LIMIT if _budget.left is None else min(WORK_LIMIT, _budget.left)
    work, guessed = 0, False
    try:
        while queue:
            _, depth, _, node = heappop(queue)
            if node.seen_dead:
                continue
            node.settle()
            if node.settled:
                _record(node, before)
                return True
            work += node.weight * len(node.classes)
            if work > limit:
                raise GrammarTooComplex(_WHAT, limit, "steps")
            for members in node.classes:
                target = node.derive(members[0][0])
                if target not in before and not target.is_dead:
                    before[target] = (node, charset.example(members))
                    heappush(queue, (1 - depth + target.needed, depth - 1, target.serial, target))
            if len(before) > GUESS_AFTER and not guessed:
                guessed = True
                if _holds(start, start.guess):
                    return True
            if len(before) > STATE_LIMIT:
                raise GrammarTooComplex(_WHAT, STATE_LIMIT)
    finally:
        if _budget.left is not None:
            _budget.left = max(0, _budget.left - work)
    for node in before:
        node.die()
    return False


def _holds(start: Expression, guess: str) -> bool:
    """Whether a text that was guessed is in the language; if so, it is noted as its short one."""
    path = [start]
    for character in guess:
        path.append(path[-1].derive(ord(character)))
    if not path[-1].nullable:
        return False
    path[-1].live()
    for node, after, character in zip(path[-2::-1], path[:0:-1], guess[::-1], strict=True):
        if node.settled:
            node.live()
        else:
            node.leads(ord(character), after)
    return True


def _record(end: Expression, before: dict[Expression, tuple[Expression, int] | None]) -> None:
    node = end
    end.live()
    while (step := before[node]) is not None:
        earlier, code_point = step
        earlier.leads(code_point, node)
        node = earlier
