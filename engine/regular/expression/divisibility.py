"""Divisibility: decimal digits by their value modulo a number."""

from __future__ import annotations

from typing import ClassVar

from engine.regular import charset
from engine.regular.charset import CharSet
from engine.regular.expression.node import EMPTY_SET, Expression, intern


class Multiple(Expression):
    """Decimal digits whose value, appended to a number with remainder `remainder`, is a multiple of `modulus`."""

    __slots__ = ("modulus", "remainder", "started")

    DIGITS: ClassVar[tuple[CharSet, ...]] = tuple(((48 + d, 48 + d),) for d in range(10))

    def __init__(self, modulus: int, remainder: int, started: bool) -> None:
        super().__init__(started and remainder == 0, False)
        self.modulus, self.remainder, self.started = modulus, remainder, started

    def _partition(self) -> tuple[CharSet, ...]:
        return (*self.DIGITS, charset.invert(((48, 57),)))

    def _derivative(self, code_point: int) -> Expression:
        if not 48 <= code_point <= 57:
            return EMPTY_SET
        return multiple(self.modulus, (self.remainder * 10 + code_point - 48) % self.modulus, started=True)


def multiple(modulus: int, remainder: int = 0, *, started: bool = False) -> Expression:
    """Non-empty runs of digits whose value is a multiple of `modulus`; state count is `modulus` + 1."""
    return intern((Multiple, modulus, remainder, started), lambda: Multiple(modulus, remainder, started))
