"""What a pattern says, before it is a language: a small syntax tree, the flags in force and the place in the source.

The tree knows nothing of dialects any more: classes are character sets, case-insensitivity is folded into them, anchors
are assertions about the characters on their two sides. Each node says whether it asserts anything: what asserts nothing
denotes one language wherever it stands.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from engine.errors import GrammarError
from engine.regular import charset
from engine.regular.charset import CharSet

NESTING_LIMIT = 64


class InvalidPattern(GrammarError):
    """`source` is not a pattern of its dialect; `position` counts characters from 0."""

    def __init__(self, source: str, position: int, reason: str) -> None:
        self.source, self.position, self.reason = source, position, reason
        super().__init__(f"pattern {_shown(source)} is malformed at character {position}: {reason}")


class UnsupportedPattern(GrammarError):
    """`source` asks for something that is not regular, or not exactly known; `position` counts characters from 0."""

    def __init__(self, source: str, position: int, reason: str) -> None:
        self.source, self.position, self.reason = source, position, reason
        super().__init__(f"pattern {_shown(source)} is not supported at character {position}: {reason}")


def _shown(source: str) -> str:
    return repr(source if len(source) <= 120 else source[:117] + "...")


AssertionKind = Literal[
    "start",
    "end",
    "end or final newline",
    "line start",
    "line end",
    "boundary",
    "no boundary",
    "no boundary in text",
    "word start",
    "word end",
    "word start half",
    "word end half",
]


@dataclass(frozen=True, slots=True, eq=False)
class SingleCharacter:
    """One character of a set."""

    members: CharSet
    asserts: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Assertion:
    """The empty string where `kind` holds; `members` are the word characters or the line terminators it looks at."""

    kind: AssertionKind
    members: CharSet = charset.NONE
    asserts: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class PatternSequence:
    """The items one after another."""

    items: tuple[PatternNode, ...]
    asserts: bool


@dataclass(frozen=True, slots=True, eq=False)
class Alternation:
    """One of the options."""

    options: tuple[PatternNode, ...]
    asserts: bool


@dataclass(frozen=True, slots=True, eq=False)
class Quantified:
    """`body` from `low` to `high` times; None is without end."""

    body: PatternNode
    low: int
    high: int | None
    asserts: bool


PatternNode = SingleCharacter | Assertion | PatternSequence | Alternation | Quantified


def sequence(items: Iterable[PatternNode]) -> PatternNode:
    """The items one after another; a single one is itself."""
    found = tuple(items)
    return found[0] if len(found) == 1 else PatternSequence(found, any(item.asserts for item in found))


def alternation(options: Iterable[PatternNode]) -> PatternNode:
    """One of the options; a single one is itself."""
    found = tuple(options)
    return found[0] if len(found) == 1 else Alternation(found, any(option.asserts for option in found))


def quantified(body: PatternNode, low: int, high: int | None) -> PatternNode:
    """`body` from `low` to `high` times; None is without end."""
    return Quantified(body, low, high, body.asserts)


@dataclass(frozen=True, slots=True)
class Flags:
    """The inline flags in force: i, m, s, x and Python's a."""

    ignore_case: bool = False
    multiline: bool = False
    dot_all: bool = False
    verbose: bool = False
    ascii_only: bool = False

    def changed(self, letter: str, value: bool) -> Flags:
        name = {"i": "ignore_case", "m": "multiline", "s": "dot_all", "x": "verbose", "a": "ascii_only"}[letter]
        return replace(self, **{name: value})


HEX_DIGITS = frozenset("0123456789abcdefABCDEF")
OCTAL_DIGITS = frozenset("01234567")
DECIMAL_DIGITS = frozenset("0123456789")
ASCII_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


class Scanner:
    """A place in a pattern's source."""

    __slots__ = ("position", "source")

    def __init__(self, source: str) -> None:
        self.source, self.position = source, 0

    @property
    def next(self) -> str:
        """The character here, or the empty string at the end."""
        return self.source[self.position : self.position + 1]

    def looking_at(self, text: str) -> bool:
        return self.source.startswith(text, self.position)

    def accept(self, text: str) -> bool:
        found = self.looking_at(text)
        if found:
            self.position += len(text)
        return found

    def take(self) -> str:
        character = self.next
        if not character:
            raise self.invalid("the pattern ends too early")
        self.position += 1
        return character

    def take_while(self, allowed: frozenset[str], limit: int | None = None) -> str:
        begin = self.position
        end = len(self.source) if limit is None else min(len(self.source), begin + limit)
        while self.position < end and self.source[self.position] in allowed:
            self.position += 1
        return self.source[begin : self.position]

    def take_until(self, closing: str, what: str) -> str:
        end = self.source.find(closing, self.position)
        if end < 0:
            raise self.invalid(f"{what} without {closing!r}")
        found = self.source[self.position : end]
        self.position = end + len(closing)
        return found

    def hexadecimal(self, digits: int) -> int:
        """Exactly so many hexadecimal digits."""
        begin = self.position
        found = self.take_while(HEX_DIGITS, digits)
        if len(found) < digits:
            raise self.invalid(f"expected {digits} hexadecimal digits", begin)
        return int(found, 16)

    def braced_hexadecimal(self) -> int:
        """The digits up to `}`; `{` is read already."""
        begin = self.position
        found = self.take_until("}", "a code point")
        if not found or not HEX_DIGITS.issuperset(found) or (value := int(found, 16)) > 0x10FFFF:
            raise self.invalid("not a code point", begin)
        return value

    def invalid(self, reason: str, position: int | None = None) -> InvalidPattern:
        return InvalidPattern(self.source, self.position if position is None else position, reason)

    def unsupported(self, reason: str, position: int | None = None) -> UnsupportedPattern:
        return UnsupportedPattern(self.source, self.position if position is None else position, reason)
