"""A run's events become objects in document order, whatever order they come in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from engine.decoding.scheduler import Event
from engine.errors import DeadEnd, EmptyDocument, ExtractionFailed
from engine.extraction.extraction import Errors, Extraction, Outcome, Stats


def extraction(events: Iterable[Event], *, many: bool = True, errors: Errors = "raise") -> Extraction[Any]:
    return Extraction(iter(events), json.loads, Stats(), many=many, errors=errors)


def failure(document: int) -> DeadEnd:
    return DeadEnd(document, b"", "nothing goes on")


def test_objects_come_as_their_last_byte_comes() -> None:
    seen: list[bytes] = []

    def events() -> Iterator[Event]:
        for piece in (b'[{"a": 1', b"}", b', {"a": "}]', b'"}', b"]"):
            seen.append(piece)
            yield Event(0, piece)
        yield Event(0, finish="complete")

    objects = extraction(events())
    assert next(objects) == {"a": 1}
    assert seen == [b'[{"a": 1', b"}"]
    assert next(objects) == {"a": "}]"}
    assert seen[-1] == b'"}'
    assert list(objects) == []


def test_objects_of_a_later_document_wait_for_the_documents_before_it() -> None:
    events = [
        Event(1, b"[10]"),
        Event(1, finish="complete"),
        Event(0, b"[1, "),
        Event(2, b"[20]", finish="complete"),
        Event(0, b"2]"),
        Event(0, finish="budget"),
    ]
    run = extraction(events)
    assert [(found.document, found.value) for found in run.detailed()] == [(0, 1), (0, 2), (1, 10), (2, 20)]
    assert run.outcomes == [Outcome(0, "budget"), Outcome(1, "complete"), Outcome(2, "complete")]
    assert run.stats.objects == 4


def test_error_of_one_document_is_raised_after_the_others_are_done() -> None:
    error = failure(0)
    run = extraction([Event(0, b"[1, "), Event(0, error=error), Event(1, b"[2]", finish="complete")])
    taken: list[Any] = []
    with pytest.raises(DeadEnd) as raised:
        taken.extend(run)
    assert raised.value is error
    assert taken == [1, 2]


def test_errors_of_several_documents_are_raised_together() -> None:
    run = extraction([Event(0, error=failure(0)), Event(1, b"[2]", finish="complete"), Event(2, error=failure(2))])
    assert next(run) == 2
    with pytest.raises(ExtractionFailed) as raised:
        next(run)
    assert sorted(raised.value.errors) == [0, 2]


def test_collected_errors_are_not_raised() -> None:
    run = extraction([Event(0, error=failure(0)), Event(1, b"[2]", finish="complete")], errors="collect")
    assert list(run) == [2]
    assert list(run.errors) == [0]


def test_empty_document_has_no_objects_and_no_error() -> None:
    run = extraction([Event(0, error=EmptyDocument()), Event(1, b"[2]", finish="complete")])
    assert list(run) == [2]
    assert run.outcomes == [Outcome(0, "complete"), Outcome(1, "complete")]


def test_single_value_is_read_when_the_output_ends() -> None:
    run = extraction([Event(0, b"1"), Event(0, b"2"), Event(0, finish="complete")], many=False)
    assert list(run) == [12]


def test_closing_ends_the_events_and_the_objects() -> None:
    closed = []

    def events() -> Iterator[Event]:
        try:
            yield Event(0, b"[1, 2")
            yield Event(0, b", 3]", finish="complete")
        finally:
            closed.append(True)

    run = extraction(events())
    assert next(run) == 1
    run.close()
    assert closed == [True]
    assert list(run) == []
