"""Manifest: what a job is, and how far it is known to be safe, in a file beside its output.

It is written whole before the first record and at each checkpoint. `fingerprint` is the job spec's, by which a job that
is started again recognises itself; `input` is what was read; `atomic_file` is how many bytes of the output are on the
disk for sure; `counts` and `sha256` are of the whole output, and there at the end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from engine.errors import JobDiffers, OutputDamaged
from engine.jobs.atomic_file import write_atomically
from engine.jobs.job_spec import Fingerprint
from engine.jobs.lock import beside
from engine.jobs.record import Record, RecordedOutcome

FORMAT = 1
JobState = Literal["running", "stopped", "complete"]


@dataclass(slots=True)
class Counts:
    """`objects` are those of all documents, `budget` the documents whose output was closed early, `loop` those with values that
    were ended because they repeated themselves."""

    documents: int = 0
    complete: int = 0
    budget: int = 0
    loop: int = 0
    errors: int = 0
    objects: int = 0
    prompt_tokens: int = 0

    def add(self, found: Record | RecordedOutcome) -> None:
        self.documents += 1
        self.objects += len(found.objects)
        self.prompt_tokens += found.prompt_tokens
        if found.error is not None:
            self.errors += 1
        elif found.finish == "budget":
            self.budget += 1
        elif found.finish == "loop":
            self.loop += 1
        else:
            self.complete += 1


@dataclass(slots=True)
class Manifest:
    """`documents` and `digest` of the input are None before they are known; `schema` is what the user named. `spec` and
    `source` are what a later verification needs to read and decode documents again. `again` has for each retry the
    kinds of records that it decoded again (`where`) and its `spec`, which may have other bounds than the job's."""

    fingerprint: Fingerprint
    schema: str = ""
    spec: Fingerprint = field(default_factory=dict)
    source: dict[str, Any] = field(default_factory=dict)
    documents: int | None = None
    digest: str | None = None
    state: JobState = "running"
    durable: int = 0
    counts: Counts = field(default_factory=Counts)
    sha256: str | None = None
    backend: str | None = None
    started: str = field(default_factory=lambda: _now())
    seconds: float = 0.0
    again: list[dict[str, Any]] = field(default_factory=list)

    def save(self, output: Path) -> None:
        """Write it beside the output."""
        members = {"format": FORMAT, **asdict(self), "updated": _now()}
        text = json.dumps(members, ensure_ascii=False, indent=2)
        write_atomically(manifest_path(output), text.encode() + b"\n")

    def refuse_others(self, facts: Fingerprint, output: Path, *, but: Collection[str] = ()) -> None:
        """`JobDiffers` where the facts are not these, but for some that may be others."""
        names = dict.fromkeys((*self.fingerprint, *facts))
        differing = tuple(
            (name, _short(self.fingerprint.get(name)), _short(facts.get(name)))
            for name in names
            if name not in but and self.fingerprint.get(name) != facts.get(name)
        )
        if differing:
            raise JobDiffers(output, differing)


def manifest_path(output: Path) -> Path:
    """Where the manifest of an output is."""
    return beside(output, ".manifest.json")


def certificate_path(output: Path) -> Path:
    """Where the certificate of an output is."""
    return beside(output, ".certificate.json")


def read_manifest(output: Path) -> Manifest | None:
    """The manifest beside an output; None where there is none."""
    path = manifest_path(output)
    try:
        members = json.loads(path.read_bytes())
        if members.pop("format") != FORMAT:
            raise OutputDamaged(path, None, "was written by another version of the engine")
        del members["updated"]
        return Manifest(**{**members, "counts": Counts(**members["counts"])})
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OutputDamaged(path, None, f"cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutputDamaged(path, None, "is not the manifest of a job") from error


def _short(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value):
        return f"{value[:12]}…"  # a digest
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
