"""Guard: a check of the schema, ready to be hung on a node of a grammar."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.grammar.grammar import Scope
from engine.guards.check import Predicate, compile_check
from engine.schema.schema import Check


class ValueGuard:
    """`name` is the keywords that it stands for, `path` where they stand. Equal checks share nothing but their memo."""

    __slots__ = ("_predicate", "_validator", "name", "path", "scope")

    def __init__(self, check: Check, scope: Scope = "value") -> None:
        self.name = ", ".join(check.keywords)
        self.path = check.path or "/"
        self.scope: Scope = scope
        self._predicate: Predicate = compile_check(check)
        self._validator: Callable[[bytes], Any] | None = check.validator if check.kind == "pydantic" else None

    def holds(self, value: bytes) -> bool:
        """Whether the closed value, as JSON text, passes."""
        return self._predicate.holds(value)

    def reason(self, value: bytes) -> str:
        """What a validator says of a value that it refuses; of a keyword there is nothing to say but its name."""
        if self._validator is not None:
            try:
                self._validator(value)
            except ValueError as error:
                return "; ".join(_messages(error))
        return f"{self.name} does not hold"

    def __repr__(self) -> str:
        return f"ValueGuard({self.name!r} at {self.path!r})"


def _messages(error: ValueError) -> list[str]:
    """Pydantic lists what is wrong and where; any other error is its own text."""
    listed = getattr(error, "errors", None)
    if listed is None:
        return [str(error)]
    found = listed(include_url=False, include_context=False, include_input=False)
    return [".".join(map(str, one["loc"])) + (": " if one["loc"] else "") + one["msg"] for one in found]
