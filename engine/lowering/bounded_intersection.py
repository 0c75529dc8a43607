"""Bounded intersection: what several keywords say of one string, as one language.

An intersection of patterns may have more states than can be searched. A BoundedIntersection takes in one language after
the other for as long as it is known whether, and how shortly, a text is in all of them; what it refuses is left to a
guard, which is exact too but sees only the closed value. A single language that is too large on its own raises
GrammarTooComplex.
"""

from __future__ import annotations

from engine.errors import GrammarTooComplex
from engine.regular.expression import Expression, intersection


class BoundedIntersection:
    """An intersection that takes in languages for as long as it can be searched; what it refuses is for a guard to say."""

    def __init__(self, language: Expression) -> None:
        self.language = language
        self._constraints = 0
        self._full = False

    def take_all(self, languages: list[Expression]) -> bool:
        """Whether all were taken in; otherwise none was."""
        met = intersection(self.language, *languages)
        try:
            force_search(met)
        except GrammarTooComplex:
            return False
        self.language, self._constraints = met, self._constraints + len(languages)
        return True

    def take(self, language: Expression, *, must: bool = False) -> bool:
        """Whether it was taken in. What is too large alone or `must` be in raises GrammarTooComplex."""
        met = intersection(self.language, language)
        if self._full and not must:
            return False
        try:
            force_search(met)
        except GrammarTooComplex:
            if must or not self._constraints:
                raise
            self._full = True
            return False
        self.language, self._constraints = met, self._constraints + 1
        return True


def force_search(language: Expression) -> None:
    """Find out whether it has a text, and a short one, or raise GrammarTooComplex here, where the place is known."""
    if language.alive:
        _ = language.least
