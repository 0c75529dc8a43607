"""A plain recogniser over the nodes of a grammar, to compare printers and automata with. Slow and without cleverness.

`matches(grammar, text)` computes, for a node and a position, the set of positions where a match may end. Expressions
are tried character by character; JSON strings are read with the json module. It follows the definition of each node,
not any of the passes: members are tried one key after the other.
"""

from __future__ import annotations

import json
import re
import sys

from engine.grammar.grammar import (
    Choice,
    Grammar,
    Guarded,
    Literal,
    Members,
    Node,
    RegularTerminal,
    Repeat,
    RuleRef,
    Sequence,
    Spelling,
    StringTerminal,
)
from engine.regular.expression import EMPTY_SET, Expression

Ends = frozenset[int]

_JSON_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"', re.DOTALL)


def matches(grammar: Grammar, whole: str, *, keys_repeat: bool = False) -> bool:
    """Whether `whole` is in the language; guards hold always. `keys_repeat`: as in a printed grammar, keys beside the
    declared ones may come twice."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + 50 * (len(whole) + 50))  # right recursion goes as deep as the text is long
    try:
        return len(whole) in _Recogniser(grammar, whole, keys_repeat).ends(grammar.rules[grammar.root], 0)
    finally:
        sys.setrecursionlimit(limit)


class _Recogniser:
    def __init__(self, grammar: Grammar, whole: str, keys_repeat: bool) -> None:
        self.grammar, self.text, self.keys_repeat = grammar, whole, keys_repeat
        self._known: dict[tuple[int, int], Ends] = {}

    def ends(self, node: Node, start: int) -> Ends:
        key = (id(node), start)
        if key not in self._known:
            self._known[key] = self._ends(node, start)
        return self._known[key]

    def _ends(self, node: Node, start: int) -> Ends:
        match node:
            case Literal(literal):
                return frozenset({start + len(literal)} if self.text.startswith(literal, start) else ())
            case RegularTerminal(language):
                return self._ends_of_language(language, start)
            case StringTerminal(language, spelling):
                return self._ends_of_string(language, spelling, start)
            case Sequence(items):
                ends = frozenset({start})
                for item in items:
                    ends = self._each(item, ends)
                return ends
            case Choice(options):
                return frozenset().union(*(self.ends(option, start) for option in options))
            case Repeat(item, low, high):
                return self._ends_of_repeat(item, low, high, start)
            case RuleRef(rule):
                return self.ends(self.grammar.rules[rule], start)
            case Guarded(item):
                return self.ends(item, start)
            case Members():
                return self._ends_of_members(node, start, frozenset(), 0)

    def _each(self, node: Node, starts: Ends) -> Ends:
        return frozenset().union(*(self.ends(node, start) for start in starts))

    def _ends_of_language(self, language: Expression, start: int) -> Ends:
        found = set()
        for at in range(start, len(self.text) + 1):
            if language.nullable:
                found.add(at)
            if at == len(self.text) or (language := language.derive(ord(self.text[at]))) is EMPTY_SET:
                break
        return frozenset(found)

    def _ends_of_string(self, language: Expression, spelling: Spelling, start: int) -> Ends:
        content, end = self._string_at(start, spelling)
        return frozenset({end} if content is not None and language.matches(content) else ())

    def _string_at(self, start: int, spelling: Spelling) -> tuple[str | None, int]:
        found = _JSON_STRING.match(self.text, start)
        if found is None:
            return None, start
        try:
            content: str = json.loads(found[0])
            content.encode("utf-8")
        except ValueError:
            return None, start
        canonical = found[0] == json.dumps(content, ensure_ascii=False)
        return (content if canonical or spelling == "any" else None), found.end()

    def _ends_of_repeat(self, item: Node, low: int, high: int | None, start: int) -> Ends:
        """`at` are the ends of exactly `count` items; from `low` on all are kept, until nothing new comes."""
        at, count = frozenset({start}), 0
        seen_below: set[Ends] = set()
        while count < low and at and at not in seen_below:
            seen_below.add(at)
            at, count = self._each(item, at), count + 1
        if at in seen_below:  # empty items only: any count is reached without moving
            count = low
        found = frozenset(at)
        while at and (high is None or count < high):
            at, count = self._each(item, at) - found, count + 1
            found |= at
        return found

    def _ends_of_members(self, node: Members, start: int, used: frozenset[str], count: int) -> Ends:
        required = {member.name for member in node.declared if member.required}
        done = count >= node.low and (node.high is None or count <= node.high) and required <= used
        ends = frozenset({start} if done else ())
        if node.high is not None and count >= node.high:
            return ends
        for at in self._each(node.comma, frozenset({start})) if count else {start}:
            ends |= self._after_pair(node, at, used, count)
        return ends

    def _after_pair(self, node: Members, at: int, used: frozenset[str], count: int) -> Ends:
        key, after_key = self._string_at(at, node.spelling)
        if key is None:
            return frozenset()
        names = [member.name for member in node.declared]
        ends: Ends = frozenset()
        values: list[Node] = []
        owner = next((member for member in node.declared if key in (member.name, *member.aliases)), None)
        if owner is not None:
            key = owner.name
            later = names[names.index(key) :]
            in_place = not node.ordered or not any(name in later or name not in names for name in used)
            values = [owner.value] if key not in used and in_place else []
        elif key not in used or self.keys_repeat:
            values = [other.value for other in node.others if other.keys.matches(key)]
        for value in values:
            for end in self._each(value, self._each(node.colon, frozenset({after_key}))):
                ends |= self._ends_of_members(node, end, used | {key}, count + 1)
        return ends
