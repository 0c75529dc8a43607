"""Random grammars, and texts that they match, nearly match or do not match.

`random_grammar(rng)` draws from every kind of node (or those named); it may be recursive, never left-recursive, and
always matches some text. `random_walk(grammar, rng)` writes a matching text, `strings(grammar, rng, count)` mixes
matching texts with mutants of them. `random_gbnf(rng)` writes GBNF text with all its lexical freedom.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable

from engine.errors import GrammarError
from engine.grammar.grammar import (
    AdditionalMembers,
    Choice,
    Grammar,
    Guarded,
    Literal,
    Member,
    Members,
    Node,
    RegularTerminal,
    Repeat,
    RuleRef,
    Sequence,
    Spelling,
    StringTerminal,
)
from engine.grammar.recursion import refuse_left_recursion
from engine.regular import charset, expression
from engine.regular.charset import CharSet
from engine.regular.expression import Expression

KINDS = ("literal", "terminal", "string", "sequence", "choice", "repeat", "reference", "members")
LETTERS = 'abc"\\é€😀\n'
NAMES = ("a", "b", "ab", 'q"', "é")
RULES = ("root", "one", "two_#/x", "three")


def random_grammar(rng: random.Random, kinds: Iterable[str] = KINDS) -> Grammar:
    """One to four rules; rules only refer to themselves and each other behind a character."""
    chosen = tuple(kinds)
    while True:
        names = RULES[: rng.randint(1, len(RULES))]
        drawing = _Drawing(rng, chosen, names)
        grammar = Grammar({name: drawing.node(3) for name in names})
        try:
            refuse_left_recursion(grammar)
        except GrammarError:
            continue
        if random_walk(grammar, rng) is not None:
            return grammar


class _Drawing:
    def __init__(self, rng: random.Random, kinds: tuple[str, ...], names: tuple[str, ...]) -> None:
        self._rng, self._kinds, self._names = rng, kinds, names

    def node(self, depth: int) -> Node:
        leaves = [kind for kind in self._kinds if kind in ("literal", "terminal", "string", "reference")]
        kind = self._rng.choice(leaves if depth == 0 else self._kinds)
        return getattr(self, f"_{kind}")(depth)  # type: ignore[no-any-return]

    def _literal(self, depth: int) -> Node:
        return Literal(word(self._rng, 0, 3))

    def _terminal(self, depth: int) -> Node:
        return RegularTerminal(random_expression(self._rng, depth))

    def _string(self, depth: int) -> Node:
        return StringTerminal(random_expression(self._rng, depth), self._spelling())

    def _spelling(self) -> Spelling:
        return "canonical" if self._rng.random() < 0.5 else "any"

    def _sequence(self, depth: int) -> Node:
        return Sequence(tuple(self.node(depth - 1) for _ in range(self._rng.randint(0, 3))))

    def _choice(self, depth: int) -> Node:
        return Choice(tuple(self.node(depth - 1) for _ in range(self._rng.randint(1, 3))))

    def _repeat(self, depth: int) -> Node:
        low = self._rng.choice((0, 0, 1, 2))
        high = self._rng.choice((None, low, low + 1, low + 3))
        return Repeat(self.node(depth - 1), low, high)

    def _reference(self, depth: int) -> Node:
        """Mostly in brackets: unbracketed recursion under a repeat has exponentially many stacks in llama.cpp."""
        reference = RuleRef(self._rng.choice(self._names))
        return Sequence((Literal("("), reference, Literal(")"))) if self._rng.random() < 0.8 else reference

    def _members(self, depth: int) -> Node:
        rng = self._rng
        names = rng.sample(NAMES, rng.randint(0, 3))
        free_names = [name for name in NAMES if name not in names]
        aliases = {name: tuple(free_names[:1]) if rng.random() < 0.3 else () for name in names[:1]}
        declared = tuple(
            Member(name, self.node(depth - 1), rng.random() < 0.4, aliases.get(name, ())) for name in names
        )
        names = [key for member in declared for key in member.keys]
        others: tuple[AdditionalMembers, ...] = ()
        if rng.random() < 0.5:
            free = expression.intersection(
                random_expression(rng, 1), expression.complement(expression.finite_set(names))
            )
            others = (AdditionalMembers(free if free.alive else expression.text("zz"), self.node(depth - 1)),)
        required = sum(member.required for member in declared)
        low = rng.choice((0, 0, 0, 1, 2))
        high = rng.choice((None, None, max(low, required), max(low, required) + 1))
        inside = Members(declared, others, rng.random() < 0.6, self._spelling(), Literal(":"), Literal(","), low, high)
        return Sequence((Literal("{"), inside, Literal("}")))


def random_expression(rng: random.Random, depth: int) -> Expression:
    """A live expression over a few characters, ASCII and not."""
    while True:
        found = _expression(rng, depth)
        if found.alive:
            return found


def _expression(rng: random.Random, depth: int) -> Expression:
    kind = rng.choice(
        ("chars", "text") if depth <= 0 else ("chars", "text", "concat", "union", "repeat", "words", "set")
    )
    inside = [_expression(rng, depth - 1) for _ in range(2)] if depth > 0 else []
    match kind:
        case "chars":
            return expression.char_class(random_characters(rng))
        case "text":
            return expression.text(word(rng, 0, 2))
        case "concat":
            return expression.concat(*inside)
        case "union":
            return expression.union(*inside)
        case "repeat":
            low = rng.randint(0, 2)
            return expression.repeat(inside[0], low, rng.choice((None, low + 1, low + 3)))
        case "words":
            return expression.finite_set(word(rng, 0, 3) for _ in range(rng.choice((1, 5, 60))))
        case _:
            short = expression.repeat(expression.char_class(charset.ANY), 0, rng.choice((2, 5)))
            return expression.intersection(short, expression.complement(inside[0]))


def random_characters(rng: random.Random) -> CharSet:
    members = charset.of(rng.choice(LETTERS) for _ in range(rng.randint(1, 4)))
    if rng.random() < 0.2:
        members = charset.unite(members, charset.normalise([(0x20, 0x7E), (0x3B1, 0x3C9)]))
    return charset.invert(members) if rng.random() < 0.2 else members


def word(rng: random.Random, low: int, high: int) -> str:
    return "".join(rng.choice(LETTERS) for _ in range(rng.randint(low, high)))


def random_walk(grammar: Grammar, rng: random.Random, *, length: int = 60) -> str | None:
    """A text of the language, seldom longer than `length`; None if several attempts found no end."""
    for attempt in range(8):
        walk = _Walk(grammar, rng, length >> attempt)
        found = walk.text(grammar.rules[grammar.root])
        if found is not None:
            return found
    return None


class _Walk:
    """Writes text node by node; gives up where the depth or the number of visits gets large."""

    def __init__(self, grammar: Grammar, rng: random.Random, length: int) -> None:
        self._grammar, self._rng, self._left, self._depth = grammar, rng, length, 0
        self._visits = 0

    def text(self, node: Node) -> str | None:
        self._depth, self._visits = self._depth + 1, self._visits + 1
        found = self._text(node) if self._depth < 60 and self._visits < 2000 else None
        self._depth -= 1
        return found

    def _text(self, node: Node) -> str | None:
        match node:
            case Literal(literal):
                self._left -= len(literal)
                return literal
            case RegularTerminal(language):
                return self._member_of(language)
            case StringTerminal(language, spelling):
                content = self._member_of(language)
                return None if content is None else spelled(content, spelling, self._rng)
            case Sequence(items):
                return self._all(items)
            case Choice(options):
                found = (self.text(option) for option in self._rng.sample(options, len(options)))
                return next((text for text in found if text is not None), None)
            case Repeat(item, low, high):
                more = 0 if self._left <= 0 else self._rng.choice((0, 1, 2, 5))
                count = low + more if high is None else min(high, low + more)
                return self._all((item,) * count)
            case RuleRef(rule):
                return self.text(self._grammar.rules[rule])
            case Guarded(item):
                return self.text(item)
            case Members():
                return self._members(node)

    def _all(self, items: Iterable[Node]) -> str | None:
        pieces = []
        for item in items:
            piece = self.text(item)
            if piece is None:
                return None
            pieces.append(piece)
        return "".join(pieces)

    def _member_of(self, language: Expression) -> str | None:
        written = ""
        while language.alive:
            if language.nullable and (self._left <= 0 or self._rng.random() < 0.4):
                return written
            if self._left <= 0:
                return written + language.shortest
            if not language.transitions:
                return written if language.nullable else None
            members, language = self._rng.choice(language.transitions)
            low, high = self._rng.choice(members)
            written += chr(self._rng.choice((low, high, charset.example(members))))
            self._left -= 1
        return None

    def _members(self, node: Members) -> str | None:
        rng = self._rng
        chosen = [m for m in node.declared if m.required or (self._left > 0 and rng.random() < 0.5)]
        pairs: list[tuple[str, Node]] = [(rng.choice(member.keys), member.value) for member in chosen]
        if not node.ordered:
            rng.shuffle(pairs)
        for _ in range(rng.choice((0, 1, 2)) if node.others else 0):
            other = rng.choice(node.others)
            key = self._member_of(other.keys)
            if key is not None and key not in dict(pairs):
                pairs.append((key, other.value))
        if len(pairs) < node.low or (node.high is not None and len(pairs) > node.high):
            return None
        items: list[Node] = []
        for i, (key, value) in enumerate(pairs):
            items += [node.comma] if i else []
            items += [Literal(spelled(key, node.spelling, rng)), node.colon, value]
        return self._all(items)


def spelled(content: str, spelling: Spelling, rng: random.Random) -> str:
    """A JSON string of that content: the canonical one, or in style `any` one with random escapes."""
    if spelling == "canonical":
        return json.dumps(content, ensure_ascii=False)
    pieces = []
    for character in content:
        escaped = json.dumps(character, ensure_ascii=rng.random() < 0.5)[1:-1]
        if rng.random() < 0.2 and ord(character) <= 0xFFFF:
            escaped = f"\\u{ord(character):04x}"
        if rng.random() < 0.3 and escaped.startswith("\\u"):
            escaped = escaped.upper().replace("\\U", "\\u")
        pieces.append(escaped)
    return '"' + "".join(pieces) + '"'


def strings(grammar: Grammar, rng: random.Random, count: int, *, length: int = 60) -> list[str]:
    """About half of them match: walks, and walks with a character changed, removed, doubled or cut off."""
    found: list[str] = []
    while len(found) < count:
        text = random_walk(grammar, rng, length=length)
        if text is None:
            text = word(rng, 0, 6)
        found.append(text if rng.random() < 0.5 else mutated(text, rng))
    return found


def mutated(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text) + 1)
    return rng.choice(
        (
            text[:at] + rng.choice(LETTERS + '{}:,"0') + text[at:],
            text[:at] + text[at + 1 :],
            text[:at] + rng.choice(LETTERS) + text[at + 1 :],
            text[:at],
            text + text[at:],
        )
    )


_SPACES = ("", "", " ", "  ", "\t")
_BREAKS = ("\n", "\r\n", '\n# note | ( " [\n', " \n\n ", "\r")


def random_gbnf(rng: random.Random) -> str:
    """GBNF text, mostly well formed: every escape, odd classes, comments and line ends."""
    names = ["root", "a", "B-2", "-x"][: rng.randint(1, 4)]
    rules = [f"{name}{_space(rng)}::={_space(rng)}{_alternatives(rng, names, 2, False)}" for name in names]
    if rng.random() < 0.1:
        rules.append(f'{rng.choice(names)} ::= "z"')
    text = "".join(rule + rng.choice(_BREAKS) for rule in rules)
    if rng.random() < 0.15:
        at = rng.randrange(len(text))
        text = text[:at] + rng.choice('"[](){}|*+?.:=^-\\ \nx0_') + text[at + rng.randint(0, 1) :]
    return text


def _space(rng: random.Random, nested: bool = False) -> str:
    return rng.choice(_BREAKS) if nested and rng.random() < 0.2 else rng.choice(_SPACES)


def _alternatives(rng: random.Random, names: list[str], depth: int, nested: bool) -> str:
    options = []
    for _ in range(rng.choice((1, 1, 2, 3))):
        symbols = [_symbol(rng, names, depth) for _ in range(rng.choice((0, 1, 1, 2, 3)))]
        options.append(" ".join(symbol + _space(rng, nested) for symbol in symbols))
    return f"|{_space(rng, True)}".join(options)


def _symbol(rng: random.Random, names: list[str], depth: int) -> str:
    kind = rng.choice(("literal", "class", "class", "name", ".", "group", "group") if depth else ("literal", "class"))
    if kind == "literal":
        symbol = '"' + "".join(_gbnf_character(rng) for _ in range(rng.randint(1, 3))) + '"'
    elif kind == "class":
        symbol = _gbnf_class(rng)
    elif kind == "name":
        name = rng.choice(names)
        symbol = f'("(" {name} ")")' if rng.random() < 0.8 else name
    elif kind == "group":
        symbol = f"({_space(rng, True)}{_alternatives(rng, names, depth - 1, True)})"
    else:
        symbol = "."
    return symbol + rng.choice(("", "", "", "", "*", "+", "?", "{2}", "{1,3}", "{ 0 , 2 }", "{2,}", "{0}"))


def _gbnf_character(rng: random.Random) -> str:
    return rng.choice(
        ("a", "b", "c", "é", "😀", "\\n", "\\\\", '\\"', "\\[", "\\]", "\\x62", "\\u00E9", "\\U0001F600", "^")
    )


def _gbnf_class(rng: random.Random) -> str:
    pieces = []
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        low = _gbnf_character(rng)
        pieces.append(f"{low}-{_gbnf_character(rng)}" if rng.random() < 0.3 else low)
    if rng.random() < 0.15:
        pieces.append("-")
    return f"[{rng.choice(('', '', '', '^'))}{''.join(pieces)}]"
