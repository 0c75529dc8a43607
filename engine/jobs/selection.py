"""Selection: the records of a job that are worth a look, or are to be decoded again.

A kind names what makes a record one of them: `error` where the document ended in an error, `budget` where `max_tokens`
changed what was written, `loop` where a value was ended because it repeated itself, `doubtful` where a grounded value is less
sure than `DOUBTFUL_BELOW`, or than the number in `doubtful:0.8`. Out: the records of some kinds, with their documents' texts
where the input is still there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, repeat
from pathlib import Path
from types import MappingProxyType

from engine.errors import UsageError
from engine.jobs.job_files import resolve_output
from engine.jobs.ledger import Line, read_ledger
from engine.jobs.manifest import manifest_path, read_manifest
from engine.jobs.record import Record
from engine.jobs.source import SourceEntry, source_of

SELECTIONS: Mapping[str, Callable[[Record], bool]] = MappingProxyType(
    {
        "error": lambda record: record.error is not None,
        "budget": lambda record: record.error is None and record.finish == "budget",
        "loop": lambda record: record.error is None and record.finish == "loop",
    }
)

DOUBTFUL = "doubtful"
DOUBTFUL_BELOW = 0.5


def read_kinds(text: str) -> tuple[str, ...]:
    """The kinds in `error,budget`; `UsageError` names one that is none."""
    kinds = tuple(dict.fromkeys(kind.strip() for kind in text.split(",")))
    for kind in kinds:
        if kind not in SELECTIONS and _least(kind) is None:
            known = ", ".join((*SELECTIONS, DOUBTFUL, f"{DOUBTFUL}:0.8"))
            raise UsageError(f"--where takes {known}, with commas between several, not {kind!r}")
    return kinds


def is_selected(record: Record, kinds: Iterable[str]) -> bool:
    """Whether the record is of any of the kinds."""
    return any(SELECTIONS[kind](record) if kind in SELECTIONS else _is_doubtful(record, kind) for kind in kinds)


def _least(kind: str) -> float | None:
    """How sure a value must be not to be doubtful; None where the kind is another one."""
    name, separator, number = kind.partition(":")
    if name != DOUBTFUL:
        return None
    try:
        least = float(number) if separator else DOUBTFUL_BELOW
    except ValueError:
        return None
    return least if 0 <= least <= 1 else None


def _is_doubtful(record: Record, kind: str) -> bool:
    least = _least(kind)
    return least is not None and any(sure < least for sure in record.confidence.values())


def selected_lines(output: Path, kinds: Iterable[str]) -> Iterator[bytes]:
    """The lines of a job's output that are of one of the kinds, each with `text` as one member more, as `lines_with_texts`."""
    for line, text in lines_with_texts(output):
        if is_selected(line.record, kinds):
            member = json.dumps(text, ensure_ascii=False).encode("utf-8", "replace")
            yield line.data.rstrip(b"\n").removesuffix(b"}") + b', "text": ' + member + b"}\n"


def lines_with_texts(output: Path) -> Iterator[tuple[Line, str | None]]:
    """The lines of a job's output with their documents' texts: None where the input is gone, was a stream, or is another one
    now. `UsageError` where the output is not a job's."""
    output = resolve_output(output)
    manifest = read_manifest(output)
    if manifest is None:
        raise UsageError(f"{manifest_path(output)} is not there: {output} is not the output of a job")
    source = source_of(manifest.source)
    entries: Iterator[SourceEntry | None] = chain(source.read() if source is not None else (), repeat(None))
    for line, entry in zip(read_ledger(output, manifest.durable), entries, strict=False):
        known = entry is not None and (entry.document.id, entry.digest) == (line.record.id, line.record.input)
        yield line, entry.document.text if known and entry is not None else None
