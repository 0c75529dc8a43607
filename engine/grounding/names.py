"""Choices that a text names: a mapping of names and aliases to values, matched as whole words in any case.

Comes in: the mapping and a text. Goes out: readings whose value is what the name stands for. Two spellings of one
character (composed, decomposed, full-width) are one; accents count. Blanks and line ends between the words of a name
are alike. Names of scripts that set no blanks stand anywhere. Where one name is a part of another, both are read.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping

from engine.grounding.folding import fold_text
from engine.grounding.patterns import WORD_END, WORD_START
from engine.grounding.recogniser import Reading


class Names:
    """Recognises the names of choices.

    >>> Names({"high": 3, "urgent": 3, "low": 1}).readings("URGENT!")
    [Reading(start=0, end=6, value=3)]
    """

    def __init__(self, names: Mapping[str, object]) -> None:
        """`names` maps each name or alias to its value. Raises ValueError for a name without a visible character."""
        self._values: dict[str, list[object]] = {}
        for name, value in names.items():
            folded = _plain(name)
            if not folded:
                raise ValueError(f"the name {name!r} of a choice has no visible character")
            values = self._values.setdefault(folded, [])
            if value not in values:
                values.append(value)
        self._patterns = {name: re.compile(_bordered(name)) for name in self._values}

    def readings(self, text: str) -> list[Reading]:
        """The names that the text holds, in its order. Linear in its length times the number of names."""
        return sorted(self._found(text))

    def _found(self, text: str) -> Iterator[Reading]:
        folded = fold_text(text, accents=True)
        for name, pattern in self._patterns.items():
            for match in pattern.finditer(folded.text):
                for value in self._values[name]:
                    yield Reading(*folded.span(*match.span()), value)


def _plain(name: str) -> str:
    return re.sub(r"\s+", " ", fold_text(name, accents=True).text).strip()


def _bordered(name: str) -> str:
    """The name as a pattern; a border stands only where the name ends with a letter or digit."""
    words = r"[ \n]{1,3}".join(map(re.escape, name.split(" ")))
    begin = WORD_START if name[0].isalnum() else ""
    end = (
        rf"{WORD_END}(?![\u0300-\u036f])"
        if name[-1].isalnum() or unicodedata.combining(name[-1])
        else r"(?![\u0300-\u036f])"
    )
    return f"{begin}{words}{end}"
