"""Whether a text matches a pattern: by the algebra of engine.regular, in time linear in the text.

Patterns that are not regular (look-around, back-references) go to Python's `re`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from engine.errors import GrammarTooComplex
from engine.formats.named_languages import NamedLanguage
from engine.regular.expression import Expression, intersection
from engine.regular.pattern import InvalidPattern, UnsupportedPattern
from engine.regular.python_pattern import PatternUnknown, to_python
from engine.schema.schema import Pattern


def matches(pattern: Pattern | NamedLanguage, name: str) -> bool:
    """Whether the pattern is found in the name; PatternUnknown if it is not a regular expression."""
    language = language_of(pattern)
    if language is not None:
        return language.matches(name)
    assert isinstance(pattern, Pattern), "a named language is regular"
    return _compiled(pattern).search(name) is not None


def language_of(pattern: Pattern | NamedLanguage) -> Expression | None:
    """The texts in which the pattern is found; None where it is not regular (look-around, back-references)."""
    try:
        return pattern.language()
    except UnsupportedPattern:
        return None
    except InvalidPattern as error:
        raise PatternUnknown(str(error)) from None


def overlap(patterns: Iterable[Pattern | NamedLanguage]) -> bool:
    """Whether some text may match all of them; True where that cannot be told cheaply."""
    languages = [language_of(pattern) for pattern in patterns]
    try:
        return intersection(*(language for language in languages if language is not None)).alive
    except GrammarTooComplex:
        return True


@lru_cache(maxsize=4096)
def _compiled(pattern: Pattern) -> re.Pattern[str]:
    try:
        return re.compile(to_python(pattern.source, pattern.dialect))
    except (re.error, OverflowError, RecursionError) as error:
        raise PatternUnknown(f"{pattern.source!r}: {error}") from None
