"""JSON text: what stands between the quotes of a JSON string, canonically escaped, by the string that it spells.

The spelling is that of `json.dumps` with `ensure_ascii=False`: quotes, backslashes and control characters are escaped, in their
short form where there is one, and nothing else is.
"""

from __future__ import annotations

import json

from engine.regular import charset
from engine.regular.charset import CharSet
from engine.regular.expression.node import EMPTY_SET, Expression, intern
from engine.regular.partition import refine

_ESCAPES = {json.dumps(chr(c))[1:-1]: c for c in (*range(0x20), ord('"'), ord("\\"))}
_ESCAPED = charset.of(chr(c) for c in _ESCAPES.values())
_KINDS = (((0x5C, 0x5C),), charset.of(chr(c) for c in _ESCAPES.values() if c != 0x5C), charset.invert(_ESCAPED))


class JsonText(Expression):
    """The spellings of the strings of `body` behind `begun`, the part of an escape that was read."""

    __slots__ = ("begun", "body")

    def __init__(self, body: Expression, begun: str) -> None:
        super().__init__(body.nullable and not begun, body.plain, body.weight)
        self.body, self.begun = body, begun

    def _partition(self) -> tuple[CharSet, ...]:
        if not self.begun:
            return refine(_KINDS, self.body.classes)
        following = sorted({escape[len(self.begun)] for escape, _ in _left(self.body, self.begun)})
        return (*(charset.of(c) for c in following), charset.invert(charset.of(following)))

    def _derivative(self, code_point: int) -> Expression:
        if self.begun or code_point == 0x5C:
            return _json_text(self.body, self.begun + chr(code_point))
        return EMPTY_SET if charset.contains(_ESCAPED, code_point) else json_text(self.body.derive(code_point))

    def _short(self) -> str:
        if not self.begun:
            return json.dumps(self.body.shortest, ensure_ascii=False)[1:-1]
        rests = [
            escape[len(self.begun) :] + json.dumps(rest.shortest, ensure_ascii=False)[1:-1]
            for escape, rest in _left(self.body, self.begun)
            if rest.alive
        ]
        return min(rests, key=lambda rest: (len(rest), rest))


def _left(body: Expression, begun: str) -> list[tuple[str, Expression]]:
    """The escapes that begin so and may come, each with what follows it."""
    found = [(escape, body.derive(c)) for escape, c in _ESCAPES.items() if escape.startswith(begun)]
    return [(escape, rest) for escape, rest in found if rest is not EMPTY_SET]


def _json_text(body: Expression, begun: str) -> Expression:
    """What follows a part of an escape, or a whole one."""
    if begun in _ESCAPES:
        return json_text(body.derive(_ESCAPES[begun]))
    if not _left(body, begun):
        return EMPTY_SET
    return intern((JsonText, body, begun), lambda: JsonText(body, begun))


def json_text(body: Expression) -> Expression:
    """The canonical spellings, without quotes, of the strings of `body`."""
    return EMPTY_SET if body is EMPTY_SET else intern((JsonText, body, ""), lambda: JsonText(body, ""))
