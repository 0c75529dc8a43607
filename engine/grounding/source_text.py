"""Source text: a document as pieces are cut from it: white space folded, borders of words and lines known, spans kept.

In: a document. Out: a `SourceText`, whose `folded` text has one blank for each run of white space, and which gives for each
stretch of it the characters of the document that it stands for. Borders follow the default rules of Unicode (UAX 29) as far
as a piece needs them: none lies between two letters or digits, before a combining mark, or at white space; each
character of a script without blanks (Han, kana, Thai …) is a word.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from engine.regular.expression.substrings import Borders, CharacterPositions, SubstringIndex
from engine.schema.grounding_marks import Verbatim

_SPACE, _WORD, _MARK, _ALONE, _OTHER = range(5)
_RUNS = re.compile(r"\s+")
# Scripts that are written without blanks: Thai to Lao, Myanmar, Khmer, kana, Han, and the planes of ideographs.
_UNSPACED = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x3400, 0x9FFF), (0xF900, 0xFAFF))
_IDEOGRAPHS = (0x20000, 0x3FFFF)
_PARTING = ",;:([{\u3001\uff0c\uff1b\uff1a"  # what no piece ends with


class SourceText:
    """A document; `folded` is what pieces are cut from. O(characters)."""

    def __init__(self, text: str) -> None:
        self.text = text
        folded: list[str] = []
        begins: list[npt.NDArray[np.int64]] = []
        at = 0
        breaks: list[int] = []  # borders of the folded text at which a line of the document ends
        length = 0
        for run in (*_RUNS.finditer(text), None):
            stop = len(text) if run is None else run.start()
            folded.append(text[at:stop])
            begins.append(np.arange(at, stop))
            length += stop - at
            if run is not None:
                if any(mark in run[0] for mark in "\n\r\x0b\x0c\x85\u2028\u2029"):
                    breaks.append(length)
                folded.append(" ")
                begins.append(np.array([run.start()]))
                length += 1
                at = run.end()
        self.folded = "".join(folded)
        self._begin: CharacterPositions = np.concatenate((*begins, np.array([len(text)])))
        self._line_ends = np.zeros(length + 1, np.bool_)
        self._line_ends[[*breaks, length]] = True
        self._classes = _classes(self.folded)
        self._indices: dict[Verbatim, SubstringIndex] = {}

    def span(self, low: int, high: int) -> tuple[int, int]:
        """Where `folded[low:high]`, which begins and ends with no blank, stands in the document."""
        return int(self._begin[low]), int(self._begin[high - 1]) + 1

    def pieces(self, mark: Verbatim) -> SubstringIndex:
        """The pieces that a mark allows; made on the first use."""
        found = self._indices.get(mark)
        if found is None:
            found = self._indices[mark] = self._index(mark)
        return found

    def _index(self, mark: Verbatim) -> SubstringIndex:
        if mark.of == "characters":
            size = len(self.folded)
            whole = np.ones(size + 1, np.bool_)
            whole[:size] &= self._classes != _MARK
            return SubstringIndex(self.folded, whole, whole, self._limits(mark))
        starts, ends = self.word_borders if mark.of == "words" else self.line_borders
        return SubstringIndex(self.folded, starts, ends, self._limits(mark))

    @property
    def word_borders(self) -> tuple[Borders, Borders]:
        """Where words begin and where they end, as arrays over the borders of the folded text."""
        size = len(self.folded)
        here = self._classes
        base = _carried(here)  # of the character that marks belong to
        inside = np.zeros(size + 1, np.bool_)
        inside[1:size] = (base[:-1] == _WORD) & (here[1:] == _WORD)
        inside[:size] |= here == _MARK
        starts, ends = ~inside, ~inside
        starts[size], ends[0] = False, False
        if size:
            lettered = np.isin(here, (_WORD, _ALONE))
            # A mark of punctuation is a part of the word that it touches: "#12", "(a)", "Inc.".
            starts[:size] &= lettered | ((here == _OTHER) & np.append(lettered[1:], False))
            touching = (here == _OTHER) & np.append(False, base[:-1] != _SPACE) & ~_members(self.folded, _PARTING)
            ends[1:] &= np.isin(base, (_WORD, _ALONE)) | touching
        return starts, ends

    @property
    def line_borders(self) -> tuple[Borders, Borders]:
        """Where lines begin and where they end, without blanks."""
        size = len(self.folded)
        ends = self._line_ends.copy()
        starts = np.zeros(size + 1, np.bool_)
        starts[0] = True
        starts[np.flatnonzero(ends[:size]) + 1] = True
        if size and self.folded[-1] == " ":
            ends[size - 1] = True
        if size and self.folded[0] == " ":
            starts[1] = True
        blank = np.append(self._classes == _SPACE, True)
        ends[1:] &= ~blank[:-1]
        ends[0] = False
        return starts & ~blank, ends

    def _limits(self, mark: Verbatim) -> CharacterPositions | None:
        """The last border that a piece from each start may reach."""
        if mark.max_words is None:
            return None
        size = len(self.folded)
        starts, _ = self.word_borders
        is_word = np.zeros(size + 1, np.bool_)
        is_word[:size] = starts[:size] & np.isin(self._classes, (_WORD, _ALONE))
        places = np.flatnonzero(is_word)
        begun: CharacterPositions = np.cumsum(is_word) - is_word  # words that begin before each border
        beyond = begun + mark.max_words
        return np.where(
            beyond < len(places), places[np.minimum(beyond, max(0, len(places) - 1))] if len(places) else size, size
        )


def _members(text: str, characters: str) -> Borders:
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    return np.isin(codes, [ord(character) for character in characters])


def _classes(text: str) -> npt.NDArray[np.int64]:
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    distinct, where = np.unique(codes, return_inverse=True)
    classes: npt.NDArray[np.int64] = np.array([_class_of(int(code)) for code in distinct], np.int64)[where]
    return classes


@lru_cache(maxsize=1 << 14)
def _class_of(code: int) -> int:
    character = chr(code)
    if character.isspace():
        return _SPACE
    category = unicodedata.category(character)
    if category[0] == "M" or character in "\u200c\u200d":
        return _MARK
    if any(low <= code <= high for low, high in _UNSPACED) or _IDEOGRAPHS[0] <= code <= _IDEOGRAPHS[1]:
        return _ALONE if category[0] == "L" else _WORD if category[0] == "N" else _OTHER
    return _WORD if category[0] in "LN" or character == "_" else _OTHER


def _carried(classes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The classes, with that of the character before for each mark."""
    own = classes != _MARK
    last = np.maximum.accumulate(np.where(own, np.arange(len(classes)), 0)) if len(classes) else np.zeros(0, np.int64)
    carried: npt.NDArray[np.int64] = classes[last]
    return carried
