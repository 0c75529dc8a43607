"""Python patterns: the source of a pattern in another dialect as Python's `re` spells it.

Only for what is not regular (look-around, back-references), which `re` decides. It differs from ECMA 262 in `$`, `\\d`, `\\w`,
`\\s`, `.`, `\\c`, `\\u{…}`, `\\p{…}`, and in which escapes are letters.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import lru_cache

_SPACE = "\\t\\n\\x0b\\x0c\\r \\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff"
_CLASSES = {
    "d": "0-9",
    "w": "A-Za-z0-9_",
    "s": _SPACE,
}
_NEGATED = {
    "D": "\\x00-/:-\\U0010ffff",
    "W": "\\x00-/:-@\\[-\\^`{-\\U0010ffff",
    "S": "\\x00-\\x08\\x0e-\\x1f!-\\x9f\\xa1-\\u167f\\u1681-\\u1fff\\u200b-\\u2027\\u202a-\\u202e"
    "\\u2030-\\u205e\\u2060-\\u2fff\\u3001-\\ufefe\\uff00-\\U0010ffff",
}
_CONTROLS = {"t": "\\t", "n": "\\n", "r": "\\r", "f": "\\x0c", "v": "\\x0b", "0": "\\x00"}


class PatternUnknown(ValueError):
    """The pattern is not a regular expression of its dialect."""


def to_python(source: str, dialect: str) -> str:
    """A pattern of a dialect as Python's `re` spells it; PatternUnknown where the dialect has no such pattern."""
    if dialect == "python":
        return source
    if dialect == "ecma":
        return _PythonTranslation(source).whole()
    return _rust(source)


def _rust(source: str) -> str:
    """Rust's dialect is Python's with Unicode classes, but `$` and `\\z` mean the very end."""
    out, n, in_class = [], 0, 0
    while n < len(source):
        two = source[n : n + 2]
        if two[0] == "\\":
            out.append("\\Z" if two == "\\z" else two)
            n += 2
            continue
        in_class += (two[0] == "[") - (two[0] == "]" and in_class > 0)
        out.append("\\Z" if two[0] == "$" and not in_class else two[0])
        n += 1
    return "".join(out)


class _PythonTranslation:
    """One pass over an ECMA pattern."""

    def __init__(self, source: str) -> None:
        self.source, self.at = source, 0

    def whole(self) -> str:
        out = []
        while self.at < len(self.source):
            out.append(self._part())
        return "".join(out)

    def _take(self, count: int = 1) -> str:
        taken = self.source[self.at : self.at + count]
        self.at += count
        return taken

    def _part(self) -> str:
        char = self._take()
        if char == "\\":
            return self._escape()
        if char == "[":
            return self._class()
        if char == "$":
            return "\\Z"
        if char == ".":
            return "[^\\n\\r\\u2028\\u2029]"
        if char == "(" and self.source.startswith("?", self.at):
            return self._group()
        if char == "{" and not re.match(r"\d+(,\d*)?\}", self.source[self.at :]):
            return "\\{"
        return char

    def _group(self) -> str:
        kind = re.match(r"\?(?:[:=!]|<[=!]|<[A-Za-z_$][\w$]*>)", self.source[self.at :])
        if not kind:
            raise PatternUnknown(f"{self.source!r}: ECMA 262 has no group {self.source[self.at - 1 : self.at + 3]!r}")
        opened = self._take(kind.end())
        return "(?P" + opened[1:] if opened.endswith(">") else "(" + opened

    def _escape(self) -> str:
        char = self._take()
        if char in _CLASSES:
            return f"[{_CLASSES[char]}]"
        if char in _NEGATED:
            return f"[{_NEGATED[char]}]"
        if char in "bB":
            return f"(?a:\\{char})"
        if char in "pP":
            return f"[{self._property(char == 'P')}]"
        if char == "k" and self.source.startswith("<", self.at):
            name = self.source[self.at + 1 : self.source.index(">", self.at)]
            self._take(len(name) + 2)
            return f"(?P={name})"
        if char.isdigit() and char != "0":
            return "\\" + char
        return self._character(char)

    def _character(self, char: str) -> str:
        """An escape that stands for one character, outside a class or in it."""
        if char == "":
            raise PatternUnknown(f"{self.source!r} ends in a backslash")
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char == "c" and re.match("[A-Za-z]", self.source[self.at :]):
            return f"\\x{ord(self._take()) % 32:02x}"
        if char == "x" and re.match("[0-9A-Fa-f]{2}", self.source[self.at :]):
            return "\\x" + self._take(2)
        if char == "u":
            return self._code_point()
        return re.escape(char)

    def _code_point(self) -> str:
        rest = self.source[self.at :]
        if braced := re.match(r"\{([0-9A-Fa-f]{1,6})\}", rest):
            self._take(braced.end())
            return f"\\U{int(braced[1], 16):08x}"
        if pair := re.match(r"([Dd][89ABab][0-9A-Fa-f]{2})\\u([Dd][C-Fc-f][0-9A-Fa-f]{2})", rest):
            self._take(pair.end())
            return f"\\U{0x10000 + (int(pair[1], 16) - 0xD800) * 0x400 + int(pair[2], 16) - 0xDC00:08x}"
        if re.match("[0-9A-Fa-f]{4}", rest):
            return "\\u" + self._take(4)
        return "u"

    def _property(self, negated: bool) -> str:
        named = re.match(r"\{(?:(?:General_Category|gc)=)?(\w+)\}", self.source[self.at :])
        if not named:
            raise PatternUnknown(f"{self.source!r}: unknown Unicode property")
        self._take(named.end())
        return _category(named[1], negated)

    def _class(self) -> str:
        out = ["["]
        if self.source.startswith("^", self.at):
            out.append(self._take())
        if self.source.startswith("]", self.at):
            self._take()
            return "(?:.|\\n)" if len(out) == 2 else "(?!)"
        may_range = False  # whether a hyphen here would join two characters
        while self.at < len(self.source):
            char = self._take()
            if char == "]":
                return "".join([*out, "]"])
            if char == "-" and may_range and not self.source.startswith("]", self.at):
                out.append("-")
                may_range = False
                continue
            out.append(self._class_escape() if char == "\\" else "\\" + char if char in "-[&|~" else char)
            may_range = out[-1] != "-"
        raise PatternUnknown(f"{self.source!r}: a class is not closed")

    def _class_escape(self) -> str:
        char = self._take()
        if char in _CLASSES or char in _NEGATED:
            return _CLASSES.get(char) or _NEGATED[char]
        if char == "b":
            return "\\x08"
        if char in ("p", "P"):
            return self._property(char == "P")
        return self._character(char)


_LONG_NAMES = {"Letter": "L", "digit": "Nd", "Number": "N", "Punctuation": "P", "Symbol": "S", "Separator": "Z"} | {
    "Lowercase_Letter": "Ll", "Uppercase_Letter": "Lu", "Decimal_Number": "Nd", "Mark": "M", "Other": "C"
}  # fmt: skip


@lru_cache(maxsize=64)
def _category(name: str, negated: bool) -> str:
    """The inside of a class with all characters of a general category."""
    short = _LONG_NAMES.get(name, name)
    if not re.fullmatch("[CLMNPSZ][a-z]?", short):
        raise PatternUnknown(f"unknown Unicode property {name!r}")
    ranges: list[list[int]] = []
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code)).startswith(short) != negated:
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in ranges)
