"""Input digest: what an input holds, before anything is decoded, and whether it is still the same.

A file is read once from end to end before the job begins, so that a bad row or an id that comes twice is known at once,
and not after a night. Ids are compared on the disk: memory does not grow with the job. A stream that can be read once is
checked while it is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from engine.errors import InputInvalid
from engine.jobs.disk_set import DiskSet
from engine.jobs.source import Source, SourceEntry


@dataclass(frozen=True, slots=True)
class InputDigest:
    """How many documents there are, and a digest of all ids and texts in their order."""

    documents: int
    digest: str


class RunningDigest:
    """The digest of what was read so far."""

    def __init__(self) -> None:
        self._documents = 0
        self._state = hashlib.sha256()

    def add(self, entry: SourceEntry) -> None:
        self._documents += 1
        self._state.update(json.dumps([entry.document.id, entry.digest]).encode() + b"\n")

    @property
    def result(self) -> InputDigest:
        return InputDigest(self._documents, self._state.hexdigest())


def digest_input(source: Source) -> InputDigest:
    """Read the whole source once; `InputInvalid` names what cannot be a job's input."""
    running = RunningDigest()
    for entry in distinct_ids(source.read()):
        running.add(entry)
    return running.result


def distinct_ids(entries: Iterator[SourceEntry]) -> Iterator[SourceEntry]:
    """The same entries; `InputInvalid` at an id that was there before. `1` and `"1"` are one id."""
    with DiskSet() as names:
        for entry in entries:
            name = str(entry.document.id)
            if (location := names.add(name, entry.location)) is not None:
                raise InputInvalid(
                    entry.location, f"the id {name!r} is that of {location}; each document needs one of its own"
                )
            yield entry
