"""Partitions of the characters: disjoint sets that cover all of them, and their common refinement."""

from __future__ import annotations

from engine.regular import charset
from engine.regular.charset import CharSet


def refine(a: tuple[CharSet, ...], b: tuple[CharSet, ...]) -> tuple[CharSet, ...]:
    """The coarsest partition that both `a` and `b` are unions of."""
    if len(a) == 1 or a is b:
        return b
    if len(b) == 1:
        return a
    if sum(map(len, a)) + sum(map(len, b)) > 4 * (len(a) + len(b)) + 64 or len(a) * len(b) > 256:
        return _by_sweep(a, b)
    return tuple(members for x in a for y in b if (members := charset.intersect(x, y)))


def _by_sweep(a: tuple[CharSet, ...], b: tuple[CharSet, ...]) -> tuple[CharSet, ...]:
    """The same partition in one pass over all borders; for classes of many ranges or many classes."""
    left = sorted((low, high, i) for i, members in enumerate(a) for low, high in members)
    right = sorted((low, high, i) for i, members in enumerate(b) for low, high in members)
    cells: dict[tuple[int, int], list[tuple[int, int]]] = {}
    i = j = 0
    while i < len(left) and j < len(right):
        low, high = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if low <= high:
            cells.setdefault((left[i][2], right[j][2]), []).append((low, high))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(tuple(cell) for cell in cells.values())
