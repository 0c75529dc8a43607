"""Request body: fields of a JSON object that a client sent, each checked when it is taken, none ignored."""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from typing import Any, TypeVar

from engine.decoding.chat_template import Message
from engine.decoding.sampler import Sampling
from engine.errors import UsageError
from engine.server.service import bad_request

K = TypeVar("K")


class RequestBody:
    """`take` gives each field once; `done` refuses those that nobody took."""

    def __init__(self, fields: dict[str, Any], where: str = "") -> None:
        self._fields = {name: value for name, value in fields.items() if value is not None}
        self._where = where

    @classmethod
    def parse(cls, data: bytes) -> RequestBody:
        """A body from its bytes."""
        try:
            fields = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise bad_request(f"the body is not valid JSON: {error}") from error
        if not isinstance(fields, dict):
            raise bad_request("the body must be a JSON object")
        return cls(fields)

    def take(self, name: str, kind: type[K], default: K) -> K:
        """A field of a type, or its default."""
        value = self._fields.pop(name, default)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise bad_request(f"{self._where}{name} must be {_ARTICLES.get(kind, kind.__name__)}", name)
        return value

    def maybe(self, name: str, kind: type[K]) -> K | None:
        """A field of a type, or None."""
        return self.take(name, kind, None) if name in self._fields else None

    def any(self, name: str) -> Any:
        """A field of whatever type."""
        return self._fields.pop(name, None)

    def inner(self, name: str) -> RequestBody:
        """A field that is an object; empty where it is missing."""
        return RequestBody(self.take(name, dict, {}), f"{self._where}{name}.")

    def idle(self, name: str, *values: Any) -> None:
        """A field that changes nothing as long as it has one of some values."""
        value = self._fields.pop(name, None)
        if value is not None and value not in values:
            raise bad_request(f"{self._where}{name} is not supported", name)

    def drop(self, names: Collection[str]) -> None:
        """Leave out fields that do not concern the answer."""
        for name in names:
            self._fields.pop(name, None)

    def done(self) -> None:
        """Refuse what is left."""
        if self._fields:
            name = next(iter(self._fields))
            raise bad_request(f"{self._where}{name} is not supported", name)

    def sampling(self, default_temperature: float) -> Sampling:
        """temperature, top_p, top_k, min_p and seed."""
        try:
            chosen = Sampling(
                self.take("temperature", float, default_temperature),
                self.take("top_p", float, 1.0),
                self.take("top_k", int, 0),
                self.take("min_p", float, 0.0),
                self.maybe("seed", int),
            )
        except UsageError as error:
            raise bad_request(str(error)) from error
        if not math.isfinite(chosen.temperature):
            raise bad_request("temperature must be a number from 0 on", "temperature")
        return chosen.seeded()


_ARTICLES: dict[type[Any], str] = {
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "true or false",
    list: "an array",
    dict: "an object",
}
_ROLES: dict[str, str] = {"developer": "system", "function": "tool"}


def conversation(turns: list[Any]) -> list[Message]:
    """The messages of a request, with contents of several text parts joined."""
    if not turns:
        raise bad_request("messages must not be empty", "messages")
    found: list[Message] = []
    for index, turn in enumerate(turns):
        if not isinstance(turn, dict) or not isinstance(turn.get("role"), str):
            raise bad_request(f"messages[{index}] must be an object with a role", "messages")
        role = _ROLES.get(str(turn["role"]), str(turn["role"]))
        content: str = _content(turn, index)
        if role == "tool":  # few templates know it
            role, content = "user", f"Result of {turn.get('name') or turn.get('tool_name') or 'the tool'}: {content}"
        found.append({"role": role, "content": content})
    return found


def _content(turn: dict[str, Any], index: int) -> str:
    content: Any = turn.get("content")
    if turn.get("images"):
        raise bad_request(f"messages[{index}].images: only text is supported", "messages")
    if isinstance(content, list):
        parts = []
        for part in content:
            if not isinstance(part, dict) or part.get("type") != "text" or not isinstance(part.get("text"), str):
                raise bad_request(f"messages[{index}].content: only text parts are supported", "messages")
            parts.append(part["text"])
        content = "\n".join(parts)
    if content is None:
        calls = turn.get("tool_calls") or ([turn["function_call"]] if turn.get("function_call") else [])
        content = "\n".join(json.dumps(call.get("function", call), ensure_ascii=False) for call in calls)
    if not isinstance(content, str):
        raise bad_request(f"messages[{index}].content must be a string", "messages")
    return content
