"""Clauses: a conjunction of schemas, with the choices that are still to be made.

A Clause takes in locations with all that they refer to, and narrows kinds, literals and required members as it does. It is
dead when it contradicts itself by simple reasoning. engine.schema.distribution makes the choices.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from itertools import islice

from engine.schema.applied import Applied, read_applied
from engine.schema.choice import Branch, Choice, Residual
from engine.schema.facts import Facts, facts_of
from engine.schema.key_match import matches
from engine.schema.kind import ANY, INTEGER, NUMBER, OBJECT, kind_of
from engine.schema.literal import literal_key
from engine.schema.location import Location
from engine.schema.meet import meet_numbers, meet_texts
from engine.schema.schema import Json, Number, Text

Chain = tuple[Location, "Chain"] | None  # a location and those that applied it


class Clause:
    """A conjunction. `pending` are the choices still to be made; `dead` says that nothing is valid."""

    __slots__ = (
        "_declaring",
        "_general",
        "_members",
        "_settled",
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
        self.chains: dict[Location, Chain] = {}
        self.kinds = ANY
        self.values: dict[Hashable, Json] | None = None
        self.excluded: dict[Hashable, Json] = {}
        self.residuals: list[Residual] = []
        self.pending: list[tuple[Choice, Chain]] = []
        self.required: dict[str, None] = {}
        self.digits_only = False
        self.dead = False
        self._settled = (0, 0)  # how many schemas and required names are known not to contradict each other
        # The schemas that declare a member of a name, and those that say something of members which they do not declare.
        self._declaring: dict[str, tuple[Location, ...]] = {}
        self._general: tuple[Location, ...] = ()
        self._members: dict[str, tuple[int, int, Clause]] = {}  # and how many of either it takes into account

    def copy(self) -> Clause:
        """The same conjunction, to be extended."""
        made = Clause()
        made.chains = dict(self.chains)
        made.kinds, made.values, made.excluded = self.kinds, self.values, dict(self.excluded)
        made.residuals, made.pending = list(self.residuals), list(self.pending)
        made.required, made.digits_only, made.dead = dict(self.required), self.digits_only, self.dead
        made._members, made._settled = dict(self._members), self._settled
        made._declaring, made._general = dict(self._declaring), self._general
        return made

    @property
    def facts(self) -> Iterator[Facts]:
        """The facts of all schemas in it."""
        return (facts_of(location) for location in self.chains)

    def require(self, location: Location, chain: Chain = None) -> None:
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
        self._index(location)
        applied = applied_of(location)
        self.demand(Branch(tuple(applied.together), tuple(applied.residuals), tuple(applied.excluded)), chain)
        self.pending.extend((choice, chain) for choice in applied.choices)

    def demand(self, branch: Branch, chain: Chain = None) -> None:
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
    def contents(self) -> list[Location]:
        """What is demanded of the JSON in a string."""
        return [facts.content for facts in self.facts if facts.content is not None]

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
        declaring = self._declaring.get(name, ())
        known, known_general, made = self._members.get(name, (0, 0, None))
        if known < len(declaring) or known_general < len(self._general):
            places = (*declaring[known:], *self._general[known_general:])
            new = [sub for place in places for sub in _member_schemas(place, name)]
            if made is None or new:
                made = made.copy() if made is not None else Clause()
                for sub in new:
                    made.require(sub)
            self._members[name] = (len(declaring), len(self._general), made)
        return made if made is not None else Clause()

    def _index(self, location: Location) -> None:
        members = facts_of(location).members
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
        known, settled = self._settled
        touched = set(islice(self.required, settled, None))
        for place in islice(self.chains, known, None):
            members = facts_of(place).members
            if members is not None:
                if members.patterns or members.additional is not None:
                    touched.update(self.required)
                touched.update(name for name in members.properties if name in self.required)
        self._settled = (len(self.chains), len(self.required))
        return any(self.member(name).dead for name in touched)


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
