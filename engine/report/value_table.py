"""Value table: the values of some objects as HTML for a notebook, each with its place and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from engine.report.report_document import ReportDocument


def value_table(document: ReportDocument) -> str:
    """A table of all values; what stands in a document is text in it, never HTML."""
    rows = [("field", "value", "place", "")]
    for pointer, _, value in document.leaves():
        span = document.spans.get(pointer)
        place = "" if span is None else f"{span[0]}–{span[1]}"
        name = pointer[1:] if len(document.objects) > 1 else pointer.partition("/")[2].partition("/")[2]
        rows.append(
            (name or "value", "–" if value is None else str(value), place, ", ".join(flaws(document, pointer, value)))
        )
    lines = [_row(row, "th" if number == 0 else "td") for number, row in enumerate(rows)]
    error = "" if document.error is None else f"<p>{escape(': '.join(document.error))}</p>"
    return f"{error}<table>{''.join(lines)}</table>" if len(rows) > 1 else error or "<p>no object</p>"


def flaws(document: ReportDocument, pointer: str, value: object, *, least: float = 0.5) -> Iterator[str]:
    """Why a value may be wrong; one that is less sure than `least` is doubtful."""
    if any(pointer == path or pointer.startswith(f"{path}/") for path in document.cut):
        yield "cut"
    if value is not None and pointer in document.spans and document.spans[pointer] is None:
        yield "not in the text"
    if document.confidence.get(pointer, 1) < least:
        yield "doubtful"


def _row(cells: tuple[str, ...], element: str) -> str:
    start = f'<{element} dir="auto" style="text-align: start">'
    return f"<tr>{''.join(f'{start}{escape(cell)}</{element}>' for cell in cells)}</tr>"
