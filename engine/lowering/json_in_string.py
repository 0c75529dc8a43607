"""JSON in a string: the texts of a grammar as one regular language, for JSON that stands inside a JSON string.

Guards, numbers of members and repeated keys are left aside: the whole value is validated anyway. None where
a rule is recursive or objects take their keys in any order.
"""

from __future__ import annotations

import json

from engine.grammar.grammar import Grammar, Guarded, Members, Node, StringTerminal
from engine.grammar.language import LanguageOfRule, callees_first, language_from
from engine.grammar.recursion import calls
from engine.grammar.traversal import fold
from engine.regular.expression import Expression, concat, finite_set, json_text, optional, repeat, text, union

_QUOTE = text('"')


def json_in_string_language(grammar: Grammar) -> Expression | None:
    """The texts of a grammar whose strings are spelled canonically."""
    rules: dict[str, Expression | None] = {}
    known: dict[int, Expression | None] = {}
    for name in callees_first(calls(grammar)):
        rules.setdefault(name, None)  # a rule that is not finished when it is referred to is recursive
        rules[name] = fold(grammar.rules[name], lambda node, inside: _embedded(node, inside, rules.get), known=known)
    return rules[grammar.root]


def _embedded(node: Node, inside: tuple[Expression | None, ...], rule: LanguageOfRule) -> Expression | None:
    match node:
        case StringTerminal(language):
            return _quoted(language)
        case Guarded():
            return inside[0]
        case Members():
            return _members(node, inside) if node.ordered or not node.declared else None
    return language_from(node, inside, rule)


def _quoted(content: Expression) -> Expression:
    return concat(_QUOTE, json_text(content), _QUOTE)


def _members(node: Members, inside: tuple[Expression | None, ...]) -> Expression | None:
    """Each member in its turn: what may come where none has come yet, and where a comma must come first."""
    *values, colon, comma = inside
    pairs: list[Expression] = []
    for key, value in zip(_keys(node), values, strict=True):
        if value is None or colon is None:
            return None
        pairs.append(concat(key, colon, value))
    if comma is None:
        return None
    other = union(*pairs[len(node.declared) :])
    begun = repeat(concat(comma, other), 0, None)
    fresh = optional(concat(other, begun))
    for member, pair in zip(reversed(node.declared), reversed(pairs[: len(node.declared)]), strict=True):
        with_it, first = concat(comma, pair, begun), concat(pair, begun)
        begun, fresh = (with_it, first) if member.required else (union(with_it, begun), union(first, fresh))
    return fresh


def _keys(node: Members) -> list[Expression]:
    """In the order of the values."""
    declared = [finite_set(json.dumps(key, ensure_ascii=False) for key in member.keys) for member in node.declared]
    return declared + [_quoted(other.keys) for other in node.others]
