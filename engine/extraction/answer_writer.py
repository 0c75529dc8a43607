"""Answer writer: solved examples for the prompt, with answers that the grammar itself could have written.

In: pairs of a text and an answer, which is an object of the type or plain JSON. Out: the same texts with the JSON of their
answers, spelled as the model is to spell them. An answer that the type does not take, or that the grammar would not
write (another order of keys, say), would teach the model what it must not do; it is refused with its place.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

from engine.automaton.automaton import Automaton
from engine.automaton.tracker import Tracker
from engine.basics.json_pointer import json_pointer
from engine.errors import ExampleInvalid, TokenRejected
from engine.lowering.lowering import Style
from engine.masks.mask import Masks, Walks
from engine.masks.matcher import Matcher
from engine.masks.vocabulary import Vocabulary
from engine.objects.item import InvalidValue, ItemType

_SHOWN = 40
_BYTES = Vocabulary.from_pieces([bytes([byte]) for byte in range(256)])


@dataclass(frozen=True, slots=True)
class AnswerWriter:
    """How answers are to be written. `automaton` is that of the whole output, an array where there are `many` items."""

    item: ItemType
    automaton: Automaton
    style: Style
    many: bool
    context: Any = None

    def spelled(self, examples: Sequence[tuple[str, Any]]) -> list[tuple[str, str]]:
        """The texts with their answers as JSON; `ExampleInvalid` where one is not valid."""
        if not examples:
            return []
        byte_masks = Masks(self.automaton, Walks(_BYTES))
        return [(text, self._answer(index, answer, byte_masks)) for index, (text, answer) in enumerate(examples)]

    def _answer(self, index: int, answer: Any, masks: Masks) -> str:
        values = answer if isinstance(answer, list | tuple) and self.many else [answer] if self.many else answer
        given = self._plain(index, values)
        texts = [self._written(given)]
        refusals = [_refusal(texts[0], Matcher(masks))]
        if refusals[0] is None:
            return texts[0]
        items = given if self.many else [given]
        canonical = []
        for number, value in enumerate(items):
            place = f"/{number}" if self.many else ""
            try:
                canonical.append(self.item.respelled(value, self.context))
            except InvalidValue as error:
                raise ExampleInvalid(index, place + error.path, error.reason) from error
        spelled = canonical if self.many else canonical[0]
        ignored = _ignored(given, spelled)
        if ignored is not None:
            raise ExampleInvalid(index, ignored, "the type has no such member and ignores it")
        if _refusal(self._written(spelled), Matcher(masks)) is None:
            return self._written(spelled)
        path, reason = refusals[0]
        raise ExampleInvalid(index, path, reason)

    def _plain(self, index: int, values: Any) -> Any:
        try:
            return json.loads(to_json(values, inf_nan_mode="constants"))
        except (PydanticSerializationError, ValueError) as error:
            raise ExampleInvalid(index, "", f"it cannot be written as JSON: {error}") from error

    def _written(self, value: Any) -> str:
        separators = (",", ":") if self.style == "compact" else (", ", ": ")
        return json.dumps(value, ensure_ascii=False, separators=separators)


def _refusal(text: str, matcher: Matcher) -> tuple[str, str] | None:
    """The path and the reason where a text leaves the grammar; None where it is a whole output."""
    data = text.encode("utf-8", "surrogatepass")
    try:
        for byte in data:
            matcher.accept(byte)
    except TokenRejected:
        at = len(matcher.output)
    else:
        return None if matcher.may_end else (_path(data), "the grammar does not let it end there")
    rest = data[at : at + _SHOWN].decode("utf-8", "replace")
    before = data[max(0, at - _SHOWN) : at].decode("utf-8", "replace")
    allowed = bytes(matcher.mask().nonzero()[0].tolist()).decode("utf-8", "replace")
    expected = f"one of {allowed[:_SHOWN]!r}" if len(allowed) > 1 else repr(allowed)
    return _path(data[:at]), f"after {before!r} the grammar expects {expected}, not {rest!r}"


def _ignored(given: Any, kept: Any) -> str | None:
    """The pointer of a member that validation has dropped."""
    if isinstance(given, dict) and isinstance(kept, dict):
        lost = [key for key in given if key not in kept]
        if len(given) > len(kept) and lost:  # as many members under other names are none the less there
            return json_pointer((lost[0],))
        steps: list[tuple[str | int, Any, Any]] = [(key, given[key], kept[key]) for key in given if key in kept]
    elif isinstance(given, list) and isinstance(kept, list):
        steps = [(index, *pair) for index, pair in enumerate(zip(given, kept, strict=False))]
    else:
        return None
    for step, one, other in steps:
        below = _ignored(one, other)
        if below is not None:
            return json_pointer((step,)) + below
    return None


def _path(data: bytes) -> str:
    return json_pointer(Tracker().feed(data).path)
