"""Numbers in English words: `twenty-one`, `two hundred and five`, `a dozen`, `three and a half`, `third`.

The words are read from a folded text, so they are small letters without accents. A run of words is read
greedily: the longest that is one number counts.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from engine.grounding.patterns import WORD_END, WORD_START, any_name

_UNITS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen"""
_MULTIPLES = "twenty thirty forty fifty sixty seventy eighty ninety"
_ORDINAL_UNITS = """zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth
fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth"""

SMALL = {word: i for i, word in enumerate(_UNITS.split())}
TENS = {word: 20 + 10 * i for i, word in enumerate(_MULTIPLES.split())}
SCALES = {"thousand": 10**3, "lakh": 10**5, "million": 10**6, "crore": 10**7, "billion": 10**9, "trillion": 10**12}
ORDINALS = {word: i for i, word in enumerate(_ORDINAL_UNITS.split())}
ORDINALS |= {word[:-1] + "ieth": value for word, value in TENS.items()}


DAY_WORDS = {word: value for word, value in ORDINALS.items() if 1 <= value <= 30}
"""Ordinal words for the days of a month, `first` to `thirty-first`."""
DAY_WORDS |= {f"twenty{gap}{word}": 20 + ORDINALS[word] for word in _ORDINAL_UNITS.split()[1:10] for gap in "- "}
DAY_WORDS |= {f"thirty{gap}first": 31 for gap in "- "}


@dataclass(frozen=True, slots=True)
class Spelled:
    """A number in words at `[start, end)` of a folded text."""

    start: int
    end: int
    value: Decimal
    ordinal: bool = False


_NUMBER_WORD = re.compile(
    rf"{WORD_START}(?:{any_name([*SMALL, *TENS, *ORDINALS, 'hundred', *SCALES, 'dozen'])}){WORD_END}"
)
_JOINS = re.compile(r"[ \n]{1,2}and[ \n]{1,2}|-and-|,[ ]|[ \n]{1,2}|-")


def spelled_numbers(text: str) -> Iterator[Spelled]:
    """The numbers in words, from left to right, none inside another. Linear: each word is looked at once or twice."""
    position = 0
    while match := _NUMBER_WORD.search(text, position):
        found = _spelled_at(text, match)
        yield found
        position = found.end


def _spelled_at(text: str, first: re.Match[str]) -> Spelled:
    total, group, start = 0, 0, first.start()
    word, end, ordinal = first[0], first.end(), False
    last = 10**18  # the kind of the last word: units follow tens, tens follow hundreds
    while True:
        if word in ORDINALS:
            group, ordinal = group + ORDINALS[word], True
            break
        if word in SMALL:
            group, last = group + SMALL[word], 1
        elif word in TENS:
            group, last = group + TENS[word], 10
        elif word == "hundred":
            group, last = max(group, 1) * 100, 100
        elif word == "dozen":
            group, last = max(group, 1) * 12, 1
        else:
            total, group, last = total + max(group, 1) * SCALES[word], 0, 1000
        join = _JOINS.match(text, end)
        following = _NUMBER_WORD.match(text, join.end()) if join else None
        if following is None or not _may_follow(following[0], word, last, group, join[0] if join else ""):
            break
        word, end = following[0], following.end()
    return Spelled(start, end, Decimal(total + group), ordinal)


def _may_follow(word: str, before: str, last: int, group: int, join: str) -> bool:
    """Whether the two words are one number: `twenty one`, `two hundred and five`, `two dozen`; not `two three`."""
    value = SMALL.get(word, ORDINALS.get(word, TENS.get(word)))
    if value is None:  # a scale
        if "and" in join or "," in join:
            return False
        return last < 100 and group < 100 if word == "hundred" else before != "dozen" and group > 0
    if before == "dozen" or value == 0:
        return False
    if join.strip() == "," and last < 1000:
        return False
    if last == 10:
        return 1 <= value <= 9 and "and" not in join
    return last >= 100


_CENTURIES = {"eighteen": 1800, "nineteen": 1900, "twenty": 2000}


def spelled_year(text: str) -> tuple[int, int] | None:
    """The year that the text begins with, and where it ends: `two thousand and five`, `nineteen ninety-seven`."""
    first = next(spelled_numbers(text), None)
    if first is None or first.start or first.ordinal:
        return None
    if 1000 <= first.value < 3000:
        return int(first.value), first.end
    century = _CENTURIES.get(text[: first.end])
    second = next(spelled_numbers(text[first.end :]), None)
    if century and second and second.start <= 1 and 1 <= second.value <= 99 and not second.ordinal:
        return century + int(second.value), first.end + second.end
    return None
