"""Sets of characters by Unicode property, and their other cases.

Two sources. Python's own classes and case rules are asked of the running Python, because patterns of its `re` mean
what it says. Everything for ECMAScript and Rust is read from `unicode_table`, so it is the same under every Python.
All sets are made at first use and kept; making them costs milliseconds.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Sequence
from functools import cache

from engine.regular import charset, unicode_table
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
    begin = 0
    for code, length in re.findall(r"([A-Za-z])([0-9]*)", unicode_table.CATEGORIES):
        end = begin + int(length or 1)
        found.setdefault(unicode_table.CODES[code], []).append((begin, end - 1))
        begin = 0xE000 if end == 0xD800 else end
    return {name: tuple(ranges) for name, ranges in found.items()}


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
        return charset.invert(category("Cn"))
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
    return charset.unite(category("Z"), ((9, 13), (0x85, 0x85)))


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


Cases = dict[int, tuple[int, ...]]


def _closed(members: CharSet, cases: Cases) -> CharSet:
    if charset.size(members) > len(cases):
        found = [other for member, others in cases.items() if charset.contains(members, member) for other in others]
    else:
        found = [other for low, high in members for c in range(low, high + 1) for other in cases.get(c, ())]
    return charset.normalise([*members, *((other, other) for other in found)])


def _by_member(classes: Iterable[Sequence[int]]) -> Cases:
    return {member: tuple(members) for members in classes if len(members) > 1 for member in members}


@cache
def _simple_cases() -> Cases:
    classes: list[tuple[int, ...]] = []
    for item in unicode_table.FOLDINGS.split():
        if "," in item:
            classes.append(tuple(int(code, 16) for code in item.split(",")))
            continue
        first, last, step, distance = (int(number, 16) for number in re.split("[-+/]", item))
        classes.extend((upper, upper + distance) for upper in range(first, last + 1, step))
    return _by_member(classes)


@cache
def _python_cases() -> Cases:
    """`re` compares lower-case forms, and takes lower-case characters with one upper-case form for each other."""
    classes: dict[str, list[int]] = {}
    for character in _changing_case():
        lower = character.lower() if character != "\u0130" else "i"
        classes.setdefault(lower.upper(), []).append(ord(character))
    return _by_member(classes.values())


def _changing_case() -> Iterable[str]:
    """All characters with another case in the running Python."""
    everything = array("I", range(0x110000)).tobytes().decode("utf-32", "surrogatepass")
    return (c for c in re.findall(r"[^\W\d_]|[\u0345\u24b6-\u24e9]", everything) if c.lower() != c or c.upper() != c)
