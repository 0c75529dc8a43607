"""Partial objects: one object while it is decoded, field by field."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from engine.decoding.scheduler import Event
from engine.extraction.extraction import ItemReader
from engine.objects.finished_part import FinishedPart

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Partial(Generic[T]):
    """`finished` is what is final so far, as JSON values: a scalar in it never changes, objects gain members and arrays items.
    `value` is the object, validated, once it is complete."""

    finished: Any
    value: T | None = None
    complete: bool = field(default=False)


def partials(events: Iterable[Event], reader: ItemReader) -> Iterator[Partial[Any]]:
    """The one object of a document's events each time that more of it is finished, and once more when it is complete."""
    pending, part = reader.pending(), FinishedPart()
    for event in events:
        reader.apply(event, pending)
        if event.data and part.feed(event.data) and event.finish is None:
            yield Partial(part.value)
        if pending.outcome is not None and pending.outcome.error is not None:
            raise pending.outcome.error
    for found in pending.objects:
        yield Partial(json.loads(found.text), found.value, complete=True)
