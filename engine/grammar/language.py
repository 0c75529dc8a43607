"""Language: the regular expression of a node, where it has one.

Takes a node and what each rule's language is, gives an expression or None: what holds a JSON string, members or a guard is
no leaf of a grammar, and a recursive rule is not regular.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.errors import GrammarError
from engine.grammar.grammar import Choice, Grammar, Literal, Node, Reference, Repeat, Sequence, Terminal
from engine.regular.expression import Expression, concat, repeat, text, union, words

LanguageOfRule = Callable[[str], Expression | None]


def language_of(node: Node, rule: LanguageOfRule) -> Expression | None:
    """The language of `node`; `rule` answers for the rules that it refers to."""
    match node:
        case Literal(literal):
            return text(literal)
        case Terminal(language):
            return language
        case Sequence(items):
            parts: list[Expression] = []
            for item in items:
                part = language_of(item, rule)
                if part is None:
                    return None  # at once: nodes nest, and each level asks again
                parts.append(part)
            return concat(*parts)
        case Choice(options):
            return _of_choice(options, rule)
        case Repeat(item, low, high):
            body = language_of(item, rule)
            return None if body is None else repeat(body, low, high)
        case Reference(name):
            return rule(name)
    return None


def _of_choice(options: tuple[Node, ...], rule: LanguageOfRule) -> Expression | None:
    literals = [option.text for option in options if isinstance(option, Literal)]
    parts = [language_of(option, rule) for option in options if not isinstance(option, Literal)]
    if None in parts:
        return None
    return union(words(literals), *(p for p in parts if p is not None))


def whole_language(grammar: Grammar) -> Expression:
    """The language of a grammar without recursion; raises GrammarError for another."""
    known: dict[str, Expression | None] = {}

    def rule(name: str) -> Expression | None:
        if name not in known:
            known[name] = None  # a rule in progress is recursive
            known[name] = language_of(grammar.rules[name], rule)
        return known[name]

    language = rule(grammar.root)
    if language is None:
        raise GrammarError(f"rule {grammar.root!r} is not regular")
    return language
