"""DFA: the live states of an expression as a finite graph, for languages that rules can only say state by state.

A state is whether a text may end there, and for each next state the characters that lead to it. States are numbered
in the order of a breadth-first walk from the start, 0. States with the same moves are merged, repeatedly: on acyclic
parts that is minimal, on cycles it may leave some apart.
"""

from __future__ import annotations

from engine.errors import GrammarTooComplex, NotPrintable
from engine.regular import charset
from engine.regular.charset import CharSet
from engine.regular.expression import Expression

DFA_STATE_LIMIT = 2_000
_ROUNDS = 20

DfaState = tuple[bool, dict[int, CharSet]]


def merged_states(language: Expression, owner: str) -> list[DfaState]:
    """The states of `language`; a dead one has a single state that leads nowhere and accepts nothing."""
    states = _explore(language, owner)
    for _ in range(_ROUNDS):
        smaller = _merge(states)
        if len(smaller) == len(states):
            break
        states = smaller
    return _in_order(states)


def _explore(language: Expression, owner: str) -> list[DfaState]:
    numbers = {language: 0}
    states: list[DfaState] = []
    queue = [language]
    for node in queue:
        moves: dict[int, CharSet] = {}
        for members, target in _transitions(node, owner):
            if target not in numbers:
                numbers[target] = len(queue)
                queue.append(target)
            moves[numbers[target]] = members
        if len(queue) > DFA_STATE_LIMIT:
            raise NotPrintable(
                (f"rule {owner!r}: a combination of string constraints has over {DFA_STATE_LIMIT} states",)
            )
        states.append((node.nullable, moves))
    return states


def _transitions(node: Expression, owner: str) -> tuple[tuple[CharSet, Expression], ...]:
    try:
        return node.transitions
    except GrammarTooComplex as error:
        raise NotPrintable((f"rule {owner!r}: {error}",)) from error


def _merge(states: list[DfaState]) -> list[DfaState]:
    """One round, last state first, so that a merged tail is seen by what leads to it in the same round."""
    block: list[int] = list(range(len(states)))
    known: dict[object, int] = {}
    for i in range(len(states) - 1, -1, -1):
        accepting, moves = states[i]
        merged: dict[int, CharSet] = {}
        for target, members in moves.items():
            to = -1 if target == i else block[target]
            merged[to] = charset.unite(merged.get(to, charset.NONE), members)
        block[i] = known.setdefault((accepting, frozenset(merged.items())), i)
    kept: dict[int, int] = {}
    for i in (0, *range(len(states))):
        kept.setdefault(block[i], len(kept))
    return [_renumbered(states[i], [kept[b] for b in block]) for i in kept]


def _renumbered(state: DfaState, numbers: list[int]) -> DfaState:
    accepting, moves = state
    merged: dict[int, CharSet] = {}
    for target, members in moves.items():
        merged[numbers[target]] = charset.unite(merged.get(numbers[target], charset.NONE), members)
    return accepting, merged


def _in_order(states: list[DfaState]) -> list[DfaState]:
    """Breadth first from the start, each state's moves by their first character."""
    numbers = {0: 0}
    queue = [0]
    for i in queue:
        for target, _ in sorted(states[i][1].items(), key=lambda move: move[1]):
            if target not in numbers:
                numbers[target] = len(queue)
                queue.append(target)
    ordered = []
    for i in queue:
        accepting, moves = states[i]
        by_character = sorted(moves.items(), key=lambda move: move[1])
        ordered.append((accepting, {numbers[target]: members for target, members in by_character}))
    return ordered
