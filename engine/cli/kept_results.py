"""Kept results: texts and what was found in them, until a page is made of them at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.errors import TextUnreadable
from engine.extraction.extraction import Extracted, Outcome
from engine.report.report_document import ReportDocument


class KeptResults:
    """All texts of a run with their objects, in memory."""

    def __init__(self) -> None:
        self._texts: list[str | None] = []
        self._objects: dict[int, list[Extracted[Any]]] = {}
        self._outcomes: dict[int, tuple[Outcome, str]] = {}

    def texts(self, documents: Iterator[str | TextUnreadable]) -> Iterator[str | TextUnreadable]:
        """The same documents, kept as they are read."""
        for document in documents:
            self._texts.append(document if isinstance(document, str) else None)
            yield document

    def add(self, found: Extracted[Any]) -> None:
        self._objects.setdefault(found.document, []).append(found)

    def end(self, outcome: Outcome, name: str) -> None:
        """How a document ended, and what it is called."""
        self._outcomes[outcome.document] = (outcome, name)

    def documents(self) -> Iterator[ReportDocument]:
        """What there is, in the order of the texts; a document that was not finished has a number for a name."""
        names: dict[str, int] = {}
        for index, text in enumerate(self._texts):
            outcome, name = self._outcomes.get(index, (Outcome(index), str(index)))
            names[name] = names.get(name, 0) + 1
            found = self._objects.get(index, [])
            spans = {
                f"/{at}{where}": None if span is None else (span.start, span.end)
                for at, one in enumerate(found)
                for where, span in one.spans.items()
            }
            cut = [f"/{at}{where}" for at, one in enumerate(found) for where in one.cut]
            error = None if outcome.error is None else (type(outcome.error).__name__, str(outcome.error))
            yield ReportDocument(
                name if names[name] == 1 else f"{name} ({names[name]})",
                text,
                [one.text for one in found],
                spans,
                cut=cut,
                finish=outcome.finish,
                error=error,
            )
