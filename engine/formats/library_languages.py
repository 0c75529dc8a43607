"""Library languages: the GBNF files of the library as expressions, each read once."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from engine.grammar.language import whole_language
from engine.grammar.library import load_library
from engine.regular.expression import Expression
from engine.regular.pattern import parse_pattern


@cache
def library_language(name: str, rule: str = "root") -> Expression:
    """The language of the GBNF file of that name, or of one of its rules."""
    return whole_language(replace(load_library(name), root=rule))


def whole(source: str) -> Expression:
    """The texts that a pattern in ECMAScript's dialect matches from end to end."""
    return parse_pattern(f"^(?:{source})$", "ecma")
