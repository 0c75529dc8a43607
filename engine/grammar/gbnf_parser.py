"""GBNF text → Grammar.

Accepts what llama.cpp accepts (its grammars/README.md and llama-grammar.cpp) and means the same, but for its defects:
a repeat over 2,000 is exact instead of unbounded, `{3,2}` and every left recursion are refused instead of exhausting
the memory, stacked repeats such as `"a"**` and repeats of empty rules are allowed. Kept are its oddities: `[]` and
`[^]` are the empty text, `[z-a]` and escapes that name surrogates match nothing, the last definition of a rule wins.
Refused are token literals (`<|im_end|>`, `<[123]>`), which match a token of one model and no text.

Errors are GbnfSyntaxError, with line, column and what to do; only a missing root has no place and is GrammarError.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.errors import GbnfSyntaxError, GrammarError
from engine.grammar.grammar import EMPTY, Choice, Grammar, Literal, Node, RegularTerminal, Repeat, RuleRef, Sequence
from engine.grammar.recursion import LeftRecursion, refuse_left_recursion
from engine.regular import charset
from engine.regular.expression import char_class

DEPTH_LIMIT = 200
_COUNT_DIGITS = 18

_NAME = re.compile(r"[a-zA-Z0-9-]+")
_INLINE_SPACE = re.compile(r"(?:[ \t]|#[^\r\n]*)*")
_ANY_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
_NEWLINE = re.compile(r"\r\n|\r|\n")
_DIGITS = re.compile(r"[0-9]+")
_RAW = re.compile(r'[^"\\]+')
_HEX = {"x": re.compile(r"[0-9a-fA-F]{2}"), "u": re.compile(r"[0-9a-fA-F]{4}"), "U": re.compile(r"[0-9a-fA-F]{8}")}
_ESCAPES = {"t": 9, "r": 13, "n": 10, "\\": 92, '"': 34, "[": 91, "]": 93, "-": 45}
_HINTS = {
    "_": "; rule names are made of letters, digits and dashes (llama.cpp knows no '_')",
    "'": "; a text stands in double quotes",
    ";": "; a rule ends with its line",
    "/": "; a comment begins with '#'",
    "|": "; a rule goes on behind a '|' at the end of a line, or inside parentheses",
    ")": "; no '(' is open",
    "=": "; a rule is written name ::= …",
    ":": "; a rule is written name ::= …",
}
_REPEATS = {"*": (0, None), "+": (1, None), "?": (0, 1)}


def parse_gbnf(text: str) -> Grammar:
    """The grammar that `text` defines; its root is the rule `root`. Time is linear in the text."""
    _refuse_foreign_characters(text)
    reader = _Reader(text)
    rules: dict[str, Node] = {}
    uses: dict[str, dict[str, int]] = {}
    reader.skip(_ANY_SPACE)
    while reader.at < len(text):
        name, node, used = reader.rule()
        rules[name], uses[name] = node, used
        reader.skip(_ANY_SPACE)
    for used in uses.values():
        for name, at in used.items():
            if name not in rules:
                raise reader.error(f"rule {name!r} is not defined{_meant(name, rules)}", at)
    if "root" not in rules:
        there = f"; there is {', '.join(list(rules)[:8])}" if rules else "; the text has no rule at all"
        raise GrammarError(f"GBNF: no rule is named 'root', which is where a text starts{there}")
    grammar = Grammar(rules)
    try:
        refuse_left_recursion(grammar)
    except LeftRecursion as error:
        raise reader.error(error.reason, uses[error.cycle[-2]][error.cycle[-1]]) from None
    return grammar


def _meant(name: str, rules: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, rules, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _refuse_foreign_characters(text: str) -> None:
    if text.startswith("\ufeff"):
        raise _Reader(text).error("a byte order mark; leave it out (decode the file as utf-8-sig)", 0)
    found = re.search("[\0\ud800-\udfff]", text)
    if found:
        what = "a NUL character" if found[0] == "\0" else "a lone surrogate"
        raise _Reader(text).error(f"{what} cannot stand in GBNF; write it as an escape", found.start())


@dataclass(slots=True)
class _Group:
    """The alternatives of a rule or parenthesis so far. `heights` are those of the nodes in `items`."""

    opened: int
    options: list[Node] = field(default_factory=list)
    items: list[Node] = field(default_factory=list)
    heights: list[int] = field(default_factory=list)
    height: int = 0

    def add(self, node: Node, height: int = 1) -> None:
        self.items.append(node)
        self.heights.append(height)

    def end_option(self) -> None:
        several = len(self.items) != 1
        self.options.append(Sequence(tuple(self.items)) if several else self.items[0])
        self.height = max(self.height, max(self.heights, default=0) + several)
        self.items, self.heights = [], []

    def close(self) -> tuple[Node, int]:
        self.end_option()
        if len(self.options) == 1:
            return self.options[0], self.height
        return Choice(tuple(self.options)), self.height + 1


class _Reader:
    """A position in the text. Methods read one construct from there and leave the position behind it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def error(self, reason: str, at: int | None = None) -> GbnfSyntaxError:
        at = self.at if at is None else at
        before = [newline.end() for newline in _NEWLINE.finditer(self.text, 0, at)]
        begin = before[-1] if before else 0
        rest = _NEWLINE.search(self.text, begin)
        source = self.text[begin : rest.start() if rest else len(self.text)]
        return GbnfSyntaxError(reason, line=len(before) + 1, column=at - begin + 1, source=source)

    def skip(self, space: re.Pattern[str]) -> None:
        found = space.match(self.text, self.at)
        assert found is not None
        self.at = found.end()

    def rule(self) -> tuple[str, Node, dict[str, int]]:
        """`name ::= alternatives`, with the place of the first use of each rule in it."""
        name = self.name("expected the name of a rule")
        self.skip(_INLINE_SPACE)
        if not self.text.startswith("::=", self.at):
            raise self.error(f"expected '::=' after the rule name {name!r}" + self._hint())
        self.at += 3
        self.skip(_ANY_SPACE)
        used: dict[str, int] = {}
        node = self.alternatives(used)
        if self.at < len(self.text):
            newline = _NEWLINE.match(self.text, self.at)
            if newline is None:
                raise self.error(f"unexpected {self.text[self.at]!r}" + self._hint())
            self.at = newline.end()
        return name, node, used

    def _hint(self) -> str:
        """What to do about the character here, if it is one that people expect to mean something."""
        return _HINTS.get(self.text[self.at : self.at + 1], "")

    def name(self, expected: str) -> str:
        found = _NAME.match(self.text, self.at)
        if found is None:
            raise self.error(expected + self._hint())
        self.at = found.end()
        return found[0]

    def alternatives(self, used: dict[str, int]) -> Node:
        """The body of a rule, up to what cannot belong to it. Parentheses are a list, not recursion."""
        open_groups = [_Group(self.at)]
        while self.at < len(self.text):
            group, space = open_groups[-1], _ANY_SPACE if len(open_groups) > 1 else _INLINE_SPACE
            character = self.text[self.at]
            if character == "(":
                open_groups.append(_Group(self.at))
                self._limit(len(open_groups))
                self.at, space = self.at + 1, _ANY_SPACE
            elif character == "|":
                group.end_option()
                self.at, space = self.at + 1, _ANY_SPACE
            elif character == ")" and len(open_groups) > 1:
                open_groups.pop()
                open_groups[-1].add(*group.close())
                self.at, space = self.at + 1, _ANY_SPACE if len(open_groups) > 1 else _INLINE_SPACE
            elif character in "*+?{":
                self.repeat(group, space)
            elif (node := self.symbol(character, used)) is not None:
                group.add(node)
            else:
                break
            self.skip(space)
        if len(open_groups) > 1:
            self._refuse_open(open_groups[-1])
        node, height = open_groups[0].close()
        self._limit(height)
        return node

    def _refuse_open(self, group: _Group) -> None:
        if self.at < len(self.text):
            raise self.error(f"unexpected {self.text[self.at]!r} inside '('" + self._hint())
        raise self.error("this '(' is never closed", group.opened)

    def _limit(self, height: int) -> None:
        if height > DEPTH_LIMIT:
            raise self.error(f"nested more than {DEPTH_LIMIT} deep; give the inner part a rule of its own")

    def symbol(self, character: str, used: dict[str, int]) -> Node | None:
        """A literal, a class, `.` or a reference; None if none starts here."""
        if character == '"':
            return self.literal()
        if character == "[":
            return self.character_class()
        if character == ".":
            self.at += 1
            return RegularTerminal(char_class(charset.ANY))
        if character in "<!":
            raise self.error("token literals match a token of one model, not text; write the text as a literal")
        start, found = self.at, _NAME.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        used.setdefault(found[0], start)
        return RuleRef(found[0])

    def literal(self) -> Node:
        opened, pieces, exists = self.at, [], True
        self.at += 1
        while not self.text.startswith('"', self.at):
            raw = _RAW.match(self.text, self.at)
            if raw is not None:
                self.at = raw.end()
                pieces.append(raw[0])
                continue
            code_point = self.code_point(opened, "literal")
            exists = exists and charset.contains(charset.ANY, code_point)
            pieces.append(chr(code_point) if exists else "")
        self.at += 1
        return Literal("".join(pieces)) if exists else Choice(())

    def character_class(self) -> Node:
        opened, text = self.at, self.text
        negated = text.startswith("^", self.at + 1)
        self.at += 2 if negated else 1
        ranges: list[tuple[int, int]] = []
        while not text.startswith("]", self.at):
            low = high = self.code_point(opened, "class")
            if text.startswith("-", self.at) and not text.startswith("-]", self.at):
                self.at += 1
                high = self.code_point(opened, "class")
            ranges.append((low, high))
        self.at += 1
        if not ranges:
            return EMPTY
        members = charset.normalise(ranges)
        members = charset.invert(members) if negated else members
        return RegularTerminal(char_class(members)) if members else Choice(())

    def code_point(self, opened: int, inside: str) -> int:
        """One character or escape of the literal or class that began at `opened`."""
        if self.at >= len(self.text):
            raise self.error(f"this {inside} is never closed", opened)
        character, escape = self.text[self.at], self.text[self.at + 1 : self.at + 2]
        if character != "\\":
            self.at += 1
            return ord(character)
        if escape in _ESCAPES:
            self.at += 2
            return _ESCAPES[escape]
        if escape not in _HEX:
            raise self.error(rf"unknown escape '\{escape}'; there are \n \r \t \\ \" \[ \] \- \xHH \uHHHH \UHHHHHHHH")
        digits = _HEX[escape].match(self.text, self.at + 2)
        if digits is None:
            count = {"x": 2, "u": 4, "U": 8}[escape]
            raise self.error(rf"'\{escape}' needs {count} hexadecimal digits")
        self.at = digits.end()
        return int(digits[0], 16)

    def repeat(self, group: _Group, space: re.Pattern[str]) -> None:
        """A postfix operator; it takes the last symbol of `group`."""
        start, character = self.at, self.text[self.at]
        self.at += 1
        low, high = _REPEATS[character] if character in _REPEATS else self.bounds(space)
        if not group.items:
            raise self.error(f"nothing stands before this {character!r} that it could repeat", start)
        if high is not None and high < low:
            raise self.error(
                f"a repeat from {low} to {high} times is impossible; the smaller number comes first", start
            )
        group.items[-1] = Repeat(group.items[-1], low, high)
        group.heights[-1] += 1
        self._limit(group.heights[-1])

    def bounds(self, space: re.Pattern[str]) -> tuple[int, int | None]:
        """`m}`, `m,}` or `m,n}`."""
        self.skip(space)
        hint = "; write {0,…" if self.text.startswith(",", self.at) else ""
        low = self.count(f"expected a number after '{{'{hint}")
        high: int | None = low
        self.skip(space)
        if self.text.startswith(",", self.at):
            self.at += 1
            self.skip(space)
            high = None
            if not self.text.startswith("}", self.at):
                high = self.count("expected a number or '}' after ','")
                self.skip(space)
        if not self.text.startswith("}", self.at):
            raise self.error("expected '}' at the end of the repeat")
        self.at += 1
        return low, high

    def count(self, expected: str) -> int:
        digits = _DIGITS.match(self.text, self.at)
        if digits is None:
            raise self.error(expected)
        significant = digits[0].lstrip("0") or "0"
        if len(significant) > _COUNT_DIGITS:
            raise self.error(f"a count of more than {_COUNT_DIGITS} digits")
        self.at = digits.end()
        return int(significant)
