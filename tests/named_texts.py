"""Named languages from how they are shown: `decimal 5 2`, `date >= 2024-01-01`, `url kafka +slash`."""

from __future__ import annotations

import re

from engine.formats.named_languages import OPERATORS, NamedLanguage


def named(shown: str) -> NamedLanguage:
    """Whole numbers are numbers, a hyphen is None."""
    kind, *words = shown.split(" ")
    if words and words[0] in OPERATORS.values():
        return NamedLanguage(kind, (words[1],), words[0])
    arguments = [None if word == "-" else int(word) if re.fullmatch("[0-9]+", word) else word for word in words]
    flags = frozenset(word[1:] for word in words if word.startswith("+"))
    return NamedLanguage(
        kind, tuple(one for one, word in zip(arguments, words, strict=True) if word[0] != "+"), flags=flags
    )
