"""Numbers that a text states, in digits and in words: `1.234,50`, `RM 9.00`, `(12.50)`, `½`, `two dozen`, `5 %`, `$1.2M`.

Comes in: a text, and as an option the mark that begins decimals. Goes out: readings whose value is a `Decimal`. A
fraction without a finite decimal is given to 28 digits; who writes it rounds it to the digits of its field.
Several readings of one place are given where they are usual: `5 %` is 5 and 0.05, `(12)` is 12 and -12, `1.2M` is
1.2 and 1200000. Digits inside a longer code of letters are no numbers; a unit behind and a short currency in front are
fine. Words are English.
"""

import re
from collections.abc import Iterator
from decimal import Context, Decimal, localcontext
from typing import Literal

from engine.grounding.digits import DigitNumber, digit_numbers
from engine.grounding.folding import fold_text
from engine.grounding.patterns import BORDER, LETTER, WORD_END, WORD_START, any_name
from engine.grounding.recogniser import Reading
from engine.grounding.words import SMALL, spelled_numbers

_FRONT = re.compile(rf"{BORDER}(?:\d[\d.,]{{0,12}})?{LETTER}{{0,3}}$")
_CODE = re.compile(rf"{LETTER}{{1,12}}\d+{LETTER}")
_CURRENCY = r"(?:(?:[^\W\d_]{1,3}\.?|[a-z]{0,2}[^\w\s.,()+-])[ ]?)"
_MINUS = re.compile(rf"(?:^|[\s(:;=\[{{\"'|*/])(-{_CURRENCY}?)$")
_OPEN = re.compile(rf"(?:^|[^\w)])(\([ ]?{_CURRENCY}?)$")
_EXACT = Context(prec=500)  # no number is rounded: the longest has 320 digits
_RATIO = Context(prec=28)
_WINDOW = 24
_PERCENT = re.compile(r"[ ]?(?:(%|٪|per ?cent\b|pct\b|prozent\b|por ciento\b|pour ?cent\b|per ?cento\b|procent\b)|(‰))")
_SCALE = re.compile(
    r"(?:(?:[ ]?[-]?(?P<word>hundred|thousand|million|billion|trillion|lakh|crore|dozen|gross"
    r"|millions|mio|millionen|milliarden|milliarde|mrd|tausend|mille|millones|milioni|milhoes|miljoen|miljard"
    r"|mn|bn|tn)\b\.?)|(?P<letter>[kmb])\b|[ ]?(?P<han>[万萬亿億千百]))"
)
_SCALES = {
    10**2: "hundred 百", 10**3: "k thousand tausend mille 千", 10**4: "万 萬", 10**5: "lakh", 10**7: "crore",
    10**6: "m mn mio million millions millionen millones milioni milhoes miljoen", 10**8: "亿 億",
    10**9: "b bn mrd billion milliarde milliarden miljard", 10**12: "tn trillion", 12: "dozen", 144: "gross",
}  # fmt: skip
_FACTORS = {name: factor for factor, names in _SCALES.items() for name in names.split()}

_PARTS = {"half": "1/2", "halves": "1/2", "third": "1/3", "thirds": "1/3", "quarter": "1/4", "quarters": "1/4"}
_PARTS |= {
    f"{word}{s}": f"1/{n}" for n, word in {5: "fifth", 6: "sixth", 8: "eighth", 10: "tenth"}.items() for s in ("", "s")
}
_COUNTS = {word: value for word, value in SMALL.items() if 1 <= value <= 9} | {"a": 1, "an": 1}
_PART = rf"(?:(?P<count>{any_name(_COUNTS)})[ -])?(?P<part>{any_name(_PARTS)})"
_SPELLED_PART = re.compile(rf"{WORD_START}{_PART}{WORD_END}(?P<dozen>[ ]a[ ]dozen\b)?")
_AND_PART = re.compile(rf"[ -]and[ -]{_PART}{WORD_END}")
_BEFORE_WORDS = re.compile(rf"{WORD_START}an?[ \n]$")
_AFTER_DIGITS = re.compile(r"\d[ -]?$")
_PAIR = re.compile(rf"{WORD_START}(?:a[ ])?(?:couple|pair){WORD_END}")


class Numbers:
    """Recognises numbers. `decimal_mark` settles what `1.234` is; by default the document's other numbers do.

    >>> [str(reading.value) for reading in Numbers().readings("two dozen for RM 9.00")]
    ['24', '9.00']
    """

    def __init__(self, *, decimal_mark: Literal[".", ","] | None = None) -> None:
        if decimal_mark not in (None, ".", ","):
            raise ValueError(f"decimals begin with '.' or ',', not {decimal_mark!r}")
        self._marks = None if decimal_mark is None else frozenset(decimal_mark)

    def readings(self, text: str) -> list[Reading]:
        """The numbers that the text states, in its order. Linear in its length."""
        folded = fold_text(text)
        with localcontext(_EXACT):
            found = {Reading(*folded.span(start, end), value) for start, end, value in self._found(folded.text)}
        return sorted(found)

    def _found(self, text: str) -> Iterator[tuple[int, int, Decimal]]:
        for number in digit_numbers(text, self._marks):
            if _stands_alone(text, number):
                yield from _signed(text, _enlarged(text, number))
        for spelled in spelled_numbers(text):
            if _AFTER_DIGITS.search(text[max(0, spelled.start - 3) : spelled.start]) and text.startswith(
                _LARGE, spelled.start
            ):
                continue  # the scale of a number in digits
            low = max(0, spelled.start - 4)
            article = (
                _BEFORE_WORDS.search(text[low : spelled.start]) if text.startswith(_LARGE, spelled.start) else None
            )
            start = low + article.start() if article else spelled.start
            number = DigitNumber(start, spelled.end, spelled.value)
            yield from _signed(text, [number] if spelled.ordinal else _enlarged(text, number))
        for match in _SPELLED_PART.finditer(text):
            if match["count"] or match["part"] in ("half", "quarter"):
                value = _part(match) * (12 if match["dozen"] else 1)
                yield match.start(), match.end(), value
        for match in _PAIR.finditer(text):
            yield match.start(), match.end(), Decimal(2)


_LARGE = ("dozen", "hundred", "thousand", "million", "billion", "trillion", "lakh", "crore")


def _part(match: re.Match[str]) -> Decimal:
    """The value of `three quarters`."""
    top, _, bottom = _PARTS[match["part"]].partition("/")
    return _RATIO.divide(_COUNTS.get(match["count"], 1) * Decimal(top), Decimal(bottom))


def _stands_alone(text: str, number: DigitNumber) -> bool:
    """Whether the digits are no part of a code: at most a short currency before them, no `12ab34cd` behind."""
    low = max(0, number.start - _WINDOW)
    return bool(_FRONT.search(text[low : number.start])) and not _CODE.match(text, number.end)


def _enlarged(text: str, number: DigitNumber) -> Iterator[DigitNumber]:
    """The number, and what a percent sign, a scale or a fraction in words behind it makes of it."""
    yield number
    if match := _PERCENT.match(text, number.end):
        yield DigitNumber(number.start, match.end(), number.value.scaleb(-2 if match[1] else -3))
    if match := _SCALE.match(text, number.end):
        factor = _FACTORS[match["word"] or match["letter"] or match["han"]]
        yield DigitNumber(number.start, match.end(), number.value * factor)
    if match := _AND_PART.match(text, number.end):
        yield DigitNumber(number.start, match.end(), number.value + _part(match))


def _signed(text: str, numbers: Iterator[DigitNumber] | list[DigitNumber]) -> Iterator[tuple[int, int, Decimal]]:
    """Each number as it stands, and with the minus or the brackets that it stands in."""
    for number in numbers:
        start, end, value = number.start, number.end, number.value
        yield start, end, value
        before = text[max(0, start - _WINDOW) : start]
        if value and (match := _MINUS.search(before)):
            yield start - len(match[1]), end, -value
        elif value and text[end : end + 1] == ")" and (match := _OPEN.search(before)):
            yield start - len(match[1]), end + 1, -value
        elif value and text[end : end + 1] == "-" and "." in str(value) and not text[end + 1 : end + 2].strip():
            yield start, end + 1, -value
