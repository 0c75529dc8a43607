"""Patterns of Python's `re` module for `str`, as the running version reads them.

`\\d`, `\\w`, `\\s` are what this Python says they are. `$` also stands before a final newline. Case-insensitivity
compares lower-case forms and the few characters that share an upper case, as `re` does.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from typing import Literal

from engine.regular import charset, unicode
from engine.regular.charset import CharSet
from engine.regular.pattern_reader import Last, read_count
from engine.regular.pattern_syntax import (
    ASCII_LETTERS,
    DECIMAL_DIGITS,
    OCTAL_DIGITS,
    Assertion,
    Flags,
    PatternNode,
    Scanner,
    SingleCharacter,
)

_VERSION = sys.version_info[:2]
"""`\\z` is new in 3.14, and `\\B` matches in an empty string from then on."""
_CONTROLS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_BRACES = re.compile(r"\{(?!\})([0-9]*)(?:(,)([0-9]*))?\}")
_REPEAT_LIMIT = 4_294_967_294
_FLAG_LETTERS = frozenset("aiLmsux")
_ASCII_SETS: dict[str, CharSet] = {
    "d": ((48, 57),),
    "w": ((48, 57), (65, 90), (95, 95), (97, 122)),
    "s": ((9, 13), (32, 32)),
}


class Python:
    """The dialect of `re`; Pydantic's `regex_engine="python-re"` and jsonschema's `pattern` use it."""

    repeatable: frozenset[Last] = frozenset({"atom"})
    possessive = True
    blanks = frozenset(" \t\n\r\v\f")

    def group(self, scanner: Scanner, flags: Flags, first: bool) -> tuple[Literal["open", "flags", "comment"], Flags]:
        position = scanner.position - 1
        if not scanner.accept("?") or scanner.accept(":"):
            return "open", flags
        if scanner.accept("P<"):
            name = scanner.take_until(">", "a group name")
            if not name.isidentifier():
                raise scanner.invalid("not a group name", position)
            return "open", flags
        if scanner.accept("#"):
            scanner.take_until(")", "a comment")
            return "comment", flags
        for opening, reason in _REFUSED:
            if scanner.looking_at(opening):
                raise scanner.unsupported(reason, position)
        return self._flags(scanner, flags, first, position)

    def _flags(
        self, scanner: Scanner, flags: Flags, first: bool, position: int
    ) -> tuple[Literal["open", "flags", "comment"], Flags]:
        added = scanner.take_while(_FLAG_LETTERS)
        removed = scanner.take_while(_FLAG_LETTERS) if (minus := scanner.accept("-")) else ""
        if not added and not removed:
            raise scanner.invalid("not a kind of group", position)
        if "L" in added or set(added) >= {"a", "u"} or set(removed) & set("aLu") or (minus and not removed):
            raise scanner.invalid("these flags cannot be set for text", position)
        if set(added) & set(removed):
            raise scanner.invalid("a flag is turned on and off at once", position)
        for letter in added:
            flags = flags.changed("a", False) if letter == "u" else flags.changed(letter, True)
        for letter in removed:
            flags = flags.changed(letter, False)
        if scanner.accept(":"):
            return "open", flags
        if removed or not scanner.accept(")"):
            raise scanner.invalid("not a kind of group", position)
        if not first:
            raise scanner.invalid("flags for the whole pattern do not stand at its start", position)
        return "flags", flags

    def escape(self, scanner: Scanner, flags: Flags) -> PatternNode:
        position = scanner.position - 1
        letter = scanner.next
        if letter in _ASSERTED and letter:
            scanner.position += 1
            return self._assertion(letter, scanner, flags, position)
        if letter in DECIMAL_DIGITS and letter != "0" and letter:
            octal = scanner.source[scanner.position : scanner.position + 3]
            if len(octal) < 3 or not OCTAL_DIGITS.issuperset(octal):
                raise scanner.unsupported("a back-reference", position)
        found = self._escaped(scanner, flags)
        return SingleCharacter(
            found if isinstance(found, tuple) else self.fold(charset.normalise([(found, found)]), flags)
        )

    def _assertion(self, letter: str, scanner: Scanner, flags: Flags, position: int) -> Assertion:
        if letter == "A":
            return Assertion("start")
        if letter == "Z":
            return Assertion("end")
        if letter == "z":
            if _VERSION < (3, 14):
                raise scanner.invalid("\\z is not known to this Python", position)
            return Assertion("end")
        word = self._set("w", flags)
        if letter == "b":
            return Assertion("boundary", word)
        return Assertion("no boundary in text" if _VERSION < (3, 14) else "no boundary", word)

    def bracket(self, scanner: Scanner, flags: Flags) -> CharSet:
        negated = scanner.accept("^")
        members: list[tuple[int, int]] = []
        characters: list[tuple[int, int]] = []
        first = True
        while first or not scanner.accept("]"):
            first = False
            begin = scanner.position
            low = self._class_atom(scanner, flags)
            high = low
            if scanner.looking_at("-") and not scanner.looking_at("-]"):
                scanner.position += 1
                high = self._class_atom(scanner, flags)
                if not isinstance(low, int) or not isinstance(high, int) or high < low:
                    raise scanner.invalid("not a range of characters", begin)
            if isinstance(low, int) and isinstance(high, int):
                characters.append((low, high))
            elif isinstance(low, tuple):
                members.extend(low)
        found = charset.unite(charset.normalise(members), self.fold(charset.normalise(characters), flags))
        return charset.invert(found) if negated else found

    def _class_atom(self, scanner: Scanner, flags: Flags) -> int | CharSet:
        if not scanner.accept("\\"):
            return ord(scanner.take())
        return self._escaped(scanner, flags, in_class=True)

    def _escaped(self, scanner: Scanner, flags: Flags, in_class: bool = False) -> int | CharSet:
        position = scanner.position - 1
        letter = scanner.take()
        if letter in "dwsDWS":
            members = self._set(letter.lower(), flags)
            return charset.invert(members) if letter.isupper() else members
        if letter in _CONTROLS and (in_class or letter != "b"):
            return ord(_CONTROLS[letter])
        if letter in "xuU":
            value = scanner.hexadecimal({"x": 2, "u": 4, "U": 8}[letter])
            if value > 0x10FFFF:
                raise scanner.invalid("not a code point", position)
            return value
        if letter == "N":
            return self._named(scanner, position)
        if letter in OCTAL_DIGITS:
            return self._octal(letter, scanner, position)
        if letter in DECIMAL_DIGITS or letter in ASCII_LETTERS:
            raise scanner.invalid(f"\\{letter} means nothing here", position)
        return ord(letter)

    def _octal(self, letter: str, scanner: Scanner, position: int) -> int:
        value = int(letter + scanner.take_while(OCTAL_DIGITS, 2), 8)
        if value > 0o377:
            raise scanner.invalid("an octal escape over \\377", position)
        return value

    def _named(self, scanner: Scanner, position: int) -> int:
        if not scanner.accept("{"):
            raise scanner.invalid("a character's name must stand in braces", position)
        name = scanner.take_until("}", "a character's name")
        try:
            return ord(unicodedata.lookup(name))
        except (KeyError, TypeError) as error:
            raise scanner.invalid(f"no character is named {name!r}", position) from error

    def _set(self, letter: str, flags: Flags) -> CharSet:
        if flags.ascii_only:
            return _ASCII_SETS[letter]
        return unicode.python_class(letter)

    def braces(self, scanner: Scanner) -> tuple[int, int | None] | None:
        found = _BRACES.match(scanner.source, scanner.position)
        if found is None:
            return None
        low = read_count(scanner, found[1], _REPEAT_LIMIT) if found[1] else 0
        high = low if found[2] is None else read_count(scanner, found[3], _REPEAT_LIMIT) if found[3] else None
        scanner.position = found.end()
        return low, high

    def anchor(self, character: str, flags: Flags) -> Assertion:
        if flags.multiline:
            return Assertion("line start" if character == "^" else "line end", charset.of("\n"))
        return Assertion("start" if character == "^" else "end or final newline")

    def dot(self, flags: Flags) -> CharSet:
        return charset.ANY if flags.dot_all else charset.invert(charset.of("\n"))

    def fold(self, members: CharSet, flags: Flags) -> CharSet:
        if not flags.ignore_case:
            return members
        return unicode.ascii_folded(members) if flags.ascii_only else unicode.python_folded(members)


_ASSERTED = frozenset("AZzbB")
_REFUSED = (
    ("=", "look-around"),
    ("!", "look-around"),
    ("<=", "look-around"),
    ("<!", "look-around"),
    ("P=", "a back-reference"),
    ("(", "a conditional group"),
    (">", "an atomic group"),
)
