"""Clauses: a conjunction of schemas as a union of conjunctions in which nothing is left to choose.

In: locations that must all hold. Out: `Clause`s, in the order of preference; a value is valid under all the locations
exactly when it is valid under one of the clauses. References and `allOf` are followed, choices are distributed. Where that
would give too many the choice stays undistributed, as a residual: sound, but only the closed value shows it.
Clauses that contradict themselves by simple reasoning (kinds, literals, required members) are left out.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from itertools import islice

from engine.schema.applied import Applied, read_applied
from engine.schema.choice import Branch, Choice, Residual
from engine.schema.facts import Facts, facts_of, meet_numbers, meet_texts
from engine.schema.key_match import matches, overlap
from engine.schema.kind import ANY, ARRAY, INTEGER, NUMBER, OBJECT, STRING, kind_of
from engine.schema.literal import literal_key
from engine.schema.location import Location
from engine.schema.negation import flat_negation
from engine.schema.schema import Json, Number, Text

MOST_BRANCHES = 4096  # of a first choice
MOST_CLAUSES = 1024  # where a choice adds, as along a chain of if and else
MOST_PRODUCTS = 64  # where choices multiply
MOST_MINOR = 16  # where a choice comes of `not` or `dependencies`
MOST_EXCLUSIVE = 64  # branches of a `oneOf` that are compared in pairs

_Chain = tuple[Location, "_Chain"] | None  # a location and those that applied it


class Clause:
    """A conjunction. `pending` are the choices still to be made; `dead` says that nothing is valid."""

    __slots__ = (
        "_members",
        "chains",
        "dead",
        "digits_only",
        "excluded",
        "kinds",
        "pending",
        "required",
        "residuals",
        "values",
    )

    def __init__(self) -> None:
        self.chains: dict[Location, _Chain] = {}
        self.kinds = ANY
        self.values: dict[Hashable, Json] | None = None
        self.excluded: dict[Hashable, Json] = {}
        self.residuals: list[Residual] = []
        self.pending: list[tuple[Choice, _Chain]] = []
        self.required: dict[str, None] = {}
        self.digits_only = False
        self.dead = False
        self._members: dict[str, tuple[int, Clause]] = {}  # and how many of the schemas it takes into account

    def copy(self) -> Clause:
        """The same conjunction, to be extended."""
        made = Clause()
        made.chains = dict(self.chains)
        made.kinds, made.values, made.excluded = self.kinds, self.values, dict(self.excluded)
        made.residuals, made.pending = list(self.residuals), list(self.pending)
        made.required, made.digits_only, made.dead = dict(self.required), self.digits_only, self.dead
        made._members = dict(self._members)
        return made

    @property
    def facts(self) -> Iterator[Facts]:
        """The facts of all schemas in it."""
        return (facts_of(location) for location in self.chains)

    def require(self, location: Location, chain: _Chain = None) -> None:
        """Demand a location, with all that it refers to."""
        if self.dead or location.value is True:
            return
        if location.value is False:
            self.dead = True
            return
        above = chain
        while above is not None:
            if above[0] is location:
                self.dead = True  # it holds only where it holds already: for no finite value
                return
            above = above[1]
        if location in self.chains:
            return
        chain = (location, chain)
        self.chains[location] = chain
        self._narrow(facts_of(location))
        applied = applied_of(location)
        self.demand(Branch(tuple(applied.together), tuple(applied.residuals), tuple(applied.excluded)), chain)
        self.pending.extend((choice, chain) for choice in applied.choices)

    def demand(self, branch: Branch, chain: _Chain = None) -> None:
        """Demand a branch."""
        self.residuals.extend(branch.residuals)
        for location in branch.locations:
            self.require(location, chain)
        if branch.excluded:
            self.excluded.update((literal_key(value), value) for value in branch.excluded)
            self._settle()

    def _narrow(self, facts: Facts) -> None:
        self.kinds &= facts.kinds
        self.digits_only |= facts.digits_only
        if facts.members is not None:
            self.required.update(dict.fromkeys(facts.members.required))
        if facts.values is not None:
            values = {literal_key(value): value for value in facts.values}
            self.values = values if self.values is None else {k: v for k, v in self.values.items() if k in values}
        self._settle()

    def _settle(self) -> None:
        if self.values is not None:
            self.values = {
                key: value
                for key, value in self.values.items()
                if key not in self.excluded and kind_of(value) & self.kinds
            }
            kinds = 0
            for value in self.values.values():
                kinds |= kind_of(value)
            self.kinds &= kinds
        if not self.kinds:
            self.dead = True

    @property
    def text(self) -> Text:
        """What is demanded of strings."""
        met = Text()
        for facts in self.facts:
            if facts.text is not None:
                met = meet_texts(met, facts.text)
        return met

    @property
    def number(self) -> Number:
        """What is demanded of numbers."""
        met = Number(integer=self.kinds & NUMBER == INTEGER, digits_only=self.digits_only)
        for facts in self.facts:
            if facts.number is not None:
                met = meet_numbers(met, facts.number)
        return met

    def member(self, name: str) -> Clause:
        """What a member of this name must be, without any choice made."""
        known, made = self._members.get(name, (0, None))
        if known < len(self.chains):
            new = [sub for place in islice(self.chains, known, None) for sub in _member_schemas(place, name)]
            if made is None or new:
                made = made.copy() if made is not None else Clause()
                for sub in new:
                    made.require(sub)
            self._members[name] = (len(self.chains), made)
        return made if made is not None else Clause()

    @property
    def contradicts(self) -> bool:
        """Whether it is dead, or an object that requires a member that nothing can be."""
        if self.dead or self.kinds != OBJECT:
            return self.dead
        return any(self.member(name).dead for name in self.required)


def _member_schemas(place: Location, name: str) -> list[Location]:
    """The schemas that one schema gives a member of this name."""
    members = facts_of(place).members
    if members is None:
        return []
    found = [members.properties[name]] if name in members.properties else []
    found += [sub for pattern, sub in members.patterns if matches(pattern, name)]
    if not found and members.additional is not None:
        found = [members.additional]
    return found


def conjunction(locations: Iterable[Location]) -> Clause:
    """All of these, with the choices pending."""
    clause = Clause()
    for location in locations:
        clause.require(location)
    return clause


def applied_of(location: Location) -> Applied:
    """What a location applies, read once."""
    found = location.applied
    if found is None:
        found = location.applied = read_applied(location)
    applied: Applied = found
    return applied


def clauses(locations: Iterable[Location]) -> list[Clause]:
    """The union of conjunctions that these locations come to.

    In rounds: each clause makes its first pending choice, if all that comes of it together is not too much.
    """
    start = conjunction(locations)
    found = [] if start.contradicts else [start]
    while any(clause.pending for clause in found):
        before = len(found)
        allowed = MOST_BRANCHES if before == 1 else MOST_CLAUSES
        extended: list[Clause] = []
        for n, clause in enumerate(found):
            if not clause.pending:
                extended.append(clause)
                continue
            choice, chain = clause.pending.pop(0)
            made = _distributed(clause, choice, chain) if choice.residual.kinds & clause.kinds else [clause]
            others = len(extended) + len(found) - n - 1
            limit = MOST_MINOR if choice.minor else MOST_PRODUCTS if len(made) > 1 and others > before else allowed
            if len(made) > 1 and others + len(made) > limit:
                clause.residuals.append(choice.residual)
                made = [clause]
            extended += made
        found = extended
    return found


def _distributed(clause: Clause, choice: Choice, chain: _Chain) -> list[Clause]:
    """One clause a branch; for an exclusive choice each also says that no other branch holds."""
    alive: list[tuple[Branch, Clause]] = []
    for branch in choice.branches:
        extended = clause.copy()
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


def _told_apart(alive: list[Clause]) -> bool:
    """Whether one required member has different literals in each: the usual discriminator, found in O(branches)."""
    shared = set(alive[0].required).intersection(*(clause.required for clause in alive[1:])) if alive else set()
    for name in shared:
        values = [clause.member(name).values for clause in alive if clause.kinds == OBJECT]
        keys = [key for known in values if known is not None for key in known]
        if None not in values and len(values) == len(alive) and len(keys) == len(set(keys)):
            return True
    return False


def _separate(alive: list[tuple[Branch, Clause]], whole: Residual, chain: _Chain) -> None:
    bare = [extended.copy() for _, extended in alive]
    for n, (_, extended) in enumerate(alive):
        overlapping = [alive[m][0] for m, other in enumerate(bare) if m != n and not disjoint(bare[n], other)]
        _exclude(extended, overlapping, whole, chain)


def _exclude(clause: Clause, branches: list[Branch], whole: Residual, chain: _Chain) -> None:
    left = []
    for branch in branches:
        opposites = flat_negation(branch.locations[0])
        if opposites is not None and len(opposites) <= 1:
            if opposites:
                clause.demand(opposites[0], chain)
            else:
                clause.dead = True
        else:
            left.append(branch.locations[0])
    if left:
        schema = {"not": {"anyOf": [location.value for location in left]}}
        clause.residuals.append(Residual(whole.location, whole.keywords, schema))


def disjoint(a: Clause, b: Clause, depth: int = 3) -> bool:
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
        met = meet_numbers(a.number, b.number)
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


def _sizes(clause: Clause) -> tuple[int, int | None]:
    items = [facts.items for facts in clause.facts if facts.items is not None]
    most = [found.maximum for found in items if found.maximum is not None]
    return max((found.minimum for found in items), default=0), min(most) if most else None


def _apart(a: tuple[int, int | None], b: tuple[int, int | None]) -> bool:
    return (a[1] is not None and a[1] < b[0]) or (b[1] is not None and b[1] < a[0])
