"""Batch: documents in, one result for each, whatever happens to it.

Where an extraction gives objects as they are decoded, a batch gives a document's whole outcome when it is over: all its
objects, or the error that ended it. The error of one document is a value; only what ends the run (a failure of llama.cpp,
an exception of the iterable) is raised. A text that does not fit is cut into chunks if that was asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise
from typing import Any

from engine.decoding.scheduler import Event, Request
from engine.errors import EngineError
from engine.extraction.chunks import Chunk, merge_chunks, split_text
from engine.extraction.document import Document, Result
from engine.extraction.extraction import Extracted, ItemReader, Outcome, Pending

Prepare = Callable[[int, "PromptPart"], Request]


@dataclass(frozen=True, slots=True)
class Binding:
    """What a batch needs of an extractor: `request` makes what is to be decoded out of a part's number, a text and the key
    of its draws."""

    request: Callable[[int, str, str], Request]
    decode: Callable[[Iterable[PromptPart], Prepare], Generator[Event, None, None]]
    tokenize: Callable[[bytes], Sequence[int]]
    pieces: Sequence[bytes]
    reader: ItemReader


@dataclass(slots=True)
class PromptPart:
    """One prompt's worth of a document."""

    document: _Open
    number: int
    text: str


@dataclass(slots=True)
class _Open:
    """A document that is not over, with the output of each of its parts."""

    position: int
    document: Document
    taken: float
    error: EngineError | None = None
    chunks: list[Chunk] = field(default_factory=list)
    outputs: list[Pending] = field(default_factory=list)
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
        self._parts: dict[int, PromptPart] = {}

    def in_order(self) -> Iterator[Result]:
        """The results in the order of the documents."""
        waiting: dict[int, Result] = {}
        turn = 0
        for position, result in self.as_done():
            waiting[position] = result
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
                        yield part.document.position, self._result(part.document)
        finally:
            events.close()

    def _pieces(self) -> Iterator[PromptPart]:
        for position, document in enumerate(self._documents):
            if self._taken is not None:
                self._taken(position)
            open_ = _Open(position, document, time.perf_counter())
            open_.error = document.trouble
            open_.chunks = [Chunk(0, 0, document.text)]
            if self._chunk is not None and open_.error is None:
                open_.chunks = split_text(document.text, self._chunk, self._binding.tokenize, self._binding.pieces)
            open_.unfinished = len(open_.chunks)
            open_.outputs = [self._binding.reader.pending() for _ in open_.chunks]
            for number, chunk in enumerate(open_.chunks):
                yield PromptPart(open_, number, chunk.text)

    def _prepare(self, index: int, part: PromptPart) -> Request:
        """The request of a part; one of a document that has failed already is not decoded."""
        self._parts[index] = part
        open_ = part.document
        if open_.error is not None:
            raise open_.error
        request = self._binding.request(index, part.text, f"{open_.document.key}/{part.number}")
        open_.prompt_tokens += len(request.prompt)
        return request

    def _apply(self, event: Event, part: PromptPart) -> None:
        open_ = part.document
        if open_.begun is None and event.error is None:
            open_.begun = time.perf_counter()
            if self._begun is not None:
                self._begun(open_.position)
        if event.error is not None:
            open_.error = open_.error or event.error
        if open_.error is not None:
            return
        try:
            self._binding.reader.apply(event, open_.outputs[part.number])
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
        outcomes = [output.outcome for output in open_.outputs if output.outcome is not None]
        kept = merge_chunks(open_.chunks, [[one.text for one in output.objects] for output in open_.outputs])
        offsets = _character_offsets(open_.document.text, open_.chunks)
        found = [
            _in_document(open_.outputs[chunk].objects[position], offsets[chunk], open_.chunks[chunk].start)
            for chunk, position in kept
        ]
        cut = [f"/{index}{path}" for index, one in enumerate(found) for path in one.cut]
        if any(self._shortened(outcome.cut) for outcome in outcomes):
            cut.insert(0, "")
        return replace(
            result,
            # Of the run they knew, whose parts are not documents.
            objects=tuple(replace(one, document=open_.position) for one in found),
            finish=_finish(outcomes),
            cut=tuple(cut),
        )

    def _shortened(self, cut: tuple[str, ...]) -> bool:
        """Whether objects are missing that a larger budget would have given."""
        reader = self._binding.reader
        return bool(cut) and (reader.on_budget == "omit" or (reader.many and "" in cut))


def _character_offsets(text: str, chunks: Sequence[Chunk]) -> list[int]:
    """The character at which each chunk begins."""
    if len(chunks) == 1:
        return [0]
    data = text.encode()
    borders = [0, *(chunk.start for chunk in chunks)]
    return list(accumulate(len(data[low:high].decode()) for low, high in pairwise(borders)))


def _in_document(found: Extracted[Any], characters: int, size: int) -> Extracted[Any]:
    """What was found in a chunk, with the spans that it has in the whole text."""
    if not characters or not found.spans:
        return found
    return replace(found, spans={where: span and span.moved(characters, size) for where, span in found.spans.items()})


def _finish(outcomes: Sequence[Outcome]) -> str:
    """How a document ended whose parts ended so."""
    found = {outcome.finish for outcome in outcomes}
    return "loop" if "loop" in found else "budget" if "budget" in found else "complete"
