r"""Boundaries: where a text may be cut so that what belongs together stays together.

In: a text and a range of its characters. Out: the last or first place in it at the best level that has one: the end of a
paragraph, of a line, of a sentence, a blank, the end of a word, of a syllable, of a grapheme. Sentences, words and graphemes
are those of Unicode (UAX 29), with the properties of the `regex` library, so `।`, `؟`, `۔`, `။` and full-width stops end a
sentence as `.` does. Departures, both to cut less: `!` and `?` end one only before a blank (addresses have them inside), and
so does `.` but before a letter without case.

Words of Thai, Lao, Burmese and Khmer are not marked in their texts, and finding them takes a dictionary. Cuts there fall at
blanks and zero-width spaces, else between syllables as far as their vowels and stacked consonants tell.
"""

from __future__ import annotations

from collections.abc import Iterator

import regex

# A sign that belongs to the character before it; no level cuts before one.
_EXTENDS = r"(?![\p{GCB=EX}\p{GCB=SM}\u200d])"
_CLOSE = r"[\p{SB=CL}\p{SB=EX}\p{SB=FO}]*+"
_PARAGRAPH = rf"(?:(?:\r\n?|\n)[ \t]*(?:\r\n?|\n)|\u2029)\s*+{_EXTENDS}"
_LINE = rf"(?:\r\n?|[\n\v\f\x85\u2028])\s*+{_EXTENDS}"
# SB8: an abbreviation goes on in lower case. SB8a: a comma or another stop goes on, too.
_SENTENCE = rf"""(?:
      [[\p{{SB=ST}}\u0f0d\u0f0e\u0e5a\u0e5b]--[!?]] {_CLOSE} \s*+
    | [!?] {_CLOSE} \s++
    | [\p{{SB=AT}}…] {_CLOSE} \s++ (?! [^\p{{SB=LE}}\p{{SB=UP}}\p{{SB=LO}}\p{{SB=SE}}\p{{SB=AT}}\p{{SB=ST}}]*+ \p{{SB=LO}} )
    | \p{{SB=AT}} {_CLOSE} (?=\p{{SB=LE}})
    ) (?! [\p{{SB=SC}}\p{{SB=AT}}\p{{SB=ST}}] ) {_EXTENDS}"""
# Blanks, and what stands between words or syllables in scripts without them: zero-width space, Ethiopic and Tibetan marks.
_BLANK = rf"[\s\u200b\u1361\u0f0b]++{_EXTENDS}"
# Thai and Lao vowels that are written before or after their consonant, Burmese finals, and stacked consonants.
_SYLLABLE = (
    r"(?<![\u0e40-\u0e44\u0ec0-\u0ec4\u1039\u17d2])(?![\u0e2f\u0e30\u0e32\u0e45\u0e46\u0eb0\u0eb2\u0ec6])"
    r"(?![\u1000-\u1021]\u103a)"
)
_WORD = rf"(?w)\b{_SYLLABLE}{_EXTENDS}"
_LEVELS = tuple(regex.compile(pattern, regex.V1 | regex.X) for pattern in (_PARAGRAPH, _LINE, _SENTENCE, _BLANK, _WORD))
_GRAPHEME = regex.compile(r"\X")
_WITHIN_SYLLABLE = regex.compile(_SYLLABLE)
# What follows a place decides about it; so far is looked ahead.
_AHEAD = 100


def last_boundary(text: str, start: int, low: int, high: int) -> int:
    """The best place to cut in (low, high], else the last one between graphemes in (start, high], else `high`.

    `start` is a boundary itself. O(high - start).
    """
    if high >= len(text):
        return len(text)
    for level in _LEVELS:
        last = None
        for last in _ends(level, text, low, high):  # noqa: B007 - the last one is wanted
            pass
        if last is not None:
            return last
    graphemes = [at for at in _ends(_GRAPHEME, text, start, high) if at > start]
    whole = next((at for at in reversed(graphemes) if _WITHIN_SYLLABLE.match(text, at)), None)
    return whole or (graphemes[-1] if graphemes else max(high, start + 1))


def first_boundary(text: str, low: int, high: int) -> int | None:
    """The first place in (low, high) at the best level that has one; None where no word ends there."""
    for level in _LEVELS:
        for found in _ends(level, text, low, high - 1):
            return found
    return None


def _ends(level: regex.Pattern[str], text: str, low: int, high: int) -> Iterator[int]:
    """Where matches end in (low, high]."""
    for found in level.finditer(text, low, min(len(text), high + _AHEAD)):
        end: int = found.end()
        if end > high:
            return
        if end > low:
            yield end
