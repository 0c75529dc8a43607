"""Extraction: a run's events as validated objects, in document order.

Documents are decoded several at once and finish in any order; objects of a later document wait until the documents before
it are done. An error ends its own document only and is raised after the others, or collected.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Literal, TypeVar

from pydantic_core import to_json

from engine.basics.json_pointer import json_pointer
from engine.decoding.scheduler import Event
from engine.decoding.statistics import Statistics
from engine.errors import BudgetReached, EmptyDocument, EngineError, ExtractionFailed, TextsEmptied, UsageError
from engine.extraction.grounded import SourceSpan, ValueConfidence, confidences, source_spans
from engine.extraction.locked_iterator import LockedIterator
from engine.grounding.document import GroundedDocument
from engine.objects.budget_marks import ValuePath, cut_paths, emptied_paths
from engine.objects.item_splitter import ClosedItem, ItemSplitter
from engine.report.column_types import tables_library
from engine.report.html_report import write_report
from engine.report.object_table import object_table
from engine.report.report_document import ReportDocument
from engine.report.value_table import value_table

T = TypeVar("T")
Errors = Literal["raise", "collect"]
Loops = Literal["end", "keep"]
OnBudget = Literal["mark", "keep", "omit", "raise"]


@dataclass(frozen=True, slots=True)
class Extracted(Generic[T]):
    """An object (`value`) with where it comes from: the document's index, from 0, and the object's own JSON text.

    `cut` has the JSON pointers, within the object, of values that the budget changed or a loop ended ("" is all of it). `spans`
    says of each grounded value, by its JSON pointer, where it stands in the document; None: it stands nowhere. `confidence`
    says how sure it is, among the values that were considered. `thought` is what the model thought before its answer, where it
    was let.
    """

    value: T
    document: int
    text: str
    cut: tuple[str, ...] = ()
    spans: Mapping[str, SourceSpan | None] = field(default_factory=dict)
    thought: str = ""
    confidence: Mapping[str, ValueConfidence] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        return value_table(report_document(self.document, None, [self]))


def report_document(
    document_id: str | int,
    text: str | None,
    found: Sequence[Extracted[Any]],
    *,
    finish: str | None = None,
    error: EngineError | None = None,
) -> ReportDocument:
    """A document with its objects, as reports show it."""
    members = [(f"/{index}", one) for index, one in enumerate(found)]
    return ReportDocument(
        document_id,
        text,
        [one.text for one in found],
        {
            f"{at}{where}": None if span is None else (span.start, span.end)
            for at, one in members
            for where, span in one.spans.items()
        },
        {f"{at}{where}": sure.probability for at, one in members for where, sure in one.confidence.items()},
        [f"{at}{where}" for at, one in members for where in one.cut],
        finish,
        None if error is None else (type(error).__name__, str(error)),
        {f"{at}{where}": sure.others for at, one in members for where, sure in one.confidence.items()},
    )


@dataclass(slots=True)
class Outcome:
    """How a document ended: `finish` is "complete", "loop" where values that repeated themselves were ended, or "budget" where
    `max_tokens` or `max_value_tokens` changed a choice; or an error.

    `cut` has the JSON pointers, within the document's output, of what was changed: "/0/name" of the first object, "" of
    the list itself, which then has fewer objects.
    """

    document: int
    finish: str | None = None
    error: EngineError | None = None
    cut: tuple[str, ...] = ()


@dataclass(slots=True)
class Stats(Statistics):
    """`seconds_to_first_object` counts from the first pull; None before there is one."""

    objects: int = 0
    seconds_to_first_object: float | None = None


@dataclass(slots=True)
class Pending:
    """An output that has not ended, or whose turn has not come."""

    splitter: ItemSplitter
    source: GroundedDocument | None = None
    objects: list[Extracted[Any]] = field(default_factory=list)
    outcome: Outcome | None = None


class Extraction(Generic[T]):
    """An iterator over objects. Nothing is computed before the first is asked for, nor between two.

    `.stats` (objects, tokens, passes, seconds) grows while it runs. `.outcomes` has one entry for each finished document, with
    its `document` (counted from 0), `finish`, `error` and `cut`; `.errors` has their errors. The list is the caller's: who reads
    documents without end clears it (`outcomes.clear()`). `.close()`, or the end of a `with` block, ends it early. Threads may
    share it: each object goes to one of them.
    """

    def __init__(
        self,
        events: Iterator[Event],
        read: Callable[[bytes], T],
        stats: Stats,
        *,
        many: bool,
        errors: Errors,
        on_budget: OnBudget = "mark",
        sources: dict[int, GroundedDocument] | None = None,
        target: Any = None,
        texts: Sequence[Any] | None = None,
    ) -> None:
        self.stats = stats
        self._target, self._texts, self._many = target, texts, many
        self.outcomes: list[Outcome] = []
        # The run does not know the extraction: one that is forgotten is freed at once, not by the collector of cycles.
        run: _Run[T] = _Run(
            events, ItemReader(read, many, on_budget, {} if sources is None else sources), stats, self.outcomes
        )
        self._results = LockedIterator(run.results(errors))

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        return next(self._results).value

    def detailed(self) -> Iterator[Extracted[T]]:
        """The same objects, not yet taken, with their document, their text and what is cut in them."""
        return self._results

    def report(self, target: str | PathLike[str], *, title: str = "Report") -> list[Path]:
        """Write a page that shows the objects, not yet taken, in their texts; gives its files, several for very many texts. They
        must have been given as one text or a list: `UsageError` where they were not, `OutputFailed` where the file cannot be."""
        if self._texts is None:
            raise UsageError("a report shows the texts, which an iterator gives once only: give a list of them")
        found: dict[int, list[Extracted[Any]]] = {}
        for one in self.detailed():
            found.setdefault(one.document, []).append(one)
        ended = {outcome.document: outcome for outcome in self.outcomes}
        documents = [
            report_document(
                index,
                text if isinstance(text, str) else None,
                found.get(index, []),
                finish=ended[index].finish if index in ended else None,
                error=ended[index].error if index in ended else None,
            )
            for index, text in enumerate(self._texts)
        ]
        return write_report(documents, Path(target), title=title, many=self._many)

    def to_arrow(self) -> Any:
        """The objects, not yet taken, as a `pyarrow.Table`: columns from the type, named as the JSON's members are. `UsageError`
        where pyarrow is not installed (extra `[tables]`), or a value has no place in its column."""
        return object_table((to_json(found.value, by_alias=True) for found in self.detailed()), self._target)

    def to_pandas(self) -> Any:
        """The same as a `pandas.DataFrame` of Arrow's types, which keep dates, decimals, lists and missing whole numbers."""
        pandas = tables_library("pandas")
        return self.to_arrow().to_pandas(types_mapper=pandas.ArrowDtype)

    def to_polars(self) -> Any:
        """The same as a `polars.DataFrame`."""
        return tables_library("polars").from_arrow(self.to_arrow())

    def close(self) -> None:
        """End early; what is in work is given up."""
        self._results.close()

    def __enter__(self) -> Extraction[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def errors(self) -> dict[int, EngineError]:
        """The errors so far, by document."""
        return errors_of(self.outcomes)


def errors_of(outcomes: list[Outcome]) -> dict[int, EngineError]:
    """The errors by the number of their document."""
    return {outcome.document: outcome.error for outcome in outcomes if outcome.error is not None}


@dataclass(slots=True)
class _Run(Generic[T]):
    events: Iterator[Event]
    reader: ItemReader
    stats: Stats
    outcomes: list[Outcome]
    given_up: set[int] = field(default_factory=set)  # documents that failed here while they are still being decoded
    failed: dict[int, EngineError] = field(default_factory=dict)  # to be raised at the end

    def results(self, errors: Errors) -> Generator[Extracted[T], None, None]:
        started = time.perf_counter()
        try:
            for result in self._ordered(keep=errors == "raise"):
                self.stats.objects += 1
                if self.stats.seconds_to_first_object is None:
                    self.stats.seconds_to_first_object = time.perf_counter() - started
                yield result
        finally:
            if isinstance(self.events, Generator):
                self.events.close()
        failed = self.failed
        if failed:
            raise next(iter(failed.values())) if len(failed) == 1 else ExtractionFailed(failed)

    def _ordered(self, *, keep: bool) -> Iterator[Extracted[T]]:
        pending: dict[int, Pending] = {}
        turn = 0
        for event in self.events:
            if event.document in self.given_up:
                continue
            document = pending.setdefault(event.document, self.reader.pending())
            self._apply(event, document)
            while turn in pending:
                here = pending[turn]
                yield from here.objects
                here.objects.clear()
                if here.outcome is None:
                    break
                self.outcomes.append(here.outcome)
                if keep and here.outcome.error is not None:
                    self.failed[turn] = here.outcome.error
                del pending[turn]
                turn += 1

    def _apply(self, event: Event, document: Pending) -> None:
        try:
            self.reader.apply(event, document)
        except EngineError as error:
            document.outcome = Outcome(event.document, error=error)
            self.given_up.add(event.document)


@dataclass(frozen=True, slots=True)
class ItemReader:
    """Events of one output as objects; `read` makes an object out of its text."""

    read: Callable[[bytes], Any]
    many: bool
    on_budget: OnBudget
    sources: dict[int, GroundedDocument] = field(default_factory=dict)  # of documents that are in work

    def pending(self) -> Pending:
        """An output of which nothing is there."""
        return Pending(ItemSplitter(many=self.many))

    def apply(self, event: Event, document: Pending) -> None:
        """Add what an event brings. An error of the engine that this raises ends the document."""
        if document.source is None:
            document.source = self.sources.get(event.document)
        if event.finish is not None or event.error is not None:
            self.sources.pop(event.document, None)
        closed = list(document.splitter.feed(event.data)) if event.data else []
        if event.finish is not None:
            closed += document.splitter.end()
        if isinstance(event.error, EmptyDocument):
            document.outcome = Outcome(event.document, "complete")
        elif event.finish is not None or event.error is not None:
            cut = tuple(map(json_pointer, self._changed(event, document)))
            document.outcome = Outcome(event.document, event.finish, event.error, cut)
        for item in closed:
            self._add(item, event, document)
        if event.finish in ("budget", "loop"):
            self._refuse_cut(event, document)

    def _add(self, item: ClosedItem, event: Event, document: Pending) -> None:
        within = [cut for cut in event.cuts if cut <= item.closes]
        output = document.splitter.output[: item.end] if within else b""
        cut = self._of_item(item, dict.fromkeys((*cut_paths(output, within), *event.loops)))
        if cut and self.on_budget in ("omit", "raise"):
            self._refuse_cut(event, document)
            return  # omitted
        emptied = emptied_paths(output, within) if cut and self.on_budget == "mark" else ()
        if self._of_item(item, emptied):
            raise TextsEmptied(event.document, tuple(map(json_pointer, emptied)))
        text = document.splitter.text(item)
        path = (item.number,) if self.many else ()
        spans: Mapping[str, SourceSpan | None] = {}
        sure: Mapping[str, ValueConfidence] = {}
        if document.source is not None:
            spans = source_spans(document.source, document.splitter.output, path)
            sure = confidences(document.source, document.splitter.output, path)
        document.objects.append(
            Extracted(self.read(text), event.document, text.decode(), cut, spans, event.thought, sure)
        )

    def _changed(self, event: Event, document: Pending) -> tuple[ValuePath, ...]:
        """The paths of what the budget changed, and of the values that a loop ended."""
        cut = cut_paths(document.splitter.output, event.cuts) if event.cuts else ()
        return tuple(dict.fromkeys((*cut, *event.loops)))

    def _of_item(self, item: ClosedItem, paths: Iterable[ValuePath]) -> tuple[str, ...]:
        """The pointers of what lies in an item, from the item on."""
        if not self.many:
            return tuple(map(json_pointer, paths))
        return tuple(json_pointer(path[1:]) for path in paths if path[:1] == (item.number,))

    def _refuse_cut(self, event: Event, document: Pending) -> None:
        if self.on_budget == "raise":
            paths = tuple(map(json_pointer, self._changed(event, document)))
            raise BudgetReached(event.document, paths, cause="max_tokens" if event.cuts else "the end of a loop")
