"""Base64 text: texts in base64, by the bytes that they stand for.

The sextets read so far leave a few bits and a place in a character of UTF-8 (the Unicode Standard, table 3-7). Padding must be
there and the bits under it must be zero (RFC 4648, sections 3.2 and 3.5), so that each text has one spelling.
"""

from __future__ import annotations

from string import ascii_lowercase, ascii_uppercase, digits
from typing import NamedTuple

from engine.regular import charset
from engine.regular.charset import CharSet
from engine.regular.expression.algebra import EMPTY_STRING
from engine.regular.expression.finite_set import text
from engine.regular.expression.node import EMPTY_SET, Expression, intern

STANDARD = ascii_uppercase + ascii_lowercase + digits + "+/"
URL_SAFE = ascii_uppercase + ascii_lowercase + digits + "-_"


class _Character(NamedTuple):
    """A character of UTF-8 that has begun: how many bytes are missing, and the range of the next."""

    missing: int
    low: int
    high: int


_BORDER = _Character(0, 0, 0)
_LEADS = (
    (0xC2, 0xDF, _Character(1, 0x80, 0xBF)),
    (0xE0, 0xE0, _Character(2, 0xA0, 0xBF)),
    (0xE1, 0xEC, _Character(2, 0x80, 0xBF)),
    (0xED, 0xED, _Character(2, 0x80, 0x9F)),
    (0xEE, 0xEF, _Character(2, 0x80, 0xBF)),
    (0xF0, 0xF0, _Character(3, 0x90, 0xBF)),
    (0xF1, 0xF3, _Character(3, 0x80, 0xBF)),
    (0xF4, 0xF4, _Character(3, 0x80, 0x8F)),
)


def _feed(character: _Character, byte: int) -> _Character | None:
    if not character.missing:
        if byte < 0x80:
            return _BORDER
        return next((begun for low, high, begun in _LEADS if low <= byte <= high), None)
    if not character.low <= byte <= character.high:
        return None
    return _Character(character.missing - 1, 0x80, 0xBF) if character.missing > 1 else _BORDER


class Base64Text(Expression):
    """What may follow `phase` sextets (modulo 4) that left the bits `carry` and the character begun."""

    __slots__ = ("alphabet", "carry", "character", "phase")

    def __init__(self, alphabet: str, phase: int, carry: int, character: _Character) -> None:
        super().__init__(phase == 0 and character == _BORDER, False)
        self.alphabet, self.phase, self.carry, self.character = alphabet, phase, carry, character

    def _partition(self) -> tuple[CharSet, ...]:
        single = tuple(((ord(c), ord(c)),) for c in self.alphabet + "=")
        return (*single, charset.invert(charset.of(self.alphabet + "=")))

    def _derivative(self, code_point: int) -> Expression:
        if code_point == ord("="):
            return self._padded()
        value = self.alphabet.find(chr(code_point))
        if value < 0:
            return EMPTY_SET
        if self.phase == 0:
            return _base64_text(self.alphabet, 1, value, self.character)
        bits = self.carry << 6 | value
        left = 6 - 2 * self.phase
        character = _feed(self.character, bits >> left)
        if character is None:
            return EMPTY_SET
        return _base64_text(self.alphabet, (self.phase + 1) % 4, bits & (1 << left) - 1, character)

    def _padded(self) -> Expression:
        if self.carry or self.character != _BORDER or self.phase < 2:
            return EMPTY_SET
        return text("=") if self.phase == 2 else EMPTY_STRING


def _base64_text(alphabet: str, phase: int, carry: int, character: _Character) -> Expression:
    key = (Base64Text, alphabet, phase, carry, character)
    return intern(key, lambda: Base64Text(alphabet, phase, carry, character))


def base64_text(alphabet: str = STANDARD) -> Expression:
    """Any text, in UTF-8 and base64 with padding; at most some 700 states."""
    return _base64_text(alphabet, 0, 0, _BORDER)
