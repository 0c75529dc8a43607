"""Pieces are given to fields as brute force would give them."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from engine.decoding.assignment import ValueCandidate, assign, is_unclaimed

SPANS = st.tuples(st.integers(0, 6), st.integers(1, 3)).map(lambda pair: (pair[0], pair[0] + pair[1]))
CANDIDATES = st.builds(
    ValueCandidate, st.just(b"x"), st.integers(-9, 0).map(float), st.lists(SPANS, max_size=1).map(tuple)
)
FIELDS = st.lists(st.lists(CANDIDATES, max_size=3), min_size=1, max_size=4)


@given(FIELDS)
def test_the_best_sum_without_overlap(fields: list[list[ValueCandidate]]) -> None:
    def total(chosen: tuple[int | None, ...]) -> float | None:
        taken: list[tuple[int, int]] = []
        score = 0.0
        for candidates, at in zip(fields, chosen, strict=True):
            if at is None:
                score -= 1000
                continue
            for span in candidates[at].spans:
                if not is_unclaimed(span, taken):
                    return None
                taken.append(span)
            score += candidates[at].score
        return score

    every = product(*((None, *range(len(candidates))) for candidates in fields))
    best = max(score for chosen in every if (score := total(chosen)) is not None)
    assert total(tuple(assign(fields))) == best


def test_a_value_that_stands_twice_serves_two_fields() -> None:
    twice = ValueCandidate(b'"Rome"', -1.0, ((0, 4), (10, 14)))
    assert assign([[twice], [twice]]) == [0, 0]
    assert assign([[twice], [twice]], taken=[(0, 4)]) == [0, None]
