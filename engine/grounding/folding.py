"""A text made easy to read by patterns, with the way back to the offsets of the original.

Folding makes letters small, takes accents and format characters (direction marks, soft hyphens) out, and turns
decimal digits of any script, full-width forms, dashes, quotes and blanks into their ASCII counterparts. Line ends
stay line ends, so that a pattern can tell a column of numbers from one number. Fractions and superscripts
stay as they are: `5²` is not 52. Cost: one pass of the text, and a translation in C where no character changes length.
"""

import unicodedata
from array import array
from functools import lru_cache

_COUNTERPARTS = (
    dict.fromkeys("‐‑‒–—―−﹣－", "-")
    | dict.fromkeys("’‘ʼ´`＇‛", "'")
    | dict.fromkeys("⁄∕", "/")
    | dict.fromkeys("\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029", "\n")
    | {"٫": ".", "٬": ",", "،": ",", "。": ".", "、": ","}
)
_KEPT_APART = {"<super>", "<sub>", "<fraction>", "<circle>", "<square>", "<vertical>", "<compat>"}


@lru_cache(maxsize=4096)
def fold_character(character: str, accents: bool = False) -> str:
    """The counterpart of one character: mostly one character, none for format characters.

    Accents are left out, or with `accents` kept as characters of their own behind their letter.
    """
    if character in _COUNTERPARTS:
        return _COUNTERPARTS[character]
    if character.isspace():
        return " "
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    category = unicodedata.category(character)
    if category == "Cf":
        return ""
    if category == "Mn" and unicodedata.combining(character):
        return character if accents else ""
    decomposed = unicodedata.decomposition(character)
    if not decomposed or decomposed.split()[0] in _KEPT_APART:
        lower = character.casefold() if accents else character.lower()
        return lower if len(lower) == 1 else "".join(fold_character(x, accents) for x in lower)
    codes = [code for code in decomposed.split() if not code.startswith("<")]
    return "".join(fold_character(chr(int(code, 16)), accents) for code in codes)


class Folded:
    """`text` folded, and `span(start, end)`: the range of the original that a range of it came from."""

    __slots__ = ("_ends", "_starts", "text")

    def __init__(self, original: str, accents: bool = False) -> None:
        self._starts: array[int] | None = None
        self._ends: array[int] | None = None
        table = {character: fold_character(character, accents) for character in set(original)}
        if all(len(folded) == 1 for folded in table.values()):
            self.text = original.translate({ord(x): y for x, y in table.items()})
            return
        pieces: list[str] = []
        starts, ends = array("q"), array("q")
        for index, character in enumerate(original):
            folded = table[character]
            if folded:
                pieces.append(folded)
                starts.extend([index] * len(folded))
                ends.extend([index + 1] * len(folded))
            elif ends and ends[-1] == index and unicodedata.combining(character):
                ends[-1] = index + 1  # an accent belongs to the letter before it
        self.text = "".join(pieces)
        self._starts, self._ends = starts, ends

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The range of the original, accents included; `start < end`."""
        if self._starts is None or self._ends is None:
            return start, end
        return self._starts[start], self._ends[end - 1]


@lru_cache(maxsize=2)
def fold_text(text: str, accents: bool = False) -> Folded:
    """The text folded. The last two are kept, because several recognisers read one document."""
    return Folded(text, accents)
