"""Reported: the records of a job with their documents' texts, for a report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from engine.jobs.record import object_texts
from engine.jobs.selection import lines_with_texts
from engine.report.report_document import ReportDocument


def reported_documents(output: Path) -> Iterator[ReportDocument]:
    """One for each record of a job's output, with its text where the input is still there; raises as `lines_with_texts` does."""
    for line, text in lines_with_texts(output):
        row = json.loads(line.data)
        error = line.record.error
        yield ReportDocument(
            line.record.id,
            text,
            object_texts(line.data) or (),
            row.get("spans", {}),
            row.get("confidence", {}),
            line.record.cut,
            line.record.finish,
            None if error is None else (error["type"], error["message"]),
        )
