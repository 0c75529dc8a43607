"""Tracker: where values of a JSON text start, how deep they lie and which keys their objects have had.

JSON is lexically deterministic, so the bytes alone tell, whatever alternatives a grammar still has open. A tracker is
immutable; `feed` gives the next one in O(bytes), however long the text is. Guards read the value that has just closed, objects
are cut out of the stream, outputs are bounded in depth and paths of bytes are known by the same mechanism. It assumes valid
JSON, since a mask let it through.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace

from engine.automaton.growing_text import GrowingText

_BETWEEN, _STRING, _ESCAPE, _SCALAR = range(4)
_BLANK = frozenset(b" \t\n\r")
_SCALAR_ENDS = frozenset(b",]} \t\n\r")
_STRING_END = re.compile(rb'["\\]')


@dataclass(frozen=True, slots=True)
class Container:
    """An open array or object. `keys` are decoded; `index` counts finished or begun items; `at_key`: a key comes next."""

    is_object: bool
    start: int
    outer: Container | None
    depth: int
    keys: tuple[str, ...] = ()
    index: int = 0
    at_key: bool = False


@dataclass(frozen=True, slots=True)
class Tracker:
    """`text` is all bytes so far. `closed` is the (start, end) of the value or key that closed last, `repeated` whether
    it was a key that its object already had. `finished` are the spans of the items of the outermost array that closed
    during the last `feed`, `items_end` is where the last of all its items ended, 0 before there is one."""

    text: GrowingText = field(default=GrowingText(), compare=False, repr=False)
    container: Container | None = None
    mode: int = _BETWEEN
    start: int = 0
    closed: tuple[int, int] = (0, 0)
    repeated: bool = False
    finished: tuple[tuple[int, int], ...] = ()
    items_end: int = 0

    def feed(self, data: bytes) -> Tracker:
        """The tracker after `data`."""
        before, text = self.text.end, self.text.add(data)
        container, mode, start, closed, repeated = self.container, self.mode, self.start, self.closed, self.repeated
        finished: list[tuple[int, int]] = []
        at = 0
        while at < len(data):
            if mode == _STRING:
                found = _STRING_END.search(data, at)
                if found is None:
                    break
                at = found.end()
                if found[0] == b"\\":
                    mode = _ESCAPE
                    continue
                mode, closed, repeated = _BETWEEN, (start, before + at), False
                if container is not None and container.at_key:
                    container, repeated = _with_key(container, text.part(start, before + at))
                elif _holds_items(container):
                    finished.append(closed)
                continue
            offset, byte = before + at, data[at]
            at += 1
            if mode == _ESCAPE:
                mode = _STRING
                continue
            if mode == _SCALAR:
                if byte not in _SCALAR_ENDS:
                    continue
                mode, closed, repeated = _BETWEEN, (start, offset), False
                if _holds_items(container):
                    finished.append(closed)
            if byte == 0x22:
                mode, start = _STRING, offset
            elif byte in b"{[":
                container = _opened(container, offset, is_object=byte == 0x7B)
            elif byte in b"}]":
                assert container is not None, "more brackets close than opened"
                closed, repeated = (container.start, offset + 1), False
                container = container.outer
                if _holds_items(container):
                    finished.append(closed)
            elif byte == 0x3A:
                assert container is not None, "a colon outside an object"
                container = replace(container, at_key=False)
            elif byte == 0x2C:
                assert container is not None, "a comma outside a container"
                container = replace(container, index=container.index + 1, at_key=container.is_object)
            elif byte not in _BLANK:
                mode, start = _SCALAR, offset
        items_end = finished[-1][1] if finished else self.items_end
        return Tracker(text, container, mode, start, closed, repeated, tuple(finished), items_end)

    @property
    def end(self) -> int:
        """How many bytes there are."""
        return self.text.end

    @property
    def output(self) -> bytes:
        """All bytes so far."""
        return self.text.part(0)

    @property
    def value(self) -> bytes:
        """The text of the value that has closed here; a number or word that has not met its end yet counts as closed."""
        return self.text.part(self.start) if self.mode == _SCALAR else self.text.part(*self.closed)

    @property
    def value_start(self) -> int:
        """Where that value begins."""
        return self.start if self.mode == _SCALAR else self.closed[0]

    @property
    def in_scalar(self) -> bool:
        """Whether a number or a word is being written, or has just been."""
        return self.mode == _SCALAR

    @property
    def in_string(self) -> bool:
        """Whether a string or a key is being written."""
        return self.mode in (_STRING, _ESCAPE)

    @property
    def in_escape(self) -> bool:
        """Whether the byte before was a backslash in a string."""
        return self.mode == _ESCAPE

    @property
    def items(self) -> tuple[int, bytes]:
        """Where the innermost array begins, and its text up to the item that has closed, as if it ended there."""
        assert self.container is not None, "an item stands in an array"
        return self.container.start, self.text.part(self.container.start) + b"]"

    @property
    def open_key(self) -> bytes | None:
        """The text so far of a key that is being written, with its opening quote; None outside keys."""
        in_key = self.mode == _STRING and self.container is not None and self.container.at_key
        return self.text.part(self.start) if in_key else None

    def spelled_keys(self) -> list[bytes]:
        """The keys that the innermost object has, canonically spelled."""
        keys = self.container.keys if self.container is not None else ()
        return [json.dumps(key, ensure_ascii=False).encode("utf-8", "surrogatepass") for key in keys]

    @property
    def depth(self) -> int:
        return self.container.depth if self.container else 0

    @property
    def path(self) -> tuple[str | int, ...]:
        """Keys and indices that lead to the value at the end of the output."""
        steps: list[str | int] = []
        here = self.container
        while here is not None:
            if here.is_object:
                if here.keys and not here.at_key:
                    steps.append(here.keys[-1])
            else:
                steps.append(here.index)
            here = here.outer
        return tuple(reversed(steps))


def _opened(outer: Container | None, start: int, *, is_object: bool) -> Container:
    return Container(is_object, start, outer, outer.depth + 1 if outer else 1, at_key=is_object)


def _with_key(container: Container, spelled: bytes) -> tuple[Container, bool]:
    """The object with one key more, and whether it had that already."""
    key = json.loads(spelled)
    return replace(container, keys=(*container.keys, key)), key in container.keys


def _holds_items(container: Container | None) -> bool:
    """Whether this is the outermost array."""
    return container is not None and container.depth == 1 and not container.is_object
