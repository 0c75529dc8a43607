"""Network: a grammar prepared for the automaton, nodes as integers.

Each vertex is one of a few kinds that refer to each other by number, so that a stack frame is two small values. On the way,
whatever is regular and short enough becomes one leaf: a digit, a character class, an enumeration of ten thousand words. Rules
are not joined across a loop, since a leaf shared by all strings of all grammars keeps one set of token masks.

Refuses undefined rules and left recursion (through a fixpoint of what may be empty).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import lru_cache

from engine.automaton.terminal import LiteralTerminal, QuotedTerminal, Terminal, quoted_terminal, text_terminal
from engine.errors import GrammarEmpty, GrammarTooComplex
from engine.grammar import grammar as g
from engine.grammar.language import Languages, callees_first
from engine.grammar.recursion import below_recursion, calls, least_fixpoint, refuse_left_recursion
from engine.grammar.traversal import children, fold
from engine.regular import expression as ex
from engine.regular.expression import Expression


@dataclass(frozen=True, slots=True)
class LeafVertex:
    """One terminal, by its number."""

    terminal: int


@dataclass(frozen=True, slots=True)
class SequenceVertex:
    """The vertices one after another."""

    items: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ChoiceVertex:
    """One of the vertices."""

    options: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RepeatVertex:
    """The vertex `item` from `low` to `high` times; None is without end."""

    item: int
    low: int
    high: int | None


@dataclass(frozen=True, slots=True)
class RuleRefVertex:
    """Whatever the rule of that name is."""

    rule: str


@dataclass(frozen=True, slots=True)
class GuardedVertex:
    """A value whose closing is watched: `item`, then the vertex `guard_point`."""

    item: int
    guard_point: int


@dataclass(frozen=True, slots=True)
class GuardPoint:
    """Stands after a value; holds if the guard does. None: the key that closed must be new in its object."""

    guard: g.Guard | None


@dataclass(frozen=True, slots=True)
class MembersBeforeComma:
    """The members of an object from some point on, before a comma. Numbers are vertices."""

    members: g.Members
    values: tuple[int, ...]
    others: tuple[tuple[int, int], ...]  # key, value
    colon: int
    comma: int
    new_key: int  # the Watch after a key of the others; no vertex of its own where there are none
    next: int  # the Next of the same object
    key: int | None  # the terminal of declared keys


@dataclass(frozen=True, slots=True)
class MembersBeforeKey:
    """The same, before a key. `inside` is the vertex of the Inside that goes on after the member."""

    inside: int


NetworkVertex = (
    LeafVertex
    | SequenceVertex
    | ChoiceVertex
    | RepeatVertex
    | RuleRefVertex
    | GuardedVertex
    | GuardPoint
    | MembersBeforeComma
    | MembersBeforeKey
)


class KeyTerminal(QuotedTerminal):
    """A declared key of an object; the label of its accepting states tells which. One serves all progresses of the object."""

    def __init__(self, names: frozenset[str], spelling: g.Spelling) -> None:
        self._names = names
        self._words = ex.finite_set(names, labelled=True)
        super().__init__(self._words, spelling)

    def among(self, names: tuple[str, ...]) -> int:
        """The state before a key among `names`."""
        assert isinstance(self._words, ex.FiniteSet)
        return self.entry(self._words.without(self._names.difference(names)))

    def ways(self, state: int) -> Iterator[tuple[str, bytes]]:
        """The keys that may still come of this, each with the rest of its text; none where it stands inside of an escape."""
        match self._keys[state]:
            case ("open", ex.FiniteSet() as words):
                yield from ((word, json.dumps(word, ensure_ascii=False).encode()) for word in words.left())
            case ("at", ex.FiniteSet() as words):
                for word in words.left():
                    yield word, json.dumps(word[words.offset :], ensure_ascii=False)[1:].encode()
            case ("utf8", *_):
                for byte, target in self.edges(state).items():
                    yield from ((word, bytes((byte,)) + rest) for word, rest in self.ways(target))


@lru_cache(maxsize=512)
def key_terminal(names: frozenset[str], spelling: g.Spelling) -> KeyTerminal:
    """The shared terminal of these keys."""
    return KeyTerminal(names, spelling)


class Network:
    """Vertices and terminals of one grammar; `entry` is the vertex of the root rule. `recursive` are the rules on or below a
    cycle, `callees_first` all of them, each after those that it refers to, but for recursion."""

    def __init__(self, grammar: g.Grammar) -> None:
        self.grammar = grammar
        self.vertices: list[NetworkVertex] = []
        self.terminals: list[Terminal] = []
        self._terminal_ids: dict[int, int] = {}
        self._ids: dict[NetworkVertex, int] = {}
        self.rules: dict[str, int] = {}
        edges = calls(grammar)
        refuse_left_recursion(grammar)
        # What has no finite text would be a way without an end: it is left out. For most rules that shows as they are added.
        self.recursive = {name: grammar.rules[name] for name in below_recursion(edges)}
        self._productive = least_fixpoint(self.recursive, _is_productive)
        self._languages = Languages(grammar, _is_short, edges)
        self._known: dict[int, int] = {}  # vertices, by the identity of the node
        self._kept: list[g.Node] = []  # nodes that are made on the way must outlive it
        self.callees_first = tuple(callees_first(edges))
        for name in self.callees_first:
            try:
                self.rules[name] = self._add(grammar.rules[name])
            except GrammarTooComplex as error:
                raise error.at(grammar.schema_paths.get(name)) from None
        self.rules = {name: self.rules[name] for name in grammar.rules}
        if self.rules[grammar.root] == self._nothing or not self._has_text(grammar.root):
            place = (
                f"schema at {grammar.schema_paths[grammar.root] or '/'}: "
                if grammar.root in grammar.schema_paths
                else ""
            )
            raise GrammarEmpty(f"{place}no text matches the grammar: rule {grammar.root!r} never ends")
        self.entry = self.rules[grammar.root]

    @property
    def _nothing(self) -> int:
        """The vertex of what has no text."""
        return self._vertex(ChoiceVertex(()))

    def rule_of(self, vertex: int) -> str:
        """The first rule that a vertex is in; found by a walk, for messages."""
        for name, start in self.rules.items():
            seen, pending = {start}, [start]
            for number in pending:
                if number == vertex:
                    return name
                new = _vertices_of(self.vertices[number]) - seen
                seen |= new
                pending += new
        return self.grammar.root

    def terminal_id(self, terminal: Terminal) -> int:
        """The number of a terminal, given on first use; terminals of one document may join later."""
        found = self._terminal_ids.get(id(terminal))
        if found is None:
            found = self._terminal_ids[id(terminal)] = len(self.terminals)
            self.terminals.append(terminal)
        return found

    def _vertex(self, vertex: NetworkVertex) -> int:
        found = self._ids.get(vertex)
        if found is None:
            found = self._ids[vertex] = len(self.vertices)
            self.vertices.append(vertex)
        return found

    def _leaf(self, terminal: Terminal) -> int:
        return self._vertex(LeafVertex(self.terminal_id(terminal)))

    def _has_text(self, rule: str) -> bool:
        """Whether some finite text matches a rule; one that is not below recursion must have been added before."""
        return rule in self._productive if rule in self.recursive else self.rules[rule] != self._nothing

    def _add(self, node: g.Node) -> int:
        return fold(node, self._made, inside=self._inside, known=self._known)

    def _language(self, node: g.Node) -> Expression | None:
        return None if isinstance(node, g.Literal | g.RuleRef) else self._languages.of(node)

    def _inside(self, node: g.Node) -> tuple[g.Node, ...]:
        """The nodes whose vertices that of `node` refers to."""
        if isinstance(node, g.Literal | g.RuleRef) or self._languages.of(node) is not None:
            return ()
        if not isinstance(node, g.Sequence):
            return children(node)
        parts = tuple(_join_literals(node.items))
        self._kept += parts
        return parts

    def _made(self, node: g.Node, inside: tuple[int, ...]) -> int:
        """The vertex of a node from those of the nodes inside."""
        language = self._language(node)
        if language is not None:
            return self._regular_vertex(language)
        match node:
            case g.Literal(literal):
                return self._leaf(LiteralTerminal(literal.encode())) if literal else self._vertex(SequenceVertex(()))
            case g.StringTerminal(language, spelling):
                if not language.alive:
                    return self._nothing
                made = QuotedTerminal if language.local else quoted_terminal
                return self._leaf(made(language, spelling))
            case g.Sequence():
                return self._nothing if self._nothing in inside else self._vertex(SequenceVertex(inside))
            case g.Choice():
                return self._vertex(ChoiceVertex(tuple(option for option in inside if option != self._nothing)))
            case g.Repeat(_, low, high):
                if inside[0] == self._nothing:
                    return self._vertex(SequenceVertex(())) if low == 0 else self._nothing
                return self._vertex(RepeatVertex(inside[0], low, high))
            case g.RuleRef(rule):
                if not self._has_text(rule):
                    return self._nothing
                short = self._languages.of_rule(rule)
                return self._vertex(RuleRefVertex(rule)) if short is None else self._regular_vertex(short)
            case g.Guarded(_, guard):
                watched = GuardedVertex(inside[0], self._vertex(GuardPoint(guard)))
                return inside[0] if inside[0] == self._nothing else self._vertex(watched)
            case g.Members():
                return self._members(node, inside)
        raise AssertionError(node)

    def _regular_vertex(self, language: Expression) -> int:
        if language is ex.EMPTY_STRING:
            return self._vertex(SequenceVertex(()))
        if not language.alive:
            return self._nothing
        return self._leaf(text_terminal(language))

    def _members(self, node: g.Members, inside: tuple[int, ...]) -> int:
        """Members that have no finite text are left out."""
        *values, colon, comma = inside
        nothing, after = self._nothing, len(node.declared)
        declared = [pair for pair in zip(node.declared, values, strict=False) if pair[1] != nothing]
        if any(member.required for member, value in zip(node.declared, values, strict=False) if value == nothing):
            return nothing
        others = [
            pair for pair in zip(node.others, values[after:], strict=True) if pair[1] != nothing and pair[0].keys.alive
        ]
        if len(declared) + len(others) < len(values):
            node = replace(node, declared=tuple(m for m, _ in declared), others=tuple(o for o, _ in others))
        keys = [(self._key(quoted_terminal(o.keys, node.spelling), o.guards), value) for o, value in others]
        # Declared keys are known by their number: only the others are compared as text, which takes a tracker.
        new_key = self._vertex(GuardPoint(None)) if keys else nothing
        names = frozenset(key for member in node.declared for key in member.keys)
        key = self.terminal_id(key_terminal(names, node.spelling)) if names else None
        number = len(self.vertices)
        self.vertices.append(MembersBeforeKey(number + 1))
        chosen = tuple(value for _, value in declared)
        self.vertices.append(MembersBeforeComma(node, chosen, tuple(keys), colon, comma, new_key, number, key))
        return number + 1

    def _key(self, terminal: Terminal, guards: tuple[g.Guard, ...]) -> int:
        vertex = self._leaf(terminal)
        for guard in guards:
            vertex = self._vertex(GuardedVertex(vertex, self._vertex(GuardPoint(guard))))
        return vertex


def _vertices_of(vertex: NetworkVertex) -> set[int]:
    """Those that it refers to in its own rule."""
    match vertex:
        case SequenceVertex(items):
            return set(items)
        case ChoiceVertex(options):
            return set(options)
        case RepeatVertex(item):
            return {item}
        case GuardedVertex(item, guard_point):
            return {item, guard_point}
        case MembersBeforeComma():
            others = [number for pair in vertex.others for number in pair]
            return {*vertex.values, *others, vertex.colon, vertex.comma, vertex.new_key, vertex.next}
        case MembersBeforeKey(inside):
            return {inside}
    return set()


def _is_short(language: Expression) -> bool:
    """No repeat of more than a few characters and little in it: a digit, an escape, a character."""
    budget = 64
    pending = [language]
    while pending and budget:
        node = pending.pop()
        budget -= 1
        match node:
            case ex.Concat(head=head, tail=tail):
                pending += (head, tail)
            case ex.Union(options=options):
                pending += options
            case ex.Repetition(body=body, high=high):
                if high is None or high > 8:
                    return False
                pending.append(body)
            case ex.CharClass() | ex.EmptyString():
                pass
            case _:
                return False
    return not pending


def _join_literals(items: tuple[g.Node, ...]) -> Iterator[g.Node]:
    held = ""
    for item in _flatten(items):
        if isinstance(item, g.Literal):
            held += item.text
            continue
        if held:
            yield g.Literal(held)
            held = ""
        yield item
    if held:
        yield g.Literal(held)


def _flatten(items: tuple[g.Node, ...]) -> Iterator[g.Node]:
    pending = list(reversed(items))
    while pending:
        item = pending.pop()
        if isinstance(item, g.Sequence):
            pending.extend(reversed(item.items))
        else:
            yield item


def _is_productive(node: g.Node, rules: AbstractSet[str]) -> bool:
    """Whether `node` has a finite text, where the rules named in `rules` do."""
    return fold(node, lambda part, inside: _productive_from(part, inside, rules))


def _productive_from(node: g.Node, inside: tuple[bool, ...], rules: AbstractSet[str]) -> bool:
    match node:
        case g.RegularTerminal(language) | g.StringTerminal(language):
            return language.alive
        case g.Choice():
            return any(inside)
        case g.Repeat(_, low, _):
            return low == 0 or inside[0]
        case g.RuleRef(rule):
            return rule in rules
        case g.Members(declared):
            return all(value or not member.required for member, value in zip(declared, inside, strict=False))
    return all(inside)
