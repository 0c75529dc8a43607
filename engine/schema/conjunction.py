"""Conjunction: schemas that must all hold, with the disjunctions that are still to be decided.

A Conjunction takes in locations with all that they refer to, and narrows kinds, literals and required members as it
does. It is dead when it contradicts itself by simple reasoning. engine.schema.dnf decides the disjunctions.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from itertools import islice

from engine.schema.applicators import Applicators, read_applicators
from engine.schema.assertions import Assertions, assertions_of
from engine.schema.disjunction import Branch, Disjunction, Residual
from engine.schema.intersection import intersect_numbers, intersect_texts
from engine.schema.json_equality import literal_key
from engine.schema.kind import ANY_KIND, INTEGER, NUMBER, OBJECT, kind_of
from engine.schema.location import Location
from engine.schema.pattern_match import matches
from engine.schema.schema import Json, Number, Text

ReferenceChain = tuple[Location, "ReferenceChain"] | None  # a location and those that applied it


class Conjunction:
    """`pending` are the disjunctions still to be decided; `dead` says that nothing is valid."""

    __slots__ = (
        "_checked_counts",
        "_declaring",
        "_general",
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
        self.chains: dict[Location, ReferenceChain] = {}
        self.kinds = ANY_KIND
        self.values: dict[Hashable, Json] | None = None
        self.excluded: dict[Hashable, Json] = {}
        self.residuals: list[Residual] = []
        self.pending: list[tuple[Disjunction, ReferenceChain]] = []
        self.required: dict[str, None] = {}
        self.digits_only = False
        self.dead = False
        self._checked_counts = (0, 0)  # how many schemas and required names are known not to contradict each other
        # The schemas that declare a member of a name, and those that say something of members which they do not declare.
        self._declaring: dict[str, tuple[Location, ...]] = {}
        self._general: tuple[Location, ...] = ()
        self._members: dict[str, tuple[int, int, Conjunction]] = {}  # and how many of either it takes into account

    def copy(self) -> Conjunction:
        """The same conjunction, to be extended."""
        made = Conjunction()
        made.chains = dict(self.chains)
        made.kinds, made.values, made.excluded = self.kinds, self.values, dict(self.excluded)
        made.residuals, made.pending = list(self.residuals), list(self.pending)
        made.required, made.digits_only, made.dead = dict(self.required), self.digits_only, self.dead
        made._members, made._checked_counts = dict(self._members), self._checked_counts
        made._declaring, made._general = dict(self._declaring), self._general
        return made

    @property
    def facts(self) -> Iterator[Assertions]:
        """The assertions of all schemas in it."""
        return (assertions_of(location) for location in self.chains)

    def require(self, location: Location, chain: ReferenceChain = None) -> None:
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
        self._narrow(assertions_of(location))
        self._index(location)
        applied = applicators_of(location)
        self.demand(Branch(tuple(applied.together), tuple(applied.residuals), tuple(applied.excluded)), chain)
        self.pending.extend((choice, chain) for choice in applied.choices)

    def demand(self, branch: Branch, chain: ReferenceChain = None) -> None:
        """Demand a branch."""
        self.residuals.extend(branch.residuals)
        for location in branch.locations:
            self.require(location, chain)
        if branch.excluded:
            self.excluded.update((literal_key(value), value) for value in branch.excluded)
            self._narrow_values()

    def _narrow(self, facts: Assertions) -> None:
        self.kinds &= facts.kinds
        self.digits_only |= facts.digits_only
        if facts.members is not None:
            self.required.update(dict.fromkeys(facts.members.required))
        if facts.values is not None:
            values = {literal_key(value): value for value in facts.values}
            self.values = values if self.values is None else {k: v for k, v in self.values.items() if k in values}
        self._narrow_values()

    def _narrow_values(self) -> None:
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
                met = intersect_texts(met, facts.text)
        return met

    @property
    def contents(self) -> list[Location]:
        """What is demanded of the JSON in a string."""
        return [facts.content for facts in self.facts if facts.content is not None]

    @property
    def number(self) -> Number:
        """What is demanded of numbers."""
        met = Number(integer=self.kinds & NUMBER == INTEGER, digits_only=self.digits_only)
        for facts in self.facts:
            if facts.number is not None:
                met = intersect_numbers(met, facts.number)
        return met

    def member(self, name: str) -> Conjunction:
        """What a member of this name must be, without any choice made."""
        declaring = self._declaring.get(name, ())
        known, known_general, made = self._members.get(name, (0, 0, None))
        if known < len(declaring) or known_general < len(self._general):
            places = (*declaring[known:], *self._general[known_general:])
            new = [sub for place in places for sub in _member_schemas(place, name)]
            if made is None or new:
                made = made.copy() if made is not None else Conjunction()
                for sub in new:
                    made.require(sub)
            self._members[name] = (len(declaring), len(self._general), made)
        return made if made is not None else Conjunction()

    def _index(self, location: Location) -> None:
        members = assertions_of(location).members
        if members is None:
            return
        if members.patterns or members.additional is not None:
            self._general += (location,)
        else:
            for name in members.properties:
                self._declaring[name] = (*self._declaring.get(name, ()), location)

    @property
    def contradicts(self) -> bool:
        """Whether it is dead, or an object that requires a member that nothing can be."""
        if self.dead or self.kinds != OBJECT:
            return self.dead
        known, required_known = self._checked_counts
        touched = set(islice(self.required, required_known, None))
        for place in islice(self.chains, known, None):
            members = assertions_of(place).members
            if members is not None:
                if members.patterns or members.additional is not None:
                    touched.update(self.required)
                touched.update(name for name in members.properties if name in self.required)
        self._checked_counts = (len(self.chains), len(self.required))
        return any(self.member(name).dead for name in touched)


def _member_schemas(place: Location, name: str) -> list[Location]:
    """The schemas that one schema gives a member of this name."""
    members = assertions_of(place).members
    if members is None:
        return []
    found = [members.properties[name]] if name in members.properties else []
    found += [sub for pattern, sub in members.patterns if matches(pattern, name)]
    if not found and members.additional is not None:
        found = [members.additional]
    return found


def conjunction_of(locations: Iterable[Location]) -> Conjunction:
    """All of these, with the choices pending."""
    conjunction = Conjunction()
    for location in locations:
        conjunction.require(location)
    return conjunction


def applicators_of(location: Location) -> Applicators:
    """What a location applies, read once."""
    found = location.applicators
    if found is None:
        found = location.applicators = read_applicators(location)
    applied: Applicators = found
    return applied
