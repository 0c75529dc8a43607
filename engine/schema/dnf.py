"""Disjunctive normal form (DNF): a conjunction of schemas as a union of conjunctions in which no disjunction is left.

In: locations that must all hold. Out: `Conjunction`s, in the order of preference; a value is valid under all the
locations exactly when it is valid under one of them. Where distributing a disjunction would give too many, it stays as
it is, as a residual: sound, but only the closed value shows it. Conjunctions that contradict themselves are left out.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.schema.conjunction import Conjunction, ReferenceChain, conjunction_of
from engine.schema.disjunction import Branch, Disjunction, Residual
from engine.schema.intersection import intersect_numbers
from engine.schema.kind import ARRAY, NUMBER, OBJECT, STRING
from engine.schema.location import Location
from engine.schema.negation import flat_negation
from engine.schema.pattern_match import overlap

MOST_BRANCHES = 4096  # of a first choice
MOST_CONJUNCTIONS = 1024  # where a choice adds, as along a chain of if and else
MOST_PRODUCTS = 64  # where choices multiply
MOST_MINOR = 16  # where a choice comes of `not` or `dependencies`
MOST_TRIES = 512  # of choices that are made though all but one branch would have to contradict
MOST_EXCLUSIVE = 64  # branches of a `oneOf` that are compared in pairs


def to_dnf(locations: Iterable[Location]) -> list[Conjunction]:
    """The union of conjunctions that these locations come to.

    In rounds: each conjunction decides its first pending disjunction, if all that comes of it together is not too much.
    """
    # With D1 = A | B and D2 = C | D both pending, the rounds are
    #   [D1 D2]  →  [A D2, B D2]  →  [A C, A D, B C, B D].
    # What contradicts itself is dropped at once, so a chain of n discriminated unions
    # stays at its n branches and never sees the product.
    start = conjunction_of(locations)
    found = [] if start.contradicts else [start]
    tries = MOST_TRIES
    while any(conjunction.pending for conjunction in found):
        before = len(found)
        allowed = MOST_BRANCHES if before == 1 else MOST_CONJUNCTIONS
        extended: list[Conjunction] = []
        for n, conjunction in enumerate(found):
            if not conjunction.pending:
                extended.append(conjunction)
                continue
            choice, chain = conjunction.pending.pop(0)
            # `others` are all conjunctions of this round but this one. Two branches more would be too many where it is
            # `full`: then the disjunction is tried all the same, hoping that all branches but one contradict, as long as
            # there are `tries`.
            others = len(extended) + len(found) - n - 1
            full = others + 2 > (MOST_MINOR if choice.minor else MOST_PRODUCTS if others >= before else allowed)
            if full and not tries:
                conjunction.residuals.append(choice.residual)
                extended.append(conjunction)
                continue
            made = (
                _distributed(conjunction, choice, chain) if choice.residual.kinds & conjunction.kinds else [conjunction]
            )
            limit = MOST_MINOR if choice.minor else MOST_PRODUCTS if len(made) > 1 and others > before else allowed
            if len(made) > 1 and others + len(made) > limit:
                conjunction.residuals.append(choice.residual)
                made = [conjunction]
                tries -= full  # a hope that came to nothing
            extended += made
        found = extended
    return found


def _distributed(conjunction: Conjunction, choice: Disjunction, chain: ReferenceChain) -> list[Conjunction]:
    """One conjunction a branch; for an exclusive disjunction each also says that no other branch holds."""
    alive: list[tuple[Branch, Conjunction]] = []
    for branch in choice.branches:
        extended = conjunction.copy()
        extended.demand(branch, chain)
        if not extended.contradicts:
            alive.append((branch, extended))
    if choice.exclusive and not _told_apart([extended for _, extended in alive]):
        if len(alive) > MOST_EXCLUSIVE:
            for _, extended in alive:
                extended.residuals.append(choice.residual)
        else:
            _separate(alive, choice.residual, chain)
    return [extended for _, extended in alive if not extended.contradicts]


def _told_apart(alive: list[Conjunction]) -> bool:
    """Whether one required member has different literals in each: the usual discriminator, found in O(branches)."""
    shared = (
        set(alive[0].required).intersection(*(conjunction.required for conjunction in alive[1:])) if alive else set()
    )
    for name in shared:
        values = [conjunction.member(name).values for conjunction in alive if conjunction.kinds == OBJECT]
        keys = [key for known in values if known is not None for key in known]
        if None not in values and len(values) == len(alive) and len(keys) == len(set(keys)):
            return True
    return False


def _separate(alive: list[tuple[Branch, Conjunction]], whole: Residual, chain: ReferenceChain) -> None:
    bare = [extended.copy() for _, extended in alive]
    for n, (_, extended) in enumerate(alive):
        overlapping = [alive[m][0] for m, other in enumerate(bare) if m != n and not disjoint(bare[n], other)]
        _exclude(extended, overlapping, whole, chain)


def _exclude(conjunction: Conjunction, branches: list[Branch], whole: Residual, chain: ReferenceChain) -> None:
    left = []
    for branch in branches:
        opposites = flat_negation(branch.locations[0])
        if opposites is not None and len(opposites) <= 1:
            if opposites:
                conjunction.demand(opposites[0], chain)
            else:
                conjunction.dead = True
        else:
            left.append(branch.locations[0])
    if left:
        schema = {"not": {"anyOf": [location.value for location in left]}}
        conjunction.residuals.append(Residual(whole.location, whole.keywords, schema))


def disjoint(a: Conjunction, b: Conjunction, depth: int = 3) -> bool:
    """Whether surely no value is valid under both; the pending choices are not looked at."""
    common = a.kinds & b.kinds
    if a.dead or b.dead or not common:
        return True
    if a.values is not None and b.values is not None:
        return a.values.keys().isdisjoint(b.values)
    if not common & ~STRING:
        first, second = a.text, b.text
        return _apart((first.min_length, first.max_length), (second.min_length, second.max_length)) or (
            bool(first.patterns and second.patterns) and not overlap((*first.patterns, *second.patterns))
        )
    if not common & ~NUMBER:
        met = intersect_numbers(a.number, b.number)
        if met.minimum is None or met.maximum is None:
            return False
        return met.minimum > met.maximum or (
            met.minimum == met.maximum and (met.exclusive_minimum or met.exclusive_maximum)
        )
    if not common & ~ARRAY:
        return _apart(_sizes(a), _sizes(b))
    if common == OBJECT and depth:
        return any(disjoint(a.member(name), b.member(name), depth - 1) for name in a.required | b.required)
    return False


def _sizes(conjunction: Conjunction) -> tuple[int, int | None]:
    items = [facts.items for facts in conjunction.facts if facts.items is not None]
    most = [found.maximum for found in items if found.maximum is not None]
    return max((found.minimum for found in items), default=0), min(most) if most else None


def _apart(a: tuple[int, int | None], b: tuple[int, int | None]) -> bool:
    return (a[1] is not None and a[1] < b[0]) or (b[1] is not None and b[1] < a[0])
