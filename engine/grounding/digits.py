"""Numbers in digits: `1,234.50`, `1.234,50`, `1 234,50`, `1'234`, `12,34,567`, `.5`, `6e23`, `1 ½`, `2/3`.

Reads a folded text. A run of digits and marks is read as a whole if it is one number, else part by part: a date in
digits states a day, a month and a year. `1.234` and `1,234` are each two numbers until the document's other numbers
show which mark begins its decimals.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Context, Decimal

_RATIO = Context(prec=28)
_MOST_DIGITS = 320  # a double has 309 before the point; longer runs are no quantities
_RUN = re.compile(r"(?<![0-9])(?:[.,](?=[0-9]))?[0-9]+(?:[.,'][0-9]+)*(?![0-9])")
_EXPONENT = re.compile(r"(?:e([+-]?\d{1,3})| ?[x×·*] ?10(?:\^([+-]?\d{1,3})|([⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3})))(?![^\W_])")
_BY_BLANKS = re.compile(
    r"(?<![0-9.,'/-])(?<![0-9] )[0-9]{1,3}(?: [0-9]{3}){1,6}(?:[.,][0-9]{1,6})?(?![0-9]|[.,'/][0-9]| [0-9])"
)
_VULGAR = "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞↉"
_FRACTION = re.compile(
    rf"(?<![0-9/.,'])(?:(?P<whole>[0-9]{{1,6}})(?:[ -]|[ ]and[ ]|[ ]?&[ ]?)?(?P<v>[{_VULGAR}])|(?P<vulgar>[{_VULGAR}])"
    r"|(?:(?P<before>[0-9]{1,6})(?:[ -]|[ ]and[ ]|[ ]?&[ ]?))?(?P<top>[0-9]{1,4})/(?P<bottom>[0-9]{1,4})(?![0-9/]|[.,][0-9]))"
)
_TIME_OR_DAY = re.compile(r"\d{1,2}\.(?:0?[1-9]|1[0-2])\.(?!\d)|\d{1,2}[.,]\d{2}(?:[:/-]\d| ?(?:uhr|h|am|pm)\b)")
_GROUPED = re.compile(r"[0-9]{1,3}(?:([.,'])[0-9]{3})(?:\1[0-9]{3})*$")
_INDIAN = re.compile(r"[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}$")


@dataclass(frozen=True, slots=True)
class DigitNumber:
    """`[start, end)` of a folded text states `value`."""

    start: int
    end: int
    value: Decimal


def digit_numbers(text: str, marks: frozenset[str] | None = None) -> Iterator[DigitNumber]:
    """The numbers in digits, without sign. May overlap: `1 ½` states 1.5, and its parts 1 and 0.5. Linear.

    `marks` are the characters that may begin decimals; without them the document's numbers show it.
    """
    runs = list(_RUN.finditer(text))
    marks = marks or decimal_marks(text, runs)
    for run in runs:
        for start, end, value in _readings(run, marks):
            yield from _with_exponent(text, DigitNumber(start, end, value))
    for match in _BY_BLANKS.finditer(text):
        yield DigitNumber(*match.span(), Decimal(match[0].replace(" ", "").replace(",", ".")))
    for match in _FRACTION.finditer(text):
        yield from _fraction(match)


def decimal_marks(text: str, runs: Iterable[re.Match[str]]) -> frozenset[str]:
    """The marks that begin decimals in this document, as far as its numbers show; both where they show none or both."""
    shown: set[str] = set()
    for run in runs:
        digits = run[0]
        if _TIME_OR_DAY.match(text, run.start()):
            continue
        used = [x for x in digits if x in ".,"]
        if len(set(used)) == 2 and used.count(used[-1]) == 1:
            shown.add(used[-1])
        elif len(used) > 1 and len(set(used)) == 1 and _GROUPED.match(digits):
            shown.add("," if used[0] == "." else ".")
        elif len(used) == 1 and "'" not in digits and not _GROUPED.match(digits):
            shown.add(used[0])
    return frozenset(shown) if len(shown) == 1 else frozenset(".,")


def _readings(run: re.Match[str], marks: frozenset[str]) -> Iterator[tuple[int, int, Decimal]]:
    """The whole run as a number, in each way that it can be read, or its parts."""
    text, start, end = run[0], run.start(), run.end()
    if len(text) > _MOST_DIGITS:
        return
    values = list(_whole(text, marks))
    if values:
        yield from ((start, end, value) for value in values)
        return
    for part in re.finditer(r"[0-9]+", text):
        yield start + part.start(), start + part.end(), Decimal(part[0])


def _whole(text: str, marks: frozenset[str]) -> Iterator[Decimal]:
    used = [x for x in text if not x.isdigit()]
    if not used:
        yield Decimal(text)
        return
    last = used[-1]
    head, _, tail = text.rpartition(last)
    if len(used) == 1 and last in ".,":
        grouped = bool(_GROUPED.match(text)) and not text.startswith("0")
        if not grouped or last in marks:
            yield Decimal(f"{head or '0'}.{tail}")
        if grouped and (last not in marks or len(marks) == 2):
            yield Decimal(head + tail)
        return
    if _GROUPED.match(text) or _INDIAN.match(text):
        yield Decimal(text.translate(_NO_MARKS))
        return
    before = set(used[:-1])
    if last in ".," and last not in before and len(before) == 1 and (_GROUPED.match(head) or _INDIAN.match(head)):
        yield Decimal(f"{head.translate(_NO_MARKS)}.{tail}")


_NO_MARKS = str.maketrans("", "", ".,'")


def _with_exponent(text: str, number: DigitNumber) -> Iterator[DigitNumber]:
    yield number
    if match := _EXPONENT.match(text, number.end):
        raised = unicodedata.normalize("NFKC", match[3]).replace("−", "-") if match[3] else match[1] or match[2]
        yield DigitNumber(number.start, match.end(), number.value.scaleb(int(raised)))


def _fraction(match: re.Match[str]) -> Iterator[DigitNumber]:
    if match["top"] is None:
        vulgar = match["v"] or match["vulgar"]
        value = vulgar_value(vulgar)
        if match["whole"]:
            yield DigitNumber(*match.span(), Decimal(match["whole"]) + value)
        yield DigitNumber(match.end() - 1, match.end(), value)
        return
    if int(match["bottom"]) == 0:
        return
    value = _RATIO.divide(Decimal(match["top"]), Decimal(match["bottom"]))
    yield DigitNumber(match.start("top"), match.end(), value)
    if match["before"] and int(match["top"]) < int(match["bottom"]):
        yield DigitNumber(*match.span(), Decimal(match["before"]) + value)


def vulgar_value(character: str) -> Decimal:
    """The value of `½` and its like, to 28 digits."""
    top, _, bottom = unicodedata.normalize("NFKC", character).partition("⁄")
    return _RATIO.divide(Decimal(top), Decimal(bottom))
