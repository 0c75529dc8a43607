"""Shortest string: whether an expression has any string, and a short one.

Best first over the derivatives (A*, by what each part alone still needs). Whether there is a string may be answered by what
earlier searches found; which short one is found depends on the expression alone, so that it is the same in every process. A
search of many states tries a guess; one of too many, or of too much work, ends in GrammarTooComplex. Inside `bounded`, all
searches share so much work.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from itertools import count
from typing import Protocol

from engine.errors import GrammarTooComplex
from engine.regular import charset
from engine.regular.charset import CharSet

SEARCH_STATE_LIMIT = 20_000
GUESS_AFTER = 64  # states
WORK_LIMIT = 1 << 21  # nodes that derivatives look at; some seconds
_WHAT = "an intersection of string constraints"


class SearchNode(Protocol):
    """What the search needs of an expression; `Expression` says what each of these is."""

    weight: int

    @property
    def classes(self) -> tuple[CharSet, ...]: ...
    @property
    def is_dead(self) -> bool: ...
    @property
    def known_alive(self) -> bool: ...
    @property
    def seen_dead(self) -> bool: ...
    @property
    def direct(self) -> bool: ...
    @property
    def needed(self) -> int: ...
    @property
    def shortest(self) -> str: ...
    @property
    def guess(self) -> str: ...
    def derive(self, code_point: int) -> SearchNode: ...
    def matches(self, text: str) -> bool: ...
    def note_alive(self, alive: bool) -> None: ...


_Reached = dict[SearchNode, tuple[SearchNode, int] | None]  # from where, by which character
_Successors = Callable[[SearchNode], Iterable[tuple[int, SearchNode]]]


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


def is_alive(start: SearchNode) -> bool:
    """Whether there is a string. All that were visited without success are dead from then on."""
    reached: _Reached = {start: None}
    text = _search(start, reached, _not_dead, lambda node: node.known_alive)
    if text is None:
        for node in reached:
            node.note_alive(False)
        return False
    for node in _along(start, text):
        node.note_alive(True)
    return True


def shortest(start: SearchNode) -> str:
    """A short string of an expression that is alive."""
    text = _search(start, {start: None}, _all, lambda node: node.direct)
    assert text is not None, "the expression is alive"
    *_, end = _along(start, text)
    return text + end.shortest


def _not_dead(node: SearchNode) -> Iterator[tuple[int, SearchNode]]:
    for members in node.classes:
        target = node.derive(members[0][0])
        if not target.is_dead:
            yield members[0][0], target


def _all(node: SearchNode) -> Iterator[tuple[int, SearchNode]]:
    """Those that are known to be dead too: what is known depends on what came before."""
    for code_point in sorted(map(charset.example, node.classes), key=charset.preference):
        yield code_point, node.derive(code_point)


def _along(start: SearchNode, text: str) -> Iterator[SearchNode]:
    """The nodes that a text passes, `start` among them."""
    yield start
    for character in text:
        start = start.derive(ord(character))
        yield start


def _search(
    start: SearchNode, reached: _Reached, successors: _Successors, is_end: Callable[[SearchNode], bool]
) -> str | None:
    """A text that leads to the nearest end, or a guess that does; `reached` gets all nodes that were seen."""
    numbers = count()
    # needed in all, characters so far (negative: the deepest first)
    queue = [(start.needed, 0, next(numbers), start)]
    limit = WORK_LIMIT if _budget.left is None else min(WORK_LIMIT, _budget.left)
    work, guessed = 0, False
    try:
        while queue:
            _, depth, _, node = heappop(queue)
            if node.seen_dead:
                continue
            if is_end(node):
                return _text(node, reached)
            work += node.weight * len(node.classes)
            if work > limit:
                raise GrammarTooComplex(_WHAT, limit, "steps")
            for code_point, target in successors(node):
                if target not in reached:
                    reached[target] = (node, code_point)
                    heappush(queue, (1 - depth + target.needed, depth - 1, next(numbers), target))
            if len(reached) > GUESS_AFTER and not guessed:
                guessed = True
                if start.matches(start.guess):
                    return start.guess
            if len(reached) > SEARCH_STATE_LIMIT:
                raise GrammarTooComplex(_WHAT, SEARCH_STATE_LIMIT)
    finally:
        if _budget.left is not None:
            _budget.left = max(0, _budget.left - work)
    return None


def _text(end: SearchNode, reached: _Reached) -> str:
    characters = []
    while (step := reached[end]) is not None:
        end, code_point = step
        characters.append(chr(code_point))
    return "".join(reversed(characters))
