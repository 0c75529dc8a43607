"""Object shape: what a conjunction demands of objects → one Object.

Every name that some schema declares or requires becomes a Property; its schema is the conjunction of what `properties`,
`patternProperties` and `additionalProperties` of each schema say of that name. All other names fall into classes by which
patterns they match; each class is one Keys, so the classes are disjoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.schema.assertions import MemberAssertions, assertions_of
from engine.schema.conjunction import Conjunction
from engine.schema.disjunction import Residual, part
from engine.schema.dnf import to_dnf
from engine.schema.location import Location
from engine.schema.pattern_match import matches, overlap
from engine.schema.schema import AdditionalProperties, Literals, Object, Pattern, Property, Text
from engine.schema.unevaluated import unevaluated
from engine.schema.validation import Context, validator
from engine.schema.vertices import Vertices

MOST_CLASSES = 32  # of further names, by which patterns they match
MOST_NAMES = 1000  # of a finite propertyNames


class _Rule:
    """One schema's say on members: which of its keywords speaks of a name."""

    def __init__(self, members: MemberAssertions, beyond: list[MemberAssertions] | None) -> None:
        self.members = members
        self.beyond = beyond  # for unevaluatedProperties: the schemas whose keywords evaluate; None: no such rule

    @property
    def says_of_others(self) -> bool:
        """Whether it says anything of names that it does not declare."""
        members = self.members
        return bool(members.patterns) or members.additional is not None or members.unevaluated is not None

    def evaluates(self, name: str | None, matched: frozenset[Pattern]) -> list[Location]:
        """The schemas for a name (None: one that nobody declares) that matches just these patterns."""
        members = self.members
        found = [members.properties[name]] if name is not None and name in members.properties else []
        found += [sub for pattern, sub in members.patterns if pattern in matched]
        if not found and members.additional is not None:
            found = [members.additional]
        if self.beyond is None or members.unevaluated is None or found:
            return found
        if any(_covers(other, name, matched) for other in self.beyond):
            return found
        return [members.unevaluated]


def _covers(members: MemberAssertions, name: str | None, matched: frozenset[Pattern]) -> bool:
    return (
        members.additional is not None
        or members.unevaluated is not None
        or (name is not None and name in members.properties)
        or any(pattern in matched for pattern, _ in members.patterns)
    )


def object_(vertices: Vertices, conjunction: Conjunction) -> tuple[Object | None, list[Residual]]:
    """The shape (None: no object is valid) and what it cannot say."""
    residuals: list[Residual] = []
    places = [place for place in conjunction.chains if assertions_of(place).members is not None]
    rules = [_rule(place, residuals) for place in places]
    members = [rule.members for rule in rules]
    patterns = list(dict.fromkeys(pattern for one in members for pattern, _ in one.patterns))
    matched_together = _combinations(patterns)
    if matched_together is None:
        for place, rule in zip(places, rules, strict=True):
            if rule.beyond is not None:
                residuals.append(Residual(place, ("unevaluatedProperties",), place.value))
                rule.beyond = None
    required = conjunction.required
    declared = dict.fromkeys(name for one in members for name in one.properties) | required
    key_shapes, finite = _names(conjunction, places, residuals)
    if finite is not None:
        declared |= dict.fromkeys(finite)
    # {properties: {a: A}, additionalProperties: B} and {patternProperties: {^a: P}} together: `a` is declared, so it
    # becomes a Property with A and P; other names fall into classes by the patterns that they match: ^a with B and P, the
    # rest with B alone.
    properties: list[Property] = []
    speaking = _speaking(rules)
    naming = [one for one in members if one.names is not None]
    for name in declared:
        mine = speaking(name)
        if any(not _valid_name(one, name) for one in naming):
            schema = vertices.vertex([_never(places[0])])
        else:
            matched = frozenset(pattern for pattern in patterns if matches(pattern, name))
            schema = vertices.vertex([sub for rule in mine for sub in rule.evaluates(name, matched)])
        aliases = tuple(one for one in _aliases(mine, name) if one not in declared)
        properties.append(Property(name, schema, name in required, _description(mine, name), aliases))
    if finite is not None:
        others: tuple[AdditionalProperties, ...] = ()
    elif matched_together is not None:
        others = tuple(_classes(vertices, rules, matched_together, key_shapes))
    else:
        others = tuple(_classes_in_turn(vertices, rules, patterns, key_shapes))
        residuals += [_as_residual(place) for place, rule in zip(places, rules, strict=True) if rule.members.patterns]
    most = [one.maximum for one in members if one.maximum is not None]
    shape = Object(
        properties=tuple(properties),
        others=others,
        min_properties=max((one.minimum for one in members), default=0),
        max_properties=min(most) if most else None,
    )
    return shape, residuals


def _speaking(rules: list[_Rule]) -> Callable[[str], list[_Rule]]:
    """Gives the rules that may say something of a name, in their order: those that declare it, and those that say something
    of names that they do not declare."""
    general = [n for n, rule in enumerate(rules) if rule.says_of_others]
    declaring: dict[str, list[int]] = {}
    for n, rule in enumerate(rules):
        if not rule.says_of_others:
            for name in rule.members.properties:
                declaring.setdefault(name, []).append(n)
    return lambda name: [rules[n] for n in sorted((*general, *declaring.get(name, ())))]


def _as_residual(place: Location) -> Residual:
    keywords = ("patternProperties", "additionalProperties")
    return Residual(place, keywords, part(place, "properties", *keywords))


def _rule(place: Location, residuals: list[Residual]) -> _Rule:
    members = assertions_of(place).members
    assert members is not None
    if members.unevaluated is None:
        return _Rule(members, None)
    scope = unevaluated(place, "unevaluatedProperties")
    if scope is None:
        residuals.append(Residual(place, ("unevaluatedProperties",), place.value))
        return _Rule(members, None)
    inner = (assertions_of(location).members for location in scope if location is not place)
    return _Rule(members, [one for one in inner if one is not None])


def _never(place: Location) -> Location:
    return place.derived("never", False)


def _description(rules: list[_Rule], name: str) -> str:
    for rule in rules:
        value = rule.members.properties[name].value if name in rule.members.properties else None
        if isinstance(value, dict) and isinstance(value.get("description"), str):
            return str(value["description"])
    return ""


def _aliases(rules: list[_Rule], name: str) -> list[str]:
    """The further names that all of the rules give the member."""
    first, *rest = (rule.members.aliases.get(name, []) for rule in rules) if rules else ([],)
    return [alias for alias in first if all(alias in those for those in rest)]


def _valid_name(members: MemberAssertions, name: str) -> bool:
    if members.names is None:
        return True
    return validator(members.names.value, Context.of(members.names))(name)


def _names(
    conjunction: Conjunction, places: list[Location], residuals: list[Residual]
) -> tuple[tuple[Text | Literals, ...], list[str] | None]:
    """What propertyNames says: shapes that every key has, or (second) all the names there are."""
    said = {place: members.names for place in places if (members := assertions_of(place).members) and members.names}
    if not said:
        return (), None
    string = next(iter(said)).derived("string", {"type": "string"})
    found = to_dnf([string, *said.values()])
    if all(one.values is not None for one in found):
        names = [name for one in found for name in one.values or {} if isinstance(name, str)]
        if len(names) <= MOST_NAMES:
            return (), names
    if len(found) == 1 and found[0].values is None and not found[0].residuals and not found[0].excluded:
        return (found[0].text,), None
    residuals += [Residual(place, ("propertyNames",), part(place, "propertyNames")) for place in said]
    return (), None


def _classes(
    vertices: Vertices, rules: list[_Rule], matched: list[tuple[Pattern, ...]], names: tuple[Text | Literals, ...]
) -> Iterator[AdditionalProperties]:
    """The classes of names that nobody declares, one for each set of patterns that a name may match."""
    patterns = dict.fromkeys(pattern for those in matched for pattern in those)
    for those in matched:
        subs = [sub for rule in rules for sub in rule.evaluates(None, frozenset(those))]
        excluding = tuple(pattern for pattern in patterns if pattern not in those and overlap((*those, pattern)))
        yield AdditionalProperties(vertices.vertex(subs), those, excluding, names)


def _combinations(patterns: list[Pattern]) -> list[tuple[Pattern, ...]] | None:
    """The sets of patterns that one name may match, larger ones first; None if there are too many."""
    found: list[tuple[Pattern, ...]] = [()]
    for pattern in patterns:
        found += [(*those, pattern) for those in found if overlap((*those, pattern))]
        if len(found) > MOST_CLASSES:
            return None
    return sorted(found, key=len, reverse=True)


def _classes_in_turn(
    vertices: Vertices, rules: list[_Rule], patterns: list[Pattern], names: tuple[Text | Literals, ...]
) -> Iterator[AdditionalProperties]:
    """A class for each pattern, of the names that no pattern before it matches, and one of the others.

    What a later pattern says of a name, and whether it is additional to some schema, is left to a check.
    """
    for n, first in enumerate(patterns):
        subs = []
        for rule in rules:
            if not rule.members.patterns:
                subs += rule.evaluates(None, frozenset())
            elif any(pattern == first for pattern, _ in rule.members.patterns):
                subs += rule.evaluates(None, frozenset({first}))
        yield AdditionalProperties(vertices.vertex(subs), (first,), tuple(patterns[:n]), names)
    yield AdditionalProperties(
        vertices.vertex([sub for rule in rules for sub in rule.evaluates(None, frozenset())]),
        (),
        tuple(patterns),
        names,
    )
