"""Job: a source, a job spec and an output, run to the end or to where it is stopped.

The output is a ledger in the order of the input, so a job that is started again reads it along with its input, sees that
both still agree, and goes on behind the last line. `retry` writes a second ledger beside it, with the good lines as they are
and the others decoded again, which takes the first one's place when it is whole: at no moment is a record missing or there
twice. `limit` ends a run early, as a trial; a later run goes on behind it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, Protocol

from engine.basics.replacing import sync_folder
from engine.errors import InputChanged, JobError, OutputDamaged, UsageError
from engine.jobs import atomic_file
from engine.jobs.input_digest import InputDigest, RunningDigest, digest_input, distinct_ids
from engine.jobs.job_files import refuse_collisions, resolve_output, retry_path
from engine.jobs.job_spec import Identity, JobSpec, identify
from engine.jobs.ledger import Ledger, Line, read_ledger
from engine.jobs.lock import hold_output
from engine.jobs.manifest import Counts, Manifest, certificate_path, manifest_path, read_manifest
from engine.jobs.record import Record, RecordedOutcome, line_of
from engine.jobs.selection import is_selected
from engine.jobs.source import Source, SourceEntry
from engine.jobs.worker_pool import Assignment, AssignmentResult, WorkerPool
from engine.models.progress import SILENT, Progress

# Seconds between two moments at which all lines are made durable, and between two checkpoints of the manifest.
_SYNC = 1.0
_CHECKPOINT = 5.0
# What a retry may have otherwise than the job: the bounds of a document, which may be what failed it.
_BOUNDS = ("max_tokens", "max_value_tokens", "loops", "on_budget", "max_backtracks", "n_ctx")


@dataclass(slots=True)
class JobProgress:
    """The progress of a job. `before` documents were done when this run began, `tokens` are those decoded in it."""

    total: int | None = None
    before: int = 0
    counts: Counts = field(default_factory=Counts)
    tokens: int = 0
    started: float = field(default_factory=time.monotonic)
    restarts: int = 0

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    @property
    def documents_per_second(self) -> float:
        done = self.counts.documents - self.before
        return done / self.seconds if self.seconds > 0 else 0.0


class Executor(Protocol):
    """What decodes a job's documents: worker processes here, or those of a cluster."""

    @property
    def backend(self) -> str | None: ...

    @property
    def restarts(self) -> int: ...

    @property
    def stopping(self) -> bool: ...

    def stop(self) -> None: ...

    def run(
        self, assignments: Iterator[Assignment], first: int = 0, idle: Callable[[], None] = ...
    ) -> Iterator[AssignmentResult]: ...


@dataclass(slots=True)
class Job:
    """What is to be done. `schema` is how the user named the type; `limit` is how many documents the output has at most;
    `retry` has the kinds of records that are decoded again (`selection.KINDS`). `told` hears of every record, and about once a
    second while there is none. `views` are files that will be written from the output, `reads` those that are read beside the
    source."""

    spec: JobSpec
    source: Source
    output: Path
    schema: str = ""
    workers: int = 1
    timeout: float | None = None
    restart: bool = False
    limit: int | None = None
    retry: tuple[str, ...] = ()
    views: tuple[Path, ...] = ()
    reads: tuple[Path, ...] = ()
    told: Callable[[JobProgress], None] = lambda _: None
    progress: Progress = SILENT
    make_executor: Callable[[JobSpec], Executor] | None = None
    figures: JobProgress = field(default_factory=JobProgress)
    _executor: Executor | None = None
    _stopped: bool = False

    def stop(self) -> None:
        """Finish what is in work and leave a state that can be taken up; may be called from a signal handler."""
        self._stopped = True
        if self._executor is not None:
            self._executor.stop()

    def run(self) -> Manifest:
        """Run to the end, or to where `stop` ends it; the manifest's state says which. Raises `JobError`."""
        if self.restart and self.retry:
            raise UsageError("--restart begins anew and --retry goes on; give one of them")
        if self.limit is not None and self.retry:
            raise UsageError("--retry goes through the whole output, so --limit does not go with it")
        self.output = resolve_output(self.output)
        refuse_collisions(self.output, self.source, self.views, self.reads)
        with hold_output(self.output):
            known = None if self.restart else self._finish_retry(self._known())
            self.spec = self.spec.seeded(known.fingerprint.get("seed") if known is not None else None)
            self.spec = self.spec.dated(known.fingerprint.get("date") if known is not None else None)
            if known is None:
                self._refuse_foreign()
            begun = known.spec if known is not None else None
            self.spec = self.spec.with_model(begun, here=self.make_executor is None, progress=self.progress)
            identity = identify(self.spec, self.progress)
            if known is not None:
                known.refuse_others(identity.fingerprint, self.output, but=_BOUNDS if self.retry else ())
                self._refuse_other_sample(known)
            surveyed = digest_input(self.source) if self.source.repeatable else None
            self.figures.total = self._total(surveyed)
            if self.restart:  # not before all that can be refused has been looked at
                self._forget()
            if self.retry:
                return self._retry(known, identity, surveyed)
            manifest = known or self._new(identity, surveyed)
            return self._write(self.output, manifest, surveyed, previous=None)

    @property
    def under_way(self) -> bool:
        """Whether there may be documents in work."""
        return self._executor is not None

    # -- before

    def _total(self, surveyed: InputDigest | None) -> int | None:
        if surveyed is None:
            return self.limit
        return surveyed.documents if self.limit is None else min(self.limit, surveyed.documents)

    def _refuse_other_sample(self, known: Manifest) -> None:
        then, now = known.source["sample"], self.source.sample
        if then != now:
            begun = "without --sample" if then is None else f"with --sample {then}"
            raise UsageError(f"{self.output} was begun {begun}, and those are other documents; take another output")

    def _known(self) -> Manifest | None:
        """The job that the output is of; where nothing is in it yet, any job may begin there."""
        known = read_manifest(self.output)
        if known is not None and not known.durable and not (self.output.exists() and self.output.stat().st_size):
            return None
        return known

    def _refuse_foreign(self) -> None:
        """What has no manifest was not written by a job; one that cannot be read was."""
        if not self.output.exists() or not self.output.stat().st_size:
            return
        if not self.restart:
            raise UsageError(f"{self.output} is there and was not written by a job; choose another name or delete it")
        if not manifest_path(self.output).exists():
            raise UsageError(
                f"{self.output} was not written by a job, so --restart does not touch it; delete it yourself"
            )

    def _forget(self) -> None:
        """Begin anew. The manifest goes last: until then the output is known to be a job's."""
        retry = retry_path(self.output)
        for path in (
            self.output,
            retry,
            manifest_path(retry),
            certificate_path(self.output),
            manifest_path(self.output),
        ):
            atomic_file.remove(path)

    def _finish_retry(self, known: Manifest | None) -> Manifest | None:
        """Finish the last step of a retry that was interrupted between its two files; refuse an unfinished one."""
        retry = retry_path(self.output)
        try:
            noted = read_manifest(retry)
        except OutputDamaged as error:  # only the retry is lost, and nobody should begin anew for it
            raise UsageError(
                f"{error.path}: {error.reason}; delete it and {retry}, and {self.output} is as it was"
            ) from error
        if noted is not None and noted.state == "complete" and not retry.exists():
            atomic_file.replace(manifest_path(retry), manifest_path(self.output))
            known = noted
        elif noted is not None and not self.retry:
            raise UsageError(
                f"an interrupted --retry is in {retry}; give --retry again to go on with it, "
                f"or delete {retry} and {manifest_path(retry)}"
            )
        return known

    def _new(self, identity: Identity, surveyed: InputDigest | None) -> Manifest:
        certificate = json.dumps(identity.certificate.as_json(), ensure_ascii=False, indent=2)
        atomic_file.write_atomically(certificate_path(self.output), certificate.encode() + b"\n")
        manifest = Manifest(identity.fingerprint, self.schema, self.spec.as_json(), self.source.as_json())
        if surveyed is not None:
            manifest.documents, manifest.digest = surveyed.documents, surveyed.digest
        return manifest

    def _retry(self, known: Manifest | None, identity: Identity, surveyed: InputDigest | None) -> Manifest:
        """Decode again what is of the kinds that are wanted, into a second ledger that then takes the first one's place."""
        if known is None:
            raise UsageError(f"{self.output} has nothing to retry: there is not the output of a job")
        retry, again = retry_path(self.output), {"where": list(self.retry), "recipe": self.spec.as_json()}
        noted = read_manifest(retry)
        if noted is not None:
            noted.refuse_others(identity.fingerprint, self.output, but=_BOUNDS)
            if noted.again[-1:] != [again]:
                raise UsageError(
                    f"an interrupted --retry with another --where or other arguments is in {retry}; give those again, "
                    f"or delete {retry} and {manifest_path(retry)}"
                )
        elif known.state == "complete" and not self._any_selected(known):
            self.figures.counts = known.counts
            return known
        manifest = noted or Manifest(
            known.fingerprint,
            known.schema,
            known.spec,
            known.source,
            known.documents,
            known.digest,
            started=known.started,
        )
        manifest.again = [*known.again, again]
        done = self._write(retry, manifest, surveyed, previous=read_ledger(self.output, known.durable))
        if done.state == "complete":
            atomic_file.replace(retry, self.output)
            atomic_file.replace(manifest_path(retry), manifest_path(self.output))
        return done

    def _any_selected(self, known: Manifest) -> bool:
        return any(is_selected(line.record, self.retry) for line in read_ledger(self.output, known.durable))

    # -- the run

    def _write(
        self, path: Path, manifest: Manifest, surveyed: InputDigest | None, previous: Iterator[Line] | None
    ) -> Manifest:
        """Bring the ledger at `path` to its end; `previous` has lines that are kept where they are no errors."""
        self._refuse_changed(manifest, surveyed, path)
        with Ledger(path, manifest.durable) as ledger:
            running = RunningDigest()
            entries = self._entries(surveyed)
            before = previous if previous is not None else iter(())
            self.figures.counts = self._catch_up(ledger, entries, before, running)
            self.figures.before = ledger.documents
            run = _Run(self, ledger, manifest, running, surveyed)
            run.checkpoint("running")
            sync_folder(path.parent)
            executor = (
                self.make_executor(self.spec)
                if self.make_executor
                else WorkerPool(self.spec, workers=self.workers, timeout=self.timeout)
            )
            self._executor = executor
            if self._stopped:
                executor.stop()
            run.follow(executor, islice(self._assignments(entries, before, ledger, running), self._left(ledger)))
            return manifest

    def _left(self, ledger: Ledger) -> int | None:
        """How many documents may still be decoded."""
        return None if self.limit is None else max(0, self.limit - ledger.documents)

    def _assignments(
        self, entries: Iterator[SourceEntry], before: Iterator[Line], ledger: Ledger, running: RunningDigest
    ) -> Iterator[Assignment]:
        """What is to be done, from the first document on that is not in the ledger."""
        for number, (entry, line) in enumerate(zip_longest(entries, before), start=ledger.documents):
            if entry is None:
                raise InputChanged(self.source.name, _ended(number))
            running.add(entry)
            document = entry.document
            if line is not None and not is_selected(line.record, self.retry):
                if difference := _difference(entry, line.record):
                    raise InputChanged(entry.location, difference)
                yield Assignment(number, document, entry.digest, line=line.data, record=line.record)
                continue
            error = entry.error or document.trouble
            yield Assignment(number, document, entry.digest, None if error is None else RecordedOutcome.failed(error))

    def _entries(self, surveyed: InputDigest | None) -> Iterator[SourceEntry]:
        return self.source.read() if surveyed is not None else distinct_ids(self.source.read())

    def _refuse_changed(self, manifest: Manifest, surveyed: InputDigest | None, path: Path) -> None:
        """`InputChanged` says where an input differs from the one that the job began with."""
        if surveyed is None or manifest.digest is None or surveyed.digest == manifest.digest:
            return
        lines = read_ledger(path) if path.exists() else iter(())
        for entry, line in zip(self.source.read(), lines, strict=False):
            if difference := _difference(entry, line.record):
                raise InputChanged(self.source.name, difference)
        counts = f"{manifest.documents} documents then, {surveyed.documents} now"
        raise InputChanged(self.source.name, f"{counts}; those that are done are the same")

    def _catch_up(
        self, ledger: Ledger, entries: Iterator[SourceEntry], before: Iterator[Line], running: RunningDigest
    ) -> Counts:
        """Read what is done along with its documents; both iterators then stand behind it."""
        counts = Counts()
        for line in ledger.lines():
            entry = next(entries, None)
            if entry is None:
                raise InputChanged(self.source.name, _ended(counts.documents))
            if difference := _difference(entry, line.record):
                raise InputChanged(self.source.name, difference)
            next(before, None)
            running.add(entry)
            counts.add(line.record)
        return counts


@dataclass(slots=True)
class _Run:
    """Records on their way into the ledger."""

    job: Job
    ledger: Ledger
    manifest: Manifest
    running: RunningDigest
    surveyed: InputDigest | None
    synced: float = field(default_factory=time.monotonic)
    checked: float = field(default_factory=time.monotonic)
    earlier: float = 0.0

    def __post_init__(self) -> None:
        self.earlier = self.manifest.seconds

    def follow(self, executor: Executor, assignments: Iterator[Assignment]) -> None:
        """Write what the crew gives; whatever ends it, all lines that were written are left durable and noted."""
        figures = self.job.figures
        results = executor.run(assignments, self.ledger.documents, self._idle)
        try:
            for result in results:
                self._write(result)
                figures.tokens += result.tokens
                figures.restarts = executor.restarts
                self.manifest.backend = executor.backend or self.manifest.backend
                self.job.told(figures)
                self._tend()
            limit = self.job.limit
            early = executor.stopping or (limit is not None and self.ledger.documents >= limit)
            if not early and self.surveyed is not None and self.running.result != self.surveyed:
                raise InputChanged(self.job.source.name, "it was changed while the job was running")
        except BaseException as error:
            self._leave(error)
            raise
        finally:
            close = getattr(results, "close", None)
            if close is not None:
                close()
        done = self.surveyed is not None and self.ledger.documents == self.surveyed.documents
        self.checkpoint("stopped" if early and not done else "complete")

    def checkpoint(self, state: Any) -> None:
        """Make all lines durable and say so."""
        self.ledger.sync()
        manifest, figures = self.manifest, self.job.figures
        manifest.state, manifest.durable, manifest.counts = state, self.ledger.size, figures.counts
        manifest.seconds = round(self.earlier + figures.seconds, 3)
        if state == "complete":
            seen = self.running.result
            manifest.documents, manifest.digest, manifest.sha256 = seen.documents, seen.digest, self.ledger.sha256
        manifest.save(self.ledger.path)
        self.synced = self.checked = time.monotonic()

    def _write(self, result: AssignmentResult) -> None:
        assignment, counts = result.assignment, self.job.figures.counts
        if assignment.line is not None and assignment.record is not None:
            self.ledger.append(assignment.line)
            counts.add(assignment.record)
            return
        outcome = result.outcome
        assert outcome is not None, "what has no line has an outcome"
        self.ledger.append(line_of(assignment.document.id, assignment.digest, outcome))
        counts.add(outcome)

    def _idle(self) -> None:
        """Called about once a second while no record comes: a load and a long document are seen to go on."""
        self.job.told(self.job.figures)
        self._tend()

    def _tend(self) -> None:
        """What is written must not stay unsafe while an input is slow."""
        now = time.monotonic()
        if self.manifest.durable == self.ledger.size:
            return
        if now - self.checked > _CHECKPOINT:
            self.checkpoint("running")
        elif now - self.synced > _SYNC and not self.ledger.is_durable:
            self.ledger.sync()
            self.synced = now

    def _leave(self, error: BaseException) -> None:
        """What can still be noted is; a second failure must not hide the first."""
        try:
            self.checkpoint("stopped")
        except JobError as second:
            error.add_note(str(second))


def _ended(documents: int) -> str:
    return f"it ends after {documents} documents, and more are done"


def _difference(entry: SourceEntry, record: Record) -> str:
    """How a document is not the one that a record is about; empty where it is."""
    if entry.document.id != record.id:
        return f"{entry.location} has the id {entry.document.id!r}, and {record.id!r} was there"
    if entry.digest != record.input:
        return f"{entry.location}: the text of {record.id!r} is another"
    return ""
