"""JSON pointers: RFC 6901."""

from __future__ import annotations

from collections.abc import Iterable


def json_pointer(path: Iterable[str | int]) -> str:
    """The pointer of the keys and indices that lead to a value; "" is the whole text."""
    return "".join("/" + escaped_token(str(step)) for step in path)


def escaped_token(token: str) -> str:
    """One step as a pointer spells it."""
    return token.replace("~", "~0").replace("/", "~1")


def pointer_tokens(pointer: str) -> list[str]:
    """The steps of a pointer that is empty or begins with a slash."""
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]
