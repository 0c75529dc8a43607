"""Marked text: a document in the terminal with the spans of its values in colour, and its values below."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from engine.extraction.extraction import Extracted
from engine.report.report_document import ReportDocument
from engine.report.value_table import flaws

_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "red")


class MarkedTexts:
    """Prints documents; a field has one colour in all of them."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console()
        self._colours: dict[str, str] = {}

    def write(self, result: Extracted[Any], source: str) -> None:
        """Nothing: an object is shown with its document, when that is over."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def show(self, document: ReportDocument) -> None:
        """Print one document whole."""
        self.console.rule(Text(harmless(str(document.id))), align="left")
        for part in self._parts(document):
            self.console.print(part)

    def _parts(self, document: ReportDocument) -> Iterator[RenderableType]:
        leaves = list(document.leaves())
        text = Text(harmless(document.text or ""))
        # The longest first, so that a span inside another is seen.
        spans = [(document.spans.get(pointer), name) for pointer, name, _ in leaves]
        for span, name in sorted(spans, key=lambda one: -(one[0][1] - one[0][0]) if one[0] else 0):
            if span:
                text.stylize(f"{self._colour(name)} reverse", span[0], span[1])
        yield text
        if document.error is not None:
            yield Text(f"{document.error[0]}: {document.error[1]}", style="red")
        if leaves:
            yield self._table(document, leaves)

    def _table(self, document: ReportDocument, leaves: list[tuple[str, str, object]]) -> Table:
        table = Table("field", "value", "place", "sure", "else", "", box=None, pad_edge=False, header_style="dim")
        for pointer, name, value in leaves:
            span, sure = document.spans.get(pointer), document.confidence.get(pointer)
            table.add_row(
                Text(harmless(pointer[1:]), style=self._colour(name)),
                Text("–" if value is None else harmless(str(value))),
                "" if span is None else f"{span[0]}–{span[1]}",
                "" if sure is None else f"{sure:.0%}",
                Text(harmless(_instead(document, pointer)), style="dim"),
                Text(", ".join(flaws(document, pointer, value)), style="red"),
            )
        return table

    def _colour(self, name: str) -> str:
        return self._colours.setdefault(name, _COLOURS[len(self._colours) % len(_COLOURS)])


def _instead(document: ReportDocument, pointer: str) -> str:
    """What the model would have said else, and how probably."""
    return ", ".join(f"{text} {sure:.0%}" for text, sure in document.others.get(pointer, ())[:2])


def harmless(text: str) -> str:
    """As long as before, without control characters: the terminal must not do what a document says."""
    return "".join(one if one.isprintable() or one in "\n\t" else "\ufffd" for one in text)
