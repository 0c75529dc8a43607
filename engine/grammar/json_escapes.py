"""How one decoded character of a JSON string may be written (RFC 8259, section 7).

`canonical` is the one way of `json.dumps(…, ensure_ascii=False)`: itself, but for the quote, the backslash and the
controls below U+0020, which have a short escape or `\\u00` and two lower-case digits. `any` allows every way: short
escapes, `\\/`, `\\u` and four digits in either case, a pair of them above U+FFFF. No two characters share a spelling
and none is the beginning of another, so a language of characters is spelled character by character.
"""

from __future__ import annotations

from functools import lru_cache

from engine.grammar.grammar import Spelling
from engine.regular import charset
from engine.regular.charset import CharSet
from engine.regular.expression import EMPTY_SET, EMPTY_STRING, Expression, char_class, concat, text, union

RAW: CharSet = charset.invert(charset.normalise([(0, 0x1F), (0x22, 0x22), (0x5C, 0x5C)]))
_SHORT = {0x22: '"', 0x5C: "\\", 0x2F: "/", 0x08: "b", 0x0C: "f", 0x0A: "n", 0x0D: "r", 0x09: "t"}
_Numbers = tuple[tuple[int, int], ...]  # like a CharSet, but not of characters: surrogates are kept

_LOWER = "0123456789abcdef"
_BOTH = "0123456789abcdefABCDEF"


@lru_cache(maxsize=1 << 10)
def escapes(members: CharSet, spelling: Spelling) -> tuple[Expression, ...]:
    """The ways to write one of `members` with a backslash, short ones first; to be joined with RAW ∩ `members`."""
    escaped = members if spelling == "any" else charset.intersect(members, charset.invert(RAW))
    short = [c for c in _SHORT if charset.contains(escaped, c)]
    ways = [concat(text("\\"), char_class(charset.of(_SHORT[c] for c in short)))]
    if spelling == "any":
        ways += [concat(text("\\u"), _hexadecimal(_part(escaped, 0, 0x10000), 4, _BOTH)), _pairs(escaped)]
    else:
        rest = charset.intersect(escaped, charset.invert(charset.normalise((c, c) for c in short)))
        ways.append(concat(text("\\u00"), _hexadecimal(rest, 2, _LOWER)))
    return tuple(way for way in ways if way is not EMPTY_SET)


def _pairs(members: CharSet) -> Expression:
    """Surrogate pairs; leading units that go with the same trailing ones are written together."""
    rows = [(max(low - 0x10000, 0) >> 10, (high - 0x10000) >> 10) for low, high in members if high > 0xFFFF]
    leading: dict[_Numbers, list[tuple[int, int]]] = {}
    for first, last in rows:
        if last - first > 1:
            leading.setdefault(((0, 0x3FF),), []).append((0xD801 + first, 0xD7FF + last))
    for unit in sorted({unit for row in rows for unit in row}):
        trailing = _part(members, 0x10000 + (unit << 10), 0x400)
        leading.setdefault(trailing, []).append((0xD800 + unit, 0xD800 + unit))
    pairs = []
    for trailing, units in leading.items():
        second = tuple((0xDC00 + low, 0xDC00 + high) for low, high in trailing)
        first_unit = _hexadecimal(tuple(sorted(units)), 4, _BOTH)
        pairs.append(concat(text("\\u"), first_unit, text("\\u"), _hexadecimal(second, 4, _BOTH)))
    return union(*pairs)


def _hexadecimal(numbers: _Numbers, width: int, digits: str) -> Expression:
    """`numbers` in `width` digits; leading digits that go with the same rest are written together."""
    if width == 0:
        return EMPTY_STRING
    unit = 16 ** (width - 1)
    leading: dict[_Numbers, list[str]] = {}
    for digit in digits:
        rest = _part(numbers, int(digit, 16) * unit, unit)
        if rest:
            leading.setdefault(rest, []).append(digit)
    ways = (
        concat(char_class(charset.of(first)), _hexadecimal(rest, width - 1, digits)) for rest, first in leading.items()
    )
    return union(*ways)


def _part(numbers: _Numbers, start: int, size: int) -> _Numbers:
    """Those from `start` to before `start + size`, counted from `start`; touching ranges are joined."""
    found: list[tuple[int, int]] = []
    for low, high in charset.intersect(numbers, ((start, start + size - 1),)):
        if found and found[-1][1] + 1 == low - start:
            found[-1] = (found[-1][0], high - start)
        else:
            found.append((low - start, high - start))
    return tuple(found)
