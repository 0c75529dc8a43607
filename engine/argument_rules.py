"""Argument rules: what a caller may pass, as data, and the one refusal of everything else.

A rule is a frozen value that says in words what it takes. `checked` gives the argument as the engine goes on with it (a
whole number of NumPy becomes an int), or raises `WrongArgument` with the argument's name, its value and those words.
Nothing is converted that could mean something else: "12" is not a number and True is not a count.
"""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from engine.errors import WrongArgument


class Rule(Protocol):
    """`allowed` completes the sentence "NAME must be …"."""

    @property
    def allowed(self) -> str: ...

    def read(self, value: Any) -> Any:
        """The value as it is used; `Refused` where it is not taken."""


class Refused(Exception):
    """A rule does not take a value."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from `low` to `high`."""

    low: int | None = None
    high: int | None = None

    @property
    def allowed(self) -> str:
        match self.low, self.high:
            case None, None:
                return "a whole number"
            case low, None:
                return f"a whole number from {low} on"
            case low, high:
                return f"a whole number from {low} to {high}"

    def read(self, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, numbers.Integral):
            raise Refused
        number = int(value)
        if (self.low is not None and number < self.low) or (self.high is not None and number > self.high):
            raise Refused
        return number


@dataclass(frozen=True, slots=True)
class Real:
    """A finite number from `low` (or `above` it) to `high`."""

    low: float
    high: float = math.inf
    above: bool = False

    @property
    def allowed(self) -> str:
        start = f"above {self.low:g}" if self.above else f"from {self.low:g}"
        if self.high == math.inf:
            return f"a number {start} on"
        return f"a number {start} {'and at most' if self.above else 'to'} {self.high:g}"

    def read(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise Refused
        try:
            number = float(value)
        except OverflowError:
            raise Refused from None
        if not math.isfinite(number) or not self.low <= number <= self.high or (self.above and number == self.low):
            raise Refused
        return number


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few texts."""

    choices: tuple[str | bool, ...]

    @property
    def allowed(self) -> str:
        *others, last = map(repr, self.choices)
        return f"{', '.join(others)} or {last}"

    def read(self, value: Any) -> str | bool:
        for choice in self.choices:
            if type(value) is type(choice) and value == choice:
                return choice
        raise Refused


@dataclass(frozen=True, slots=True)
class Instance:
    """A value of some types; True and False are no numbers here either."""

    types: tuple[type, ...]
    allowed: str

    def read(self, value: Any) -> Any:
        if not isinstance(value, self.types) or (isinstance(value, bool) and bool not in self.types):
            raise Refused
        return value


@dataclass(frozen=True, slots=True)
class Optional:
    """None, which means what `meaning` says, or what `rule` takes."""

    rule: Rule
    meaning: str = ""

    @property
    def allowed(self) -> str:
        return f"{self.rule.allowed}, or None{f' ({self.meaning})' if self.meaning else ''}"

    def read(self, value: Any) -> Any:
        return None if value is None else self.rule.read(value)


@dataclass(frozen=True, slots=True)
class Texts:
    """A collection of texts; a single text is not one, though it has characters."""

    allowed: str

    def read(self, value: Any) -> tuple[str, ...]:
        if isinstance(value, str | bytes | Mapping) or not isinstance(value, Collection):
            raise Refused
        if not all(isinstance(text, str) for text in value):
            raise Refused
        return tuple(value)


TEXT = Instance((str,), "a text")
FLAG = Instance((bool,), "True or False")
PATH = Instance((str, os.PathLike), "a name or a path")


def checked(name: str, value: Any, rule: Rule) -> Any:
    """The argument `name` as it is used; `WrongArgument` where `rule` does not take it."""
    try:
        return rule.read(value)
    except Refused:
        raise WrongArgument(name, value, rule.allowed) from None


def check_fields(instance: Any, rules: Mapping[str, Rule]) -> None:
    """Hold the fields of a frozen dataclass to their rules; for `__post_init__`."""
    for name, rule in rules.items():
        object.__setattr__(instance, name, checked(name, getattr(instance, name), rule))
