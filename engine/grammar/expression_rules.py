"""Regular expressions → rules over literals and classes.

A plain expression keeps its structure. An intersection, complement or multiple is run: its live states, merged where
nothing tells them apart, become right-linear rules, one a state. A large set of words becomes a trie of rules. What
an expression says of decoded characters of a JSON string is spelled character by character. Refused with
NotPrintable: an automaton of more than `state_graph.STATE_LIMIT` states.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from engine.grammar.builder import GrammarBuilder
from engine.grammar.dfa import merged_states
from engine.grammar.grammar import (
    EMPTY,
    Choice,
    Grammar,
    Literal,
    Node,
    RegularTerminal,
    Repeat,
    RuleRef,
    Sequence,
    Spelling,
    StringTerminal,
)
from engine.grammar.json_escapes import RAW, escapes
from engine.grammar.traversal import walk
from engine.regular import charset, expression
from engine.regular.charset import CharSet
from engine.regular.expression import (
    CharClass,
    Complement,
    Concat,
    Expression,
    FiniteSet,
    Intersection,
    Multiple,
    Union,
)

_WORDS_INLINE = 32
_SHARED_SIZE = 40
_SHARED_SIZE_OF_FREQUENT = 5
_FREQUENT = 3

Written = Spelling | None
"""How a decoded character is written; None: the expression is over the text itself."""


def expand_languages(grammar: Grammar) -> Grammar:
    """Every Terminal and StringTerminal replaced by literals, classes and rules."""
    draft = GrammarBuilder(grammar)
    expansion = _Expansion(draft, Counter(_languages(grammar)))

    def change(node: Node) -> Node:
        match node:
            case RegularTerminal(language):
                return expansion.part(language, None)
            case StringTerminal(language, spelling):
                return Sequence((Literal('"'), expansion.part(language, spelling), Literal('"')))
            case _:
                return node

    return draft.rewrite_rules(change)


def _languages(grammar: Grammar) -> Iterator[tuple[Expression, Written]]:
    for rule in grammar.rules.values():
        for node in walk(rule):
            if isinstance(node, RegularTerminal):
                yield node.language, None
            elif isinstance(node, StringTerminal):
                yield node.language, node.spelling


class _Expansion:
    """Remembers what it has expanded, so that strings of all rules share their characters and automata."""

    def __init__(self, draft: GrammarBuilder, uses: Counter[tuple[Expression, Written]]) -> None:
        self._draft, self._uses = draft, uses
        self._known: dict[tuple[Expression, Written], Node] = {}
        self._characters: dict[tuple[CharSet, Spelling], Node] = {}
        self._parts: dict[tuple[Expression, Written], Node] = {}
        self._shape = _Shape()
        self._escapes: dict[tuple[Expression, ...], list[Node]] = {}

    def part(self, language: Expression, written: Written) -> Node:
        """What stands for `language` in a rule: itself, or a rule that all its uses share, if it is large or frequent."""
        key = (language, written)
        if key not in self._parts:
            node = self.node(language, written)
            size = sum(1 for _ in walk(node))
            shared = size > (_SHARED_SIZE if self._uses[key] < _FREQUENT else _SHARED_SIZE_OF_FREQUENT)
            self._parts[key] = self._shared("text", node) if shared else node
        return self._parts[key]

    def node(self, language: Expression, written: Written) -> Node:
        key = (language, written)
        if key not in self._known:
            self._known[key] = self._expanded(language, written)
        return self._known[key]

    def _expanded(self, language: Expression, written: Written) -> Node:
        match language:
            case CharClass(members=members):
                return self._character(members, written)
            case Concat():
                return self._sequence(language, written)
            case expression.Repetition(body=body, low=low, high=high):
                return Repeat(self.node(body, written), low, high)
            case Union(options=options):
                return self._choice(options, written)
            case FiniteSet():
                return self._words(
                    [w[language.offset :] for w in language.table[language.low : language.high]], written
                )
            case expression.EMPTY_STRING:
                return EMPTY
            case expression.EMPTY_SET:
                return Choice(())
            case _:
                return self._automaton(language, written)

    def _sequence(self, language: Expression, written: Written) -> Node:
        items = []
        while isinstance(language, Concat):
            items.append(self.node(language.head, written))
            language = language.tail
        return Sequence((*items, self.node(language, written)))

    def _choice(self, options: tuple[Expression, ...], written: Written) -> Node:
        in_order = sorted(options, key=self._shape)  # their own order depends on what was built before
        return Choice(tuple(self.node(option, written) for option in in_order))

    def _character(self, members: CharSet, written: Written) -> Node:
        if written is None:
            return RegularTerminal(expression.char_class(members))
        key = (members, written)
        if key not in self._characters:
            ways: list[Node] = [
                RegularTerminal(expression.char_class(charset.intersect(members, RAW))),
                *self._escaped(key),
            ]
            node = Choice(tuple(ways))
            self._characters[key] = self._shared("char", node) if members == charset.ANY else node
        return self._characters[key]

    def _escaped(self, key: tuple[CharSet, Spelling]) -> list[Node]:
        """The ways to write the characters with a backslash: a rule for all, if they are several."""
        ways = escapes(*key)
        if ways not in self._escapes:
            nodes = [self.node(way, None) for way in ways]
            several = len(nodes) > 1 or any(isinstance(node, Choice) for node in nodes)
            self._escapes[ways] = [self._shared("escape", Choice(tuple(nodes)))] if several else nodes
        return self._escapes[ways]

    def _shared(self, name: str, node: Node) -> Node:
        reference = self._draft.reserve(name)
        self._draft.rules[reference.rule] = node
        return reference

    def _text(self, word: str, written: Written) -> Node:
        if written is None:
            return Literal(word)
        return Sequence(tuple(self._character(((ord(c), ord(c)),), written) for c in word))

    def _words(self, words: list[str], written: Written) -> Node:
        """An alternation of few sorted words; of many a trie, whose larger branches are rules of their own."""
        if len(words) <= _WORDS_INLINE:
            return Choice(tuple(self._text(word, written) for word in words))
        start = self._draft.reserve(f"{self._draft.owner}-words")
        pending = [(start.rule, words)]
        for name, group in pending:
            options: list[Node] = []
            for first, branch in groupby(group, key=lambda word: word[:1]):
                members = list(branch)
                prefix = _common_prefix(members[0], members[-1]) if first else ""
                rest = [word[len(prefix) :] for word in members]
                if len(rest) <= _WORDS_INLINE:
                    options.append(Sequence((self._text(prefix, written), self._words(rest, written))))
                else:
                    branch_rule = self._draft.reserve(f"{self._draft.owner}-words")
                    pending.append((branch_rule.rule, rest))
                    options.append(Sequence((self._text(prefix, written), branch_rule)))
            self._draft.rules[name] = Choice(tuple(options))
        return start

    def _automaton(self, language: Expression, written: Written) -> Node:
        """The start state's rule. A state that is entered from one other place only is written there."""
        states = merged_states(language, self._draft.owner)
        entries = Counter(target for _, moves in states for target in moves)
        bodies: list[Node] = [EMPTY] * len(states)
        for i, (_, moves) in enumerate(states):
            if moves and (i == 0 or i in moves or entries[i] > 1):
                bodies[i] = self._draft.reserve(f"{self._draft.owner}-{i + 1}")
        for i in range(len(states) - 1, -1, -1):  # an inlined state comes after the only one that leads to it
            accepting, moves = states[i]
            options = [Sequence((self._character(chars, written), bodies[to])) for to, chars in moves.items()]
            body = Choice((*options, EMPTY) if accepting else tuple(options))
            reserved = bodies[i]
            if isinstance(reserved, RuleRef):
                self._draft.rules[reserved.rule] = body
            else:
                bodies[i] = body
        return bodies[0]


def _common_prefix(a: str, b: str) -> str:
    length = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    return a[:length]


class _Shape:
    """A text for an expression that is the same in every process; long ones end in a digest."""

    def __init__(self) -> None:
        self._known: dict[Expression, str] = {}

    def __call__(self, node: Expression) -> str:
        if node not in self._known:
            written = f"{type(node).__name__}({','.join(self._parts(node))})"
            digest = hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()
            self._known[node] = written if len(written) < 200 else written[:120] + digest
        return self._known[node]

    def _parts(self, node: Expression) -> list[str]:
        match node:
            case CharClass(members=members):
                return [f"{low:06x}-{high:06x}" for low, high in members]
            case Concat():
                parts = []
                while isinstance(node, Concat):
                    parts.append(self(node.head))
                    node = node.tail
                return [*parts, self(node)]
            case expression.Repetition(body=body, low=low, high=high):
                return [self(body), str(low), str(high)]
            case Union(options=parts) | Intersection(parts=parts):
                return sorted(map(self, parts))
            case Complement(body=body):
                return [self(body)]
            case FiniteSet(table=table, low=low, high=high, offset=offset):
                return [word[offset:] for word in table[low:high]]
            case Multiple(modulus=modulus, remainder=remainder, started=started):
                return [str(modulus), str(remainder), str(started)]
            case _:
                return []
