"""Kept results: texts and what was found in them, until a page is made of them at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.errors import TextUnreadable
from engine.extraction.extraction import Extracted, Outcome, report_document
from engine.report.report_document import ReportDocument


class KeptResults:
    """The texts of a run with their objects, in memory; with `forget`, only of documents that are not over."""

    def __init__(self, *, forget: bool = False) -> None:
        self._forget = forget
        self._texts: dict[int, str | None] = {}
        self._objects: dict[int, list[Extracted[Any]]] = {}
        self._names: dict[str, int] = {}
        self.documents: list[ReportDocument] = []

    def texts(self, documents: Iterator[str | TextUnreadable]) -> Iterator[str | TextUnreadable]:
        """The same documents, kept as they are read."""
        for index, document in enumerate(documents):
            self._texts[index] = document if isinstance(document, str) else None
            yield document

    def add(self, found: Extracted[Any]) -> None:
        self._objects.setdefault(found.document, []).append(found)

    def end(self, outcome: Outcome, name: str) -> ReportDocument:
        """All there is of a document that is over and called so; a name that comes again gets a number."""
        count = self._names[name] = self._names.get(name, 0) + 1
        found = self._objects.pop(outcome.document, [])
        document = report_document(
            name if count == 1 else f"{name} ({count})",
            self._texts.pop(outcome.document, None),
            found,
            finish=outcome.finish,
            error=outcome.error,
        )
        if not self._forget:
            self.documents.append(document)
        return document
