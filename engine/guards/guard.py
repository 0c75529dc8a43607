"""Guard: a check of the schema, ready to be hung on a node of a grammar."""

from __future__ import annotations

from engine.guards.check import Predicate, compile_check
from engine.schema.schema import Check


class ValueGuard:
    """`name` is the keywords that it stands for, `path` where they stand. Equal checks share nothing but their memo."""

    __slots__ = ("_predicate", "name", "path")

    def __init__(self, check: Check) -> None:
        self.name = ", ".join(check.keywords)
        self.path = check.path or "/"
        self._predicate: Predicate = compile_check(check)

    def holds(self, value: bytes) -> bool:
        """Whether the closed value, as JSON text, passes."""
        return self._predicate.holds(value)

    def __repr__(self) -> str:
        return f"ValueGuard({self.name!r} at {self.path!r})"
