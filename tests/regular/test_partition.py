"""A refinement is the coarsest partition that both are unions of, whichever way it is computed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.regular import charset
from engine.regular.partition import _by_sweep, refine

SETS = st.lists(st.tuples(st.integers(0, 120), st.integers(0, 30)), max_size=4).map(
    lambda pairs: charset.normalise((low, low + more) for low, more in pairs)
)


def partition(members: charset.CharSet) -> tuple[charset.CharSet, ...]:
    return tuple(part for part in (members, charset.invert(members)) if part)


@given(SETS, SETS)
def test_classes_are_disjoint_cover_all_and_split_no_more_than_needed(a: charset.CharSet, b: charset.CharSet) -> None:
    found = refine(partition(a), partition(b))
    assert sum(map(charset.size, found)) == charset.size(charset.ANY)
    for code_points in found:
        for members in (a, b):
            assert charset.intersect(code_points, members) in (charset.NONE, code_points)
    assert len(found) <= 4


@given(SETS, SETS)
def test_both_ways_give_the_same_classes(a: charset.CharSet, b: charset.CharSet) -> None:
    left, right = partition(a), partition(b)
    assert set(_by_sweep(left, right)) == {m for x in left for y in right if (m := charset.intersect(x, y))}
