"""Batch: documents in, one result for each, whatever happens to it.

Where an extraction gives objects as they are decoded, a batch gives a document's whole outcome when it is over: all its
objects, or the error that ended it. The error of one document is a value; only what ends the run (a failure of llama.cpp,
an exception of the iterable) is raised. A text that does not fit is cut into chunks if that was asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.decoding.scheduler import Event, Request
from engine.errors import EngineError
from engine.extraction.chunks import Chunk, cut, merge
from engine.extraction.document import Document, Result
from engine.extraction.extraction import Extracted
from engine.objects.cutter import Cutter

Prepare = Callable[[int, "Part"], Request]


@dataclass(frozen=True, slots=True)
class Binding:
    """What a batch needs of an extractor: `request` makes what is to be decoded out of a text and the key of its draws."""

    request: Callable[[str, str], Request]
    decode: Callable[[Iterable[Part], Prepare], Generator[Event, None, None]]
    tokenize: Callable[[bytes], Sequence[int]]
    pieces: Sequence[bytes]
    read: Callable[[bytes], Any]
    many: bool


@dataclass(slots=True)
class Part:
    """One prompt's worth of a document."""

    document: _Open
    number: int
    text: str


@dataclass(slots=True)
class _Open:
    """A document that is not over. By part: its objects, how it finished."""

    place: int
    document: Document
    taken: float
    error: EngineError | None = None
    chunks: list[Chunk] = field(default_factory=list)
    cutters: dict[int, Cutter] = field(default_factory=dict)
    objects: list[list[Extracted[Any]]] = field(default_factory=list)
    finishes: list[str | None] = field(default_factory=list)
    unfinished: int = 1
    prompt_tokens: int = 0
    begun: float | None = None


class Batch:
    """One pass over `documents`. `chunk` is the most tokens of a text in one prompt, None cuts nothing.

    `taken` and `begun` are told the document's place when it is pulled and when its decoding begins.
    """

    def __init__(
        self,
        binding: Binding,
        documents: Iterable[Document],
        *,
        chunk: int | None = None,
        taken: Callable[[int], None] | None = None,
        begun: Callable[[int], None] | None = None,
    ) -> None:
        self._binding = binding
        self._documents = documents
        self._chunk = chunk
        self._taken, self._begun = taken, begun
        self._parts: dict[int, Part] = {}

    def in_order(self) -> Iterator[Result]:
        """The results in the order of the documents."""
        waiting: dict[int, Result] = {}
        turn = 0
        for place, result in self.as_done():
            waiting[place] = result
            while turn in waiting:
                yield waiting.pop(turn)
                turn += 1

    def as_done(self) -> Iterator[tuple[int, Result]]:
        """The results with the places of their documents, each when it is there."""
        events = self._binding.decode(self._pieces(), self._prepare)
        try:
            for event in events:
                part = self._parts[event.document]
                self._apply(event, part)
                if event.finish is not None or event.error is not None:
                    del self._parts[event.document]
                    part.document.unfinished -= 1
                    if part.document.unfinished == 0:
                        yield part.document.place, self._result(part.document)
        finally:
            events.close()

    def _pieces(self) -> Iterator[Part]:
        for place, document in enumerate(self._documents):
            if self._taken is not None:
                self._taken(place)
            open_ = _Open(place, document, time.perf_counter())
            open_.error = document.trouble
            open_.chunks = [Chunk(0, 0, document.text)]
            if self._chunk is not None and open_.error is None:
                open_.chunks = cut(document.text, self._chunk, self._binding.tokenize, self._binding.pieces)
            open_.unfinished = len(open_.chunks)
            open_.objects = [[] for _ in open_.chunks]
            open_.finishes = [None for _ in open_.chunks]
            for number, chunk in enumerate(open_.chunks):
                yield Part(open_, number, chunk.text)

    def _prepare(self, index: int, part: Part) -> Request:
        """The request of a part; one of a document that has failed already is not decoded."""
        self._parts[index] = part
        open_ = part.document
        if open_.error is not None:
            raise open_.error
        request = self._binding.request(part.text, f"{open_.document.key}/{part.number}")
        open_.prompt_tokens += len(request.prompt)
        return request

    def _apply(self, event: Event, part: Part) -> None:
        open_ = part.document
        if open_.begun is None and event.error is None:
            open_.begun = time.perf_counter()
            if self._begun is not None:
                self._begun(open_.place)
        if event.error is not None:
            open_.error = open_.error or event.error
        if open_.error is not None:
            return
        cutter = open_.cutters.setdefault(part.number, Cutter(many=self._binding.many))
        texts = list(cutter.feed(event.data)) if event.data else []
        if event.finish is not None:
            texts += cutter.end()
            open_.finishes[part.number] = event.finish
            del open_.cutters[part.number]
        try:
            found = [Extracted(self._binding.read(text), open_.place, text.decode()) for text in texts]
            open_.objects[part.number] += found
        except EngineError as error:
            open_.error = error

    def _result(self, open_: _Open) -> Result:
        started = open_.taken if open_.begun is None else open_.begun
        result = Result(
            open_.document.id,
            chunks=len(open_.chunks),
            prompt_tokens=open_.prompt_tokens,
            seconds=time.perf_counter() - started,
        )
        if open_.error is not None:
            return replace(result, error=open_.error)
        places = merge(open_.chunks, [[one.text for one in found] for found in open_.objects])
        objects = tuple(open_.objects[chunk][place] for chunk, place in places)
        return replace(result, objects=objects, finish="budget" if "budget" in open_.finishes else "complete")
