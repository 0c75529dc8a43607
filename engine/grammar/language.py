"""Language: the regular expression of a node, where it has one.

Takes a node and what each rule's language is, gives an expression or None: what holds a JSON string, members or a guard is
no leaf of a grammar, and a recursive rule is not regular.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from engine.errors import GrammarError
from engine.grammar.grammar import Choice, Grammar, Literal, Node, RegularTerminal, Repeat, RuleRef, Sequence
from engine.grammar.recursion import calls
from engine.grammar.traversal import fold
from engine.regular.expression import Expression, concat, finite_set, repeat, text, union

LanguageOfRule = Callable[[str], Expression | None]


def language_from(node: Node, inside: tuple[Expression | None, ...], rule: LanguageOfRule) -> Expression | None:
    """The language of `node` from those of its children; `rule` answers for the rules that it refers to."""
    match node:
        case Literal(literal):
            return text(literal)
        case RegularTerminal(language):
            return language
        case RuleRef(name):
            return rule(name)
        case Choice(options):
            literals = [option.text for option in options if isinstance(option, Literal)]
            others = [part for part, option in zip(inside, options, strict=True) if not isinstance(option, Literal)]
            parts = _all_of(others)
            return None if parts is None else union(finite_set(literals), *parts)
        case Sequence():
            parts = _all_of(inside)
            return None if parts is None else concat(*parts)
        case Repeat(_, low, high):
            return None if inside[0] is None else repeat(inside[0], low, high)
    return None


def _all_of(parts: Iterable[Expression | None]) -> list[Expression] | None:
    """The parts, None if one is none."""
    found = []
    for part in parts:
        if part is None:
            return None
        found.append(part)
    return found


class Languages:
    """The languages of the rules of a grammar. `shared` says of a rule's language whether those who refer to the rule take it
    in; where not, they have no language themselves."""

    def __init__(
        self,
        grammar: Grammar,
        shared: Callable[[Expression], bool] = lambda _: True,
        edges: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        self._grammar, self._shared = grammar, shared
        self._known: dict[int, Expression | None] = {}
        self._rules: dict[str, Expression | None] = {}
        for name in callees_first(calls(grammar) if edges is None else edges):
            self._rules.setdefault(name, None)  # a rule that is not finished when it is referred to is recursive
            language = self.of(grammar.rules[name])
            self._rules[name] = language if language is not None and shared(language) else None

    def of(self, node: Node) -> Expression | None:
        """The language of a node of the grammar, None where it has none; each node is looked at once."""
        if id(node) in self._known:
            return self._known[id(node)]
        return fold(node, lambda part, inside: language_from(part, inside, self.of_rule), known=self._known)

    def of_rule(self, rule: str) -> Expression | None:
        return self._rules.get(rule)


def callees_first(edges: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """The rules, each after those that it refers to, but for recursion."""
    seen: set[str] = set()
    for start in edges:
        pending = [(start, False)]
        while pending:
            name, done = pending.pop()
            if done:
                yield name
            elif name not in seen and name in edges:
                seen.add(name)
                pending.append((name, True))
                pending += [(callee, False) for callee in edges[name]]


def whole_language(grammar: Grammar) -> Expression:
    """The language of a grammar without recursion; raises GrammarError for another."""
    language = Languages(grammar).of_rule(grammar.root)
    if language is None:
        raise GrammarError(f"rule {grammar.root!r} is not regular")
    return language
