"""Pieces are given to fields as brute force would give them."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from engine.decoding.assignment import ValueCandidate, assign, is_unclaimed

# Pieces of one length: none holds another, and none is what another one leaves.
SPANS = st.integers(0, 6).map(lambda low: (low, low + 3))
CANDIDATES = st.builds(
    ValueCandidate, st.just(b"x"), st.integers(-9, 0).map(float), st.lists(SPANS, max_size=1).map(tuple)
)
TEXT = "12 Main St, Rome Lee"
FIELDS = st.lists(st.lists(CANDIDATES, max_size=3), min_size=1, max_size=4)


@given(FIELDS)
def test_the_best_sum_without_overlap(fields: list[list[ValueCandidate]]) -> None:
    def total(chosen: tuple[int | None, ...]) -> float | None:
        pieces = [() if at is None else candidates[at].spans for candidates, at in zip(fields, chosen, strict=True)]
        taken: list[tuple[int, int]] = []
        for span in sum(pieces, ()):
            if not is_unclaimed(span, taken):
                return None
            taken.append(span)
        return sum(-1000 if at is None else candidates[at].score for candidates, at in zip(fields, chosen, strict=True))

    every = product(*((None, *range(len(candidates))) for candidates in fields))
    best = max(score for chosen in every if (score := total(chosen)) is not None)
    assert total(tuple(assign(fields, TEXT))) == best


def test_a_value_that_stands_twice_serves_two_fields() -> None:
    twice = ValueCandidate(b'"Rome"', -1.0, ((0, 4), (10, 14)))
    assert assign([[twice], [twice]], TEXT) == [0, 0]
    assert assign([[twice], [twice]], TEXT, taken=[(0, 4)]) == [0, None]


def test_what_is_left_of_a_piece_is_worth_nearly_as_much() -> None:
    number = [ValueCandidate(b'"12"', -2.0, ((0, 2),)), ValueCandidate(b"null", -9.0)]
    street = [
        ValueCandidate(b'"12 Main St"', -1.0, ((0, 10),)),
        ValueCandidate(b'"Rome"', -3.0, ((12, 16),)),
        ValueCandidate(b'"Main St"', -8.0, ((3, 10),)),
        ValueCandidate(b'"St"', -7.0, ((8, 10),)),
    ]
    assert assign([number, street], TEXT) == [0, 2]
    assert assign([street, number], TEXT) == [2, 0]
    assert assign([street], TEXT) == [0]
    last, first = (
        [ValueCandidate(b'"Lee"', -1.0, ((4, 7),))],
        [
            ValueCandidate(b'"Ann Lee"', -1.0, ((0, 7),)),
            ValueCandidate(b'"Ann"', -6.0, ((0, 3),)),
        ],
    )
    assert assign([first, last], "Ann Lee") == [1, 0]
    first.append(ValueCandidate(b"null", -5.0))
    assert assign([first, last], "Ann:Lee") == [2, 0]
