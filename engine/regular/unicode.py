"""Sets of characters by Unicode property, and their other cases.

Two sources. Python's own classes and case rules are asked of the running Python, because patterns of its `re` mean what it
says. Everything for ECMAScript and Rust is read from `unicode_table`, so it is the same under every Python. All sets are
made at first use and kept; making them costs milliseconds.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from functools import cache

from engine.regular import charset
from engine.regular.charset import CharSet

_CATEGORY_NAMES = {
    "L": "Letter", "Lu": "Uppercase_Letter", "Ll": "Lowercase_Letter", "Lt": "Titlecase_Letter", "LC": "Cased_Letter",
    "Lm": "Modifier_Letter", "Lo": "Other_Letter", "M": "Mark", "Mn": "Nonspacing_Mark", "Mc": "Spacing_Mark",
    "Me": "Enclosing_Mark", "N": "Number", "Nd": "Decimal_Number", "Nl": "Letter_Number", "No": "Other_Number",
    "P": "Punctuation", "Pc": "Connector_Punctuation", "Pd": "Dash_Punctuation", "Ps": "Open_Punctuation",
    "Pe": "Close_Punctuation", "Pi": "Initial_Punctuation", "Pf": "Final_Punctuation", "Po": "Other_Punctuation",
    "S": "Symbol", "Sm": "Math_Symbol", "Sc": "Currency_Symbol", "Sk": "Modifier_Symbol", "So": "Other_Symbol",
    "Z": "Separator", "Zs": "Space_Separator", "Zl": "Line_Separator", "Zp": "Paragraph_Separator", "C": "Other",
    "Cc": "Control", "Cf": "Format", "Cs": "Surrogate", "Co": "Private_Use", "Cn": "Unassigned",
}  # fmt: skip
_ALIASES = {"Combining_Mark": "M", "digit": "Nd", "punct": "P", "cntrl": "Cc"}


@cache
def _by_category() -> dict[str, CharSet]:
    found: dict[str, list[tuple[int, int]]] = {}
    start, current = 0, unicodedata.category("\0")
    for code_point in range(1, 0x110000):
        name = unicodedata.category(chr(code_point))
        if name != current:
            found.setdefault(current, []).append((start, code_point - 1))
            start, current = code_point, name
    found.setdefault(current, []).append((start, 0x10FFFF))
    return {name: charset.normalise(ranges) for name, ranges in found.items()}


@cache
def category(name: str) -> CharSet:
    """The characters of a general category by its short name; `L` is the union of `Lu`, `Ll` and so on."""
    parts = ("Lu", "Ll", "Lt") if name == "LC" else (name,)
    table = _by_category()
    return charset.normalise(r for found, ranges in table.items() for r in ranges if found.startswith(parts))


@cache
def property_members(name: str, *, loose: bool) -> CharSet | None:
    """The characters that `\\p{name}` stands for: a general category, Any, ASCII or Assigned; None if it is not known.

    `loose` compares names as UAX #44 does: case, blanks, hyphens and underscores count for nothing.
    """
    key, equals, value = name.partition("=")
    if equals:
        if _plain(key, loose) not in {_plain("gc", loose), _plain("General_Category", loose)}:
            return None
    elif _plain(name, loose) == _plain("Any", loose):
        return charset.ANY
    elif _plain(name, loose) == _plain("ASCII", loose):
        return ((0, 127),)
    elif _plain(name, loose) == _plain("Assigned", loose):
        return charset.complement(category("Cn"))
    wanted = _plain(value if equals else name, loose)
    for short, long in (*_CATEGORY_NAMES.items(), *((short, long) for long, short in _ALIASES.items())):
        if wanted in (_plain(short, loose), _plain(long, loose)):
            return category(short)
    return None


def _plain(name: str, loose: bool) -> str:
    return re.sub(r"[\s_-]", "", name).lower() if loose else name


@cache
def digits() -> CharSet:
    """Rust's `\\d`."""
    return category("Nd")


@cache
def white_space() -> CharSet:
    """Rust's `\\s`: the property White_Space."""
    return charset.union(category("Z"), ((9, 13), (0x85, 0x85)))


@cache
def word() -> CharSet:
    """Rust's `\\w`: Alphabetic, marks, decimal digits, connector punctuation and Join_Control (UTS #18, annex C)."""
    lettered = [category(name) for name in ("L", "M", "Nd", "Nl", "Pc")]
    circled = ((0x24B6, 0x24E9), (0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189))
    return charset.normalise([r for members in (*lettered, ((0x200C, 0x200D),), circled) for r in members])


@cache
def python_class(letter: str) -> CharSet:
    """What `\\d`, `\\w` or `\\s` matches in the running Python's `re`."""
    everything = array("I", range(0x110000)).tobytes().decode("utf-32", "surrogatepass")
    found = re.finditer(rf"\{letter}+", everything)
    return charset.normalise((match.start(), match.end() - 1) for match in found)


def ascii_folded(members: CharSet) -> CharSet:
    """With both cases of the ASCII letters."""
    lower = charset.intersect(members, ((97, 122),))
    upper = charset.intersect(members, ((65, 90),))
    moved = [(low - 32, high - 32) for low, high in lower] + [(low + 32, high + 32) for low, high in upper]
    return charset.normalise([*members, *moved])


def python_folded(members: CharSet) -> CharSet:
    """All characters that `re.IGNORECASE` takes for one of `members`."""
    return _closed(members, _python_cases())


def simply_folded(members: CharSet) -> CharSet:
    """All characters with the same simple case folding as one of `members`."""
    return _closed(members, _simple_cases())


Cases = tuple[tuple[int, tuple[int, ...]], ...]


def _closed(members: CharSet, cases: Cases) -> CharSet:
    added = [(other, other) for code_point, others in cases if charset.contains(members, code_point) for other in others]
    return charset.normalise([*members, *added])


def _classes_of_equals(keys: dict[int, int]) -> Cases:
    classes: dict[int, list[int]] = {}
    for code_point, key in keys.items():
        classes.setdefault(key, []).append(code_point)
    return tuple((c, tuple(others)) for others in classes.values() if len(others) > 1 for c in others)


@cache
def _simple_cases() -> Cases:
    return _classes_of_equals({c: _simple_folding(c) for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF})


def _simple_folding(code_point: int) -> int:
    folded = chr(code_point).casefold()
    if len(folded) != 1:
        folded = chr(code_point).lower()
    return ord(folded) if len(folded) == 1 else code_point


@cache
def _python_cases() -> Cases:
    """`re` compares lower-case forms, and takes lower-case characters with one upper-case form for each other."""
    lower = {c: ord(low) for c in range(0x110000) if len(low := chr(c).lower()) == 1}
    lower[0x130] = ord("i")
    upper = {low: _simple_upper(low) for low in set(lower.values())}
    return _classes_of_equals({c: upper[low] for c, low in lower.items()})


def _simple_upper(code_point: int) -> int:
    upper = chr(code_point).upper()
    return ord(upper) if len(upper) == 1 else code_point
