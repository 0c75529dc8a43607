"""Reads the source of a pattern into its syntax tree: what all dialects share.

Groups are kept on an explicit stack, so that depth costs no recursion; it is bounded by NESTING_LIMIT all the same,
because everything after this walks the tree. What differs between dialects (groups, escapes, classes, which things may
be repeated) is asked of a `PatternDialect`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

from engine.regular import charset
from engine.regular.charset import CharSet
from engine.regular.pattern_syntax import (
    NESTING_LIMIT,
    Assertion,
    Flags,
    PatternNode,
    Scanner,
    SingleCharacter,
    alternation,
    quantified,
    sequence,
)

Last = Literal["nothing", "atom", "assertion", "repeat"]

_BLANKS = frozenset(" \t\n\r\v\f")
COUNT_DIGITS = 18


class PatternDialect(Protocol):
    """What one dialect does in its own way. Each method starts where the scanner stands."""

    repeatable: frozenset[Last]
    """After what a quantifier may stand."""
    possessive: bool
    """Whether a `+` after a quantifier makes it possessive."""
    blanks: frozenset[str]
    """What the verbose flag skips."""

    def group(self, scanner: Scanner, flags: Flags, first: bool) -> tuple[Literal["open", "flags", "comment"], Flags]:
        """After `(`: what it opens, and the flags inside (or, for `flags`, from here on)."""

    def escape(self, scanner: Scanner, flags: Flags) -> PatternNode:
        """After a backslash outside of a class."""

    def bracket(self, scanner: Scanner, flags: Flags) -> CharSet:
        """After `[`, to behind its `]`; case is folded already."""

    def braces(self, scanner: Scanner) -> tuple[int, int | None] | None:
        """At `{`: the counts, the scanner behind them; None, the scanner unmoved, if it is a plain character."""

    def anchor(self, character: str, flags: Flags) -> Assertion: ...

    def dot(self, flags: Flags) -> CharSet: ...

    def fold(self, members: CharSet, flags: Flags) -> CharSet:
        """With all members' other cases, if the flags say so."""


@dataclass(slots=True)
class _Group:
    position: int
    outer_flags: Flags
    options: list[PatternNode] = field(default_factory=list)
    items: list[PatternNode] = field(default_factory=list)
    last: Last = "nothing"

    def close_option(self) -> None:
        self.options.append(sequence(self.items))
        self.items, self.last = [], "nothing"

    def add(self, node: PatternNode) -> None:
        self.items.append(node)
        self.last = "assertion" if isinstance(node, Assertion) else "atom"


class PatternReader:
    """Reads one pattern; use it once."""

    def __init__(self, source: str, dialect: PatternDialect) -> None:
        self._scanner = Scanner(source)
        self._dialect = dialect
        self._flags = Flags()
        self._group = _Group(0, self._flags)
        self._outer: list[_Group] = []

    def read(self) -> PatternNode:
        scanner = self._scanner
        while scanner.next:
            if self._flags.verbose and self._skip_blank():
                continue
            self._read_piece()
        if self._outer:
            raise scanner.invalid("this group is never closed", self._group.position)
        self._group.close_option()
        return alternation(self._group.options)

    def _skip_blank(self) -> bool:
        if self._scanner.accept("#"):
            source, begin = self._scanner.source, self._scanner.position
            end = source.find("\n", begin)
            self._scanner.position = len(source) if end < 0 else end + 1
            return True
        return bool(self._scanner.take_while(self._dialect.blanks))

    def _read_piece(self) -> None:
        scanner, group = self._scanner, self._group
        character = scanner.next
        if character in "*+?{" and self._quantify():
            return
        scanner.position += 1
        if character == "(":
            self._open(scanner.position - 1)
        elif character == ")":
            self._close()
        elif character == "|":
            group.close_option()
        elif character == "[":
            group.add(SingleCharacter(self._dialect.bracket(scanner, self._flags)))
        elif character == "\\":
            group.add(self._dialect.escape(scanner, self._flags))
        elif character == ".":
            group.add(SingleCharacter(self._dialect.dot(self._flags)))
        elif character in "^$":
            group.add(self._dialect.anchor(character, self._flags))
        else:
            group.add(SingleCharacter(self._dialect.fold(charset.of(character), self._flags)))

    def _open(self, position: int) -> None:
        group = self._group
        first = not self._outer and not group.options and not group.items
        opened, flags = self._dialect.group(self._scanner, self._flags, first)
        if opened == "flags":
            group.last = "nothing"
        elif opened == "open":
            if len(self._outer) >= NESTING_LIMIT:
                raise self._scanner.unsupported(f"groups nested deeper than {NESTING_LIMIT}", position)
            self._outer.append(group)
            self._group = _Group(position, self._flags)
        self._flags = flags

    def _close(self) -> None:
        if not self._outer:
            raise self._scanner.invalid("no group is open here", self._scanner.position - 1)
        self._group.close_option()
        node = alternation(self._group.options)
        self._flags = self._group.outer_flags
        self._group = self._outer.pop()
        self._group.items.append(node)
        self._group.last = "atom"

    def _quantify(self) -> bool:
        """Read a quantifier and apply it to what stands before; False if `{` is a plain character here."""
        scanner, group, begin = self._scanner, self._group, self._scanner.position
        counts: tuple[int, int | None] | None
        if scanner.next == "{":
            counts = self._dialect.braces(scanner)
            if counts is None:
                return False
        else:
            counts = {"*": (0, None), "+": (1, None), "?": (0, 1)}[scanner.take()]
        low, high = counts
        if high is not None and high < low:
            raise scanner.invalid("the counts are the wrong way round", begin)
        if group.last not in self._dialect.repeatable:
            reason = "a quantifier follows another" if group.last == "repeat" else "nothing to repeat here"
            raise scanner.invalid(reason, begin)
        if not scanner.accept("?") and self._dialect.possessive and scanner.next == "+":
            raise scanner.unsupported("a possessive quantifier")
        group.items[-1] = quantified(group.items[-1], low, high)
        group.last = "repeat"
        return True


def read_count(scanner: Scanner, digits: str, limit: int | None) -> int:
    """The number of a quantifier; a dialect's own limit makes it invalid, ours unsupported."""
    if limit is not None and (len(digits) > COUNT_DIGITS or int(digits) > limit):
        raise scanner.invalid(f"a repeat count over {limit}")
    if len(digits.lstrip("0")) > COUNT_DIGITS:
        raise scanner.unsupported(f"a repeat count of more than {COUNT_DIGITS} digits")
    return int(digits[-COUNT_DIGITS:])
