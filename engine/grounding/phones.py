"""Telephone numbers that a text states, as they are written there: `+49 30 901820`, `(555) 010-9999`, `03-8723 4567`.

Seven to fifteen digits (E.164 has at most fifteen), with blanks, dots, hyphens, slashes and one pair of brackets
between them. Without a plus, brackets or separators a run of digits counts only with eight digits or more. What is
a day in digits is no number. Whether a number is in service, or of which country, is not looked up. Linear.
"""

import re
from collections.abc import Iterator

from engine.grounding.folding import fold_text
from engine.grounding.numeric_dates import numeric_days
from engine.grounding.patterns import WORD_END, WORD_START
from engine.grounding.recogniser import Reading

_PHONE = re.compile(
    rf"{WORD_START}(?<![\d.,][.,/-])(?<!\d[ ])(?P<plus>\+[ ]?)?(?:\(\+?\d{{1,5}}\)[ -]?)?\d{{1,15}}"
    rf"(?:(?:[ ]|[ ]?-[ ]?|[./])\(?\d{{1,12}}\)?|\(\d{{1,5}}\)\d{{0,12}}){{0,7}}"
    rf"(?P<extension>[ ]?(?:ext\.?|x|extn\.?|durchwahl)[ ]?\d{{1,6}})?(?![\d]|[.,/-]\d){WORD_END}"
)


class Phones:
    """Recognises telephone numbers; the value is the text of the span.

    >>> [reading.value for reading in Phones().readings("Tel: +49 30 901820")]
    ['+49 30 901820']
    """

    def readings(self, text: str) -> list[Reading]:
        """The numbers of the text, in its order. Linear in its length."""
        folded = fold_text(text)
        days = {x.start for x in numeric_days(folded.text)}
        found = (x for x in _found(folded.text) if x[0] not in days)
        spans = (folded.span(start, end) for start, end in found)
        return sorted(Reading(start, end, text[start:end]) for start, end in spans)


def _found(text: str) -> Iterator[tuple[int, int]]:
    for match in _PHONE.finditer(text):
        written = match[0][: match.start("extension") - match.start()] if match["extension"] else match[0]
        digits = sum(x.isdigit() for x in written)
        bare = written.isdigit()
        # Decimals side by side: dots separate a number alone, at least twice, or after a plus.
        decimal = (
            "." in written and not match["plus"] and (written.count(".") == 1 or bool(re.search(r"[ /()-]", written)))
        )
        if (8 if bare else 7) <= digits <= 15 and not decimal and written.count("(") == written.count(")"):
            yield match.span()
