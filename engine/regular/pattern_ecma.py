"""ECMAScript patterns (ECMA-262, 22.2.1) under the `u` flag, which is what JSON Schema asks for, with no other flag.

Beyond the `u` grammar, the escapes of characters that are neither letters nor digits, `\\-`, and unmatched `{`, `}`,
`]` are read as Annex B reads them, because schemas in the wild use them. Escaped letters that mean nothing (`\\Z`,
`\\a`) are refused: engines disagree about them.
"""

from __future__ import annotations

import re
from typing import Literal

from engine.regular import charset, unicode
from engine.regular.charset import CharSet
from engine.regular.pattern_reader import Last, read_count
from engine.regular.pattern_syntax import (
    ASCII_LETTERS,
    DECIMAL_DIGITS,
    Assertion,
    Flags,
    PatternNode,
    Scanner,
    SingleCharacter,
)

DIGIT_CLASS: CharSet = ((48, 57),)
WORD_CLASS: CharSet = ((48, 57), (65, 90), (95, 95), (97, 122))
SPACE_CLASS: CharSet = charset.unite(
    charset.of("\t\n\v\f\r \xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff"), ((0x2000, 0x200A),)
)
DOT_CLASS: CharSet = charset.invert(charset.of("\n\r\u2028\u2029"))

_SETS: dict[str, CharSet] = {"d": DIGIT_CLASS, "w": WORD_CLASS, "s": SPACE_CLASS}
_CONTROLS = {"t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r"}
_BRACES = re.compile(r"\{([0-9]+)(?:(,)([0-9]*))?\}")
_LEAD, _TRAIL = range(0xD800, 0xDC00), range(0xDC00, 0xE000)


class Ecma:
    """The dialect of JSON Schema's `pattern`."""

    repeatable: frozenset[Last] = frozenset({"atom"})
    possessive = False
    blanks: frozenset[str] = frozenset()

    def group(self, scanner: Scanner, flags: Flags, first: bool) -> tuple[Literal["open", "flags", "comment"], Flags]:
        if not scanner.accept("?") or scanner.accept(":"):
            return "open", flags
        position = scanner.position - 2
        for opening in ("=", "!", "<=", "<!"):
            if scanner.looking_at(opening):
                raise scanner.unsupported("look-around", position)
        if scanner.accept("<"):
            name = scanner.take_until(">", "a group name")
            if not name or not all(c == "$" or c.isidentifier() or c in "\u200c\u200d" or c.isalnum() for c in name):
                raise scanner.invalid("not a group name", position)
            return "open", flags
        if scanner.next in frozenset("ims-"):
            raise scanner.unsupported("inline flags", position)
        raise scanner.invalid("not a kind of group", position)

    def escape(self, scanner: Scanner, flags: Flags) -> PatternNode:
        position = scanner.position - 1
        if scanner.accept("b"):
            return Assertion("boundary", WORD_CLASS)
        if scanner.accept("B"):
            return Assertion("no boundary", WORD_CLASS)
        if scanner.next in frozenset("123456789k") - {""}:
            raise scanner.unsupported("a back-reference", position)
        found = self._escaped(scanner)
        return SingleCharacter(_as_set(found))

    def bracket(self, scanner: Scanner, flags: Flags) -> CharSet:
        negated = scanner.accept("^")
        ranges: list[tuple[int, int]] = []
        while not scanner.accept("]"):
            begin = scanner.position
            low = self._class_atom(scanner)
            if not (scanner.looking_at("-") and not scanner.looking_at("-]")):
                ranges.extend(_as_set(low))
                continue
            scanner.position += 1
            high = self._class_atom(scanner)
            if isinstance(low, int) and isinstance(high, int):
                if high < low:
                    raise scanner.invalid("a range that ends before it begins", begin)
                ranges.append((low, high))
            else:
                ranges.extend((*_as_set(low), (45, 45), *_as_set(high)))
        members = charset.normalise(ranges)
        return charset.invert(members) if negated else members

    def _class_atom(self, scanner: Scanner) -> int | CharSet:
        if not scanner.accept("\\"):
            return ord(scanner.take())
        if scanner.accept("b"):
            return 8
        return self._escaped(scanner)

    def _escaped(self, scanner: Scanner) -> int | CharSet:
        """What stands after a backslash and denotes characters, inside of a class and outside."""
        position = scanner.position - 1
        letter = scanner.take()
        if letter.lower() in _SETS:
            members = _SETS[letter.lower()]
            return charset.invert(members) if letter.isupper() else members
        if letter in _CONTROLS:
            return ord(_CONTROLS[letter])
        if letter == "c" and scanner.next in ASCII_LETTERS:
            return ord(scanner.take()) % 32
        if letter == "x":
            return scanner.hexadecimal(2)
        if letter == "u":
            return self._unicode_escape(scanner)
        if letter in "pP":
            if not scanner.accept("{"):
                raise scanner.invalid("a property needs its name in braces", position)
            name = scanner.take_until("}", "a property")
            found = unicode.property_members(name, loose=False)
            if found is None:
                raise scanner.unsupported(f"the property {name!r}", position)
            return charset.invert(found) if letter == "P" else found
        if letter == "0" and scanner.next not in DECIMAL_DIGITS | {"8"}:
            return 0
        if letter in DECIMAL_DIGITS or letter in ASCII_LETTERS:
            raise scanner.unsupported(f"\\{letter} means nothing in ECMAScript", position)
        return ord(letter)

    def _unicode_escape(self, scanner: Scanner) -> int:
        if scanner.accept("{"):
            return scanner.braced_hexadecimal()
        value = scanner.hexadecimal(4)
        if value in _LEAD and scanner.looking_at("\\u"):
            before = scanner.position
            scanner.position += 2
            if not scanner.looking_at("{") and (trail := scanner.hexadecimal(4)) in _TRAIL:
                return 0x10000 + ((value - 0xD800) << 10) + (trail - 0xDC00)
            scanner.position = before
        return value

    def braces(self, scanner: Scanner) -> tuple[int, int | None] | None:
        found = _BRACES.match(scanner.source, scanner.position)
        if found is None:
            return None
        low = read_count(scanner, found[1], None)
        high = low if found[2] is None else read_count(scanner, found[3], None) if found[3] else None
        scanner.position = found.end()
        return low, high

    def anchor(self, character: str, flags: Flags) -> Assertion:
        return Assertion("start" if character == "^" else "end")

    def dot(self, flags: Flags) -> CharSet:
        return DOT_CLASS

    def fold(self, members: CharSet, flags: Flags) -> CharSet:
        return members


def _as_set(found: int | CharSet) -> CharSet:
    return charset.normalise([(found, found)]) if isinstance(found, int) else found
