"""Patterns of the Rust crate `regex` with Unicode on, which Pydantic uses unless told otherwise.

Classes nest and have the operations `&&`, `--` and `~~`; flags hold for the rest of their group; the verbose flag also
works inside of classes. `u` and `R` cannot be changed here.
"""

from __future__ import annotations

import re
from typing import Literal

from engine.regular import charset, unicode
from engine.regular.charset import CharSet
from engine.regular.pattern_reader import Last, read_count
from engine.regular.pattern_syntax import (
    DECIMAL_DIGITS,
    NESTING_LIMIT,
    Assertion,
    AssertionKind,
    Flags,
    PatternNode,
    Scanner,
    SingleCharacter,
)

_CONTROLS = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_BRACES = re.compile(r"\{\s*([0-9]+)\s*(?:(,)\s*([0-9]+)?\s*)?\}")
_REPEAT_LIMIT = 4_294_967_295
_FLAG_LETTERS = frozenset("imsUxuR")
_GROUP_NAME = re.compile(r"[^\W\d][\w.\[\]]*\Z")
_ASCII_CLASS = re.compile(r"\[:(\^?)([a-z]+):\]")
_ASCII_CLASSES: dict[str, CharSet] = {
    "alnum": ((48, 57), (65, 90), (97, 122)),
    "alpha": ((65, 90), (97, 122)),
    "ascii": ((0, 127),),
    "blank": ((9, 9), (32, 32)),
    "cntrl": ((0, 31), (127, 127)),
    "digit": ((48, 57),),
    "graph": ((33, 126),),
    "lower": ((97, 122),),
    "print": ((32, 126),),
    "punct": ((33, 47), (58, 64), (91, 96), (123, 126)),
    "space": ((9, 13), (32, 32)),
    "upper": ((65, 90),),
    "word": ((48, 57), (65, 90), (95, 95), (97, 122)),
    "xdigit": ((48, 57), (65, 70), (97, 102)),
}
_BOUNDARIES: dict[str, AssertionKind] = {
    "b{start}": "word start",
    "b{end}": "word end",
    "b{start-half}": "word start half",
    "b{end-half}": "word end half",
    "<": "word start",
    ">": "word end",
    "b": "boundary",
    "B": "no boundary",
}


class Rust:
    """The dialect of Pydantic's `pattern`."""

    repeatable: frozenset[Last] = frozenset({"atom", "assertion", "repeat"})
    possessive = False
    blanks = frozenset("\t\n\v\f\r \u0085\u200e\u200f\u2028\u2029")

    def group(self, scanner: Scanner, flags: Flags, first: bool) -> tuple[Literal["open", "flags", "comment"], Flags]:
        position = scanner.position - 1
        if flags.verbose:
            self._skip_blanks(scanner)
        if not scanner.accept("?"):
            return "open", flags
        for opening in ("=", "!", "<=", "<!"):
            if scanner.looking_at(opening):
                raise scanner.unsupported("look-around", position)
        if scanner.accept("P<") or scanner.accept("<"):
            if not _GROUP_NAME.match(scanner.take_until(">", "a group name")):
                raise scanner.invalid("not a group name", position)
            return "open", flags
        return self._flags(scanner, flags, position)

    def _flags(self, scanner: Scanner, flags: Flags, position: int) -> tuple[Literal["open", "flags"], Flags]:
        added = scanner.take_while(_FLAG_LETTERS)
        minus = scanner.accept("-")
        removed = scanner.take_while(_FLAG_LETTERS) if minus else ""
        if (minus and not removed) or len(set(added + removed)) < len(added + removed):
            raise scanner.invalid("a flag is missing or there twice", position)
        if "R" in added or "u" in removed:
            raise scanner.unsupported("the flags R and -u", position)
        for letters, value in ((added, True), (removed, False)):
            for letter in letters:
                if letter in "imsx":  # U only swaps greedy and lazy, u is on already
                    flags = flags.changed(letter, value)
        if scanner.accept(":"):
            return "open", flags
        if (added or removed) and scanner.accept(")"):
            return "flags", flags
        raise scanner.invalid("not a kind of group", position)

    def _skip_blanks(self, scanner: Scanner) -> None:
        while scanner.take_while(self.blanks) or scanner.looking_at("#"):
            if scanner.accept("#"):
                end = scanner.source.find("\n", scanner.position)
                scanner.position = len(scanner.source) if end < 0 else end + 1

    def escape(self, scanner: Scanner, flags: Flags) -> PatternNode:
        if scanner.accept("A"):
            return Assertion("start")
        if scanner.accept("z"):
            return Assertion("end")
        for spelling, kind in _BOUNDARIES.items():
            if scanner.accept(spelling):
                return Assertion(kind, unicode.word())
        found = self._escaped(scanner, flags)
        return SingleCharacter(found if isinstance(found, tuple) else self.fold(((found, found),), flags))

    def _escaped(self, scanner: Scanner, flags: Flags) -> int | CharSet:
        position = scanner.position - 1
        letter = scanner.take()
        if letter in "dwsDWS":
            members = {"d": unicode.digits, "w": unicode.word, "s": unicode.white_space}[letter.lower()]()
            return charset.invert(members) if letter.isupper() else members
        if letter in _CONTROLS:
            return ord(_CONTROLS[letter])
        if letter in "xuU":
            return self._hexadecimal(letter, scanner, position)
        if letter in "pP":
            return self._property(letter, scanner, flags, position)
        if letter in DECIMAL_DIGITS:
            raise scanner.invalid("back-references are not supported", position)
        if not letter.isascii() or letter.isalpha() or letter in "<>":
            raise scanner.invalid(f"\\{letter} means nothing here", position)
        return ord(letter)

    def _hexadecimal(self, letter: str, scanner: Scanner, position: int) -> int:
        digits = {"x": 2, "u": 4, "U": 8}[letter]
        value = scanner.braced_hexadecimal() if scanner.accept("{") else scanner.hexadecimal(digits)
        if value > 0x10FFFF or 0xD800 <= value <= 0xDFFF:
            raise scanner.invalid("not a Unicode scalar value", position)
        return value

    def _property(self, letter: str, scanner: Scanner, flags: Flags, position: int) -> CharSet:
        name = scanner.take_until("}", "a property") if scanner.accept("{") else scanner.take()
        negated = letter == "P"
        if "!=" in name:
            name, negated = name.replace("!=", "="), not negated
        found = unicode.property_members(name, loose=True)
        if found is None:
            raise scanner.unsupported(f"the property {name!r}", position)
        members = self.fold(found, flags)
        return charset.invert(members) if negated else members

    def bracket(self, scanner: Scanner, flags: Flags) -> CharSet:
        return self._bracket(scanner, flags, 0)

    def _bracket(self, scanner: Scanner, flags: Flags, depth: int) -> CharSet:
        """`[` is read. Items are united first; the operations then go from left to right."""
        begin = scanner.position - 1
        if depth > NESTING_LIMIT:
            raise scanner.unsupported(f"classes nested deeper than {NESTING_LIMIT}", begin)
        self._skip_in_class(scanner, flags)
        negated = scanner.accept("^")
        ranges = list(self._leading(scanner, flags))
        left: CharSet | None = None
        operation = ""
        while True:
            self._skip_in_class(scanner, flags)
            if not scanner.next:
                raise scanner.invalid("this class is never closed", begin)
            closing = scanner.accept("]")
            found = "" if closing else self._operator(scanner)
            if not closing and not found:
                ranges.extend(self._item(scanner, flags, depth))
                continue
            united = self.fold(charset.normalise(ranges), flags)
            left = united if left is None else _combine(left, operation, united)
            if closing:
                folded = self.fold(left, flags)
                return charset.invert(folded) if negated else folded
            operation, ranges = found, []

    def _leading(self, scanner: Scanner, flags: Flags) -> CharSet:
        """Hyphens at the start are plain, and a bracket that would close an empty class."""
        found = []
        self._skip_in_class(scanner, flags)
        while scanner.accept("-"):
            found.append("-")
            self._skip_in_class(scanner, flags)
        if not found and scanner.accept("]"):
            found.append("]")
        return charset.of(found)

    def _operator(self, scanner: Scanner) -> str:
        return next((operator for operator in ("&&", "--", "~~") if scanner.accept(operator)), "")

    def _item(self, scanner: Scanner, flags: Flags, depth: int) -> CharSet:
        begin = scanner.position
        if scanner.next == "[":
            ascii_class = _ASCII_CLASS.match(scanner.source, begin)
            if ascii_class and ascii_class[2] in _ASCII_CLASSES:
                scanner.position = ascii_class.end()
                members = self.fold(_ASCII_CLASSES[ascii_class[2]], flags)
                return charset.invert(members) if ascii_class[1] else members
            scanner.position += 1
            return self._bracket(scanner, flags, depth + 1)
        low = self._class_atom(scanner, flags)
        self._skip_in_class(scanner, flags)
        if not scanner.looking_at("-") or self._hyphen_ends(scanner, flags):
            return low if isinstance(low, tuple) else ((low, low),)
        scanner.position += 1
        self._skip_in_class(scanner, flags)
        high = self._class_atom(scanner, flags)
        if not isinstance(low, int) or not isinstance(high, int) or high < low:
            raise scanner.invalid("not a range of characters", begin)
        return charset.normalise([(low, high)])

    def _hyphen_ends(self, scanner: Scanner, flags: Flags) -> bool:
        """Whether the hyphen here is plain or begins an operator, rather than making a range."""
        if scanner.looking_at("--"):
            return True
        begin = scanner.position
        scanner.position += 1
        self._skip_in_class(scanner, flags)
        found = scanner.next in ("]", "-")
        scanner.position = begin
        return found

    def _class_atom(self, scanner: Scanner, flags: Flags) -> int | CharSet:
        if not scanner.accept("\\"):
            return ord(scanner.take())
        if scanner.next in frozenset("AzbB<>"):
            raise scanner.invalid("an assertion inside of a class", scanner.position - 1)
        return self._escaped(scanner, flags)

    def _skip_in_class(self, scanner: Scanner, flags: Flags) -> None:
        if flags.verbose:
            self._skip_blanks(scanner)

    def braces(self, scanner: Scanner) -> tuple[int, int | None] | None:
        found = _BRACES.match(scanner.source, scanner.position)
        if found is None:
            raise scanner.invalid("not a count in braces")
        low = read_count(scanner, found[1], _REPEAT_LIMIT)
        high = low if found[2] is None else read_count(scanner, found[3], _REPEAT_LIMIT) if found[3] else None
        scanner.position = found.end()
        return low, high

    def anchor(self, character: str, flags: Flags) -> Assertion:
        if flags.multiline:
            return Assertion("line start" if character == "^" else "line end", charset.of("\n"))
        return Assertion("start" if character == "^" else "end")

    def dot(self, flags: Flags) -> CharSet:
        return charset.ANY if flags.dot_all else charset.invert(charset.of("\n"))

    def fold(self, members: CharSet, flags: Flags) -> CharSet:
        return unicode.simply_folded(members) if flags.ignore_case else members


def _combine(left: CharSet, operation: str, right: CharSet) -> CharSet:
    if operation == "&&":
        return charset.intersect(left, right)
    without = charset.intersect(left, charset.invert(right))
    if operation == "--":
        return without
    return charset.unite(without, charset.intersect(right, charset.invert(left)))
