"""Verification: a job's output against everything that is known of it, without trusting what wrote it.

In: an output and its manifest. Out: findings, each told when it is known. Every object is validated by Pydantic or
jsonschema, ids and counts are counted anew, digests are computed anew, the input is read again if it is still there.
`replay` decodes some documents once more and compares.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from engine import __version__
from engine.basics.plural import counted
from engine.errors import DocumentTimedOut, EngineError, OutputDamaged, UsageError, WorkerDied
from engine.extraction.compilation import certify
from engine.jobs.atomic_file import file_digest
from engine.jobs.disk_set import DiskSet
from engine.jobs.input_digest import digest_input
from engine.jobs.job_files import resolve_output
from engine.jobs.job_spec import Fingerprint, JobSpec, model_fingerprint, schema_fingerprint
from engine.jobs.ledger import read_lines
from engine.jobs.manifest import Counts, Manifest, certificate_path, manifest_path, read_manifest
from engine.jobs.record import Record, RecordedOutcome, object_texts
from engine.jobs.source import Source, source_of
from engine.jobs.worker_pool import Assignment, WorkerPool
from engine.models import resolve
from engine.objects.item import item_annotation
from engine.schema.location import SchemaDocument
from engine.schema.validation import Context, validator

_SHOWN = 3  # examples of what is wrong
# Errors that depend on the machine: such a document would hold a replay up, or kill its worker.
_OF_THE_MACHINE = (DocumentTimedOut.__name__, WorkerDied.__name__)


@dataclass(frozen=True, slots=True)
class VerificationFinding:
    """One thing that was looked at; `wrong` where it is not as the manifest says."""

    subject: str
    found: str
    wrong: bool = False


def verify_output(
    output: Path,
    read_type: Callable[[str], Callable[[], Any]],
    *,
    schema: str | None = None,
    model: str | None = None,
    replay: int = 0,
) -> Iterator[VerificationFinding]:
    """Everything that is looked at. `read_type` makes the type's reader of what the user called it: `schema`, or what
    stands in the manifest; `model` is where the model is now, if it is elsewhere. What is missing is a finding too, and
    the rest is looked at all the same."""
    output = resolve_output(output)
    manifest = read_manifest(output)
    if manifest is None:
        raise UsageError(f"{manifest_path(output)} is not there: {output} is not the output of a job")
    spec = _recipe(output, manifest, read_type(schema or manifest.schema))
    spec = spec if model is None else replace(spec, model=model)
    yield _state(output, manifest)
    yield from _lines(output, manifest)
    readable = True
    try:
        model_type = spec.read_type()
    except EngineError as error:
        readable = False
        yield VerificationFinding("schema", f"{error}; give SCHEMA if it is elsewhere now", True)
    else:
        yield from _schema(spec, model_type, manifest, output)
    has_model = True
    for finding in _model(spec, manifest):
        has_model = has_model and not finding.wrong
        yield finding
    if readable:
        yield _objects(output, spec, model_type)
    source = source_of(manifest.source)
    yield _input(output, source, manifest)
    if not replay:
        return
    if source is None:
        raise UsageError("the input is not there any more, so no document can be decoded again")
    if not (readable and has_model):
        yield VerificationFinding("replay", "not done without the job's schema and model", True)
        return
    later = [JobSpec.from_json(spec.read_type, again["recipe"]) for again in manifest.again]
    recipes = [spec, *(replace(one, model=spec.model) for one in later)]
    yield _replay(output, recipes, source, replay, manifest)


def _recipe(output: Path, manifest: Manifest, read_type: Callable[[], Any]) -> JobSpec:
    try:
        return JobSpec.from_json(read_type, manifest.spec)
    except (KeyError, TypeError) as error:
        version = manifest.fingerprint.get("engine")
        raise UsageError(
            f"{manifest_path(output)} was written by engine {version}, and this is {__version__}; verify with that one"
        ) from error


def _state(output: Path, manifest: Manifest) -> VerificationFinding:
    if manifest.state != "complete":
        done, total = manifest.counts.documents, manifest.documents
        of = "" if total is None else f" of {total}"
        return VerificationFinding("job", f"not finished: {done}{of} documents; start it again", True)
    try:
        found = file_digest(output)
    except OSError as error:
        raise OutputDamaged(output, None, f"cannot be read: {error.strerror}") from error
    if found != manifest.sha256:
        return VerificationFinding("output", f"its sha256 is {found}, the manifest has {manifest.sha256}", True)
    return VerificationFinding("output", f"complete, sha256 {found}")


def _lines(output: Path, manifest: Manifest) -> Iterator[VerificationFinding]:
    """Records, ids and counts."""
    counts, lines, damaged, repeated = Counts(), 0, _Examples(), _Examples()
    with DiskSet() as names:
        for lines, (_, record) in enumerate(read_lines(output), start=1):
            if record is None:
                damaged.add(f"line {lines}")
                continue
            counts.add(record)
            if (first := names.add(str(record.id), f"line {lines}")) is not None:
                repeated.add(f"line {lines} has the id {str(record.id)!r} of {first}")
    text = f"{lines} lines" + (f"; {damaged.count} of them no record: {damaged}" if damaged.count else "")
    yield VerificationFinding("records", text, bool(damaged.count))
    yield VerificationFinding(
        "ids",
        f"{repeated.count} of them repeated: {repeated}" if repeated.count else "each comes once",
        bool(repeated.count),
    )
    said, text = manifest.counts, _counted(counts)
    # The manifest of a job that is not finished is some seconds behind its output.
    differ = manifest.state == "complete" and counts != said
    yield VerificationFinding("counts", f"{text}; the manifest has {_counted(said)}" if differ else text, differ)


def _counted(counts: Counts) -> str:
    return ", ".join(f"{value} {name.replace('_', ' ')}" for name, value in asdict(counts).items())


@dataclass(slots=True)
class _Examples:
    """The first few of what is wrong, and how many there are."""

    count: int = 0
    shown: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        self.count += 1
        if len(self.shown) < _SHOWN:
            self.shown.append(text)

    def __str__(self) -> str:
        return "; ".join(self.shown) + (" …" if self.count > len(self.shown) else "")


# -- facts, computed anew


def _compared(manifest: Manifest, facts: Fingerprint, names: Iterable[str]) -> Iterator[VerificationFinding]:
    """Each fact that differs, and those of `disk_set` that do not."""
    for name, value in facts.items():
        then = manifest.fingerprint.get(name)
        if then != value:
            yield VerificationFinding(name, f"{then} then, {value} now", True)
        elif name in names:
            yield VerificationFinding(name, str(then))


def _schema(spec: JobSpec, model_type: Any, manifest: Manifest, output: Path) -> Iterator[VerificationFinding]:
    certificate = certify(item_annotation(model_type), style=spec.style)
    facts = schema_fingerprint(spec, model_type, certificate)
    yield from _compared(manifest, facts, ("schema", "validators", "grammar", "certificate"))
    try:
        stored = json.loads(certificate_path(output).read_bytes())
    except OSError as error:
        yield VerificationFinding("certificate", f"{certificate_path(output)} cannot be read: {error.strerror}", True)
    except ValueError:
        yield VerificationFinding("certificate", f"{certificate_path(output)} is not JSON", True)
    else:
        if stored != json.loads(json.dumps(certificate.as_json())):
            yield VerificationFinding("certificate", f"{certificate_path(output)} is not that of the schema", True)


def _model(spec: JobSpec, manifest: Manifest) -> Iterator[VerificationFinding]:
    try:
        facts = model_fingerprint(resolve(spec.model), fresh=True)
    except EngineError as error:
        yield VerificationFinding("model", f"{error}; give --model if it is elsewhere now", True)
    else:
        if facts["model sha256"] == manifest.fingerprint.get("model sha256"):
            del facts["model"]  # the same file, whatever its name
        yield from _compared(manifest, facts, ("model sha256",))


# -- objects


def _objects(output: Path, spec: JobSpec, model_type: Any) -> VerificationFinding:
    valid = item_validator(model_type)
    checked, wrong = 0, _Examples()
    for number, (data, record) in enumerate(read_lines(output), start=1):
        if record is None:
            continue
        place, texts = f"line {number} ({str(record.id)!r})", object_texts(data)
        if texts is None:
            wrong.add(f"{place}: is not spelled as a job spells it")
            continue
        if reason := _counted_wrong(spec, record, len(texts)):
            wrong.add(f"{place}: {reason}")
        for text in texts:
            checked += 1
            if reason := valid(text):
                wrong.add(f"{place}: {reason}")
    if wrong.count:
        return VerificationFinding("objects", f"{checked} were looked at, and {wrong.count} wrong: {wrong}", True)
    return VerificationFinding("objects", f"all {checked} are valid under the schema")


def _counted_wrong(spec: JobSpec, record: Record, count: int) -> str:
    if record.error is not None:
        return "an error with objects" if count else ""
    low, high = (1, 1) if spec.mode == "one" else (spec.min_items, spec.max_items)
    if count < low or (high is not None and count > high):
        return f"{count} objects, not {low} to {'any number' if high is None else high}"
    return ""


def item_validator(model_type: Any) -> Callable[[str], str]:
    """Why a text is not a valid item, by Pydantic or jsonschema; empty where it is valid."""
    annotation = item_annotation(model_type)
    if isinstance(annotation, dict | bool):
        holds = validator(annotation, Context.of(SchemaDocument(annotation).root))
        return lambda text: "" if holds(json.loads(text)) else f"{text[:80]} is not valid under the schema"
    adapter: TypeAdapter[Any] = TypeAdapter(annotation)

    def reason(text: str) -> str:
        try:
            adapter.validate_json(text)
        except ValidationError as error:
            return " ".join(str(error).split())[:200]
        return ""

    return reason


# -- the input


def _input(output: Path, source: Source | None, manifest: Manifest) -> VerificationFinding:
    if source is None:
        return VerificationFinding("input", "not there any more, so not compared")
    try:
        seen = digest_input(source)
    except EngineError as error:
        return VerificationFinding("input", str(error), True)
    if (seen.documents, seen.digest) != (manifest.documents, manifest.digest):
        return VerificationFinding(
            "input", f"{source.name} has changed: {manifest.documents} documents then, {seen.documents} now", True
        )
    for entry, (_, record) in zip(source.read(), read_lines(output), strict=False):
        if record is not None and (entry.document.id, entry.digest) != (record.id, record.input):
            return VerificationFinding(
                "input", f"{entry.location} is not the document of the record {record.id!r}", True
            )
    return VerificationFinding("input", f"{seen.documents} documents, each as it was read")


# -- replay


def _replay(
    output: Path, recipes: list[JobSpec], source: Source, count: int, manifest: Manifest
) -> VerificationFinding:
    """Decode documents that are spread over the whole job again. `recipes` are the job's and those of its retries: a document
    is as it was if one of them gives it."""
    total = manifest.counts.documents
    wanted = {place * total // count for place in range(min(count, total))} if total else set()
    chosen: list[_Chosen] = []
    left_out = 0
    for number, (entry, (data, record)) in enumerate(zip(source.read(), read_lines(output), strict=False)):
        if number not in wanted or record is None:
            continue
        if record.error is not None and record.error.get("type") in _OF_THE_MACHINE:
            left_out += 1
            continue
        error = entry.error or entry.document.trouble
        outcome = None if error is None else RecordedOutcome.failed(error)
        chosen.append((Assignment(len(chosen), entry.document, entry.digest, outcome), data, record))
    differing = chosen
    for spec in recipes:
        differing = [
            one for one, outcome in _decoded(spec, differing) if outcome is None or not _equal(outcome, *one[1:])
        ]
    text = f"{counted(len(chosen), 'document')} decoded again, {len(chosen) - len(differing)} equal"
    if left_out:
        text += f"; {counted(left_out, 'document')} that took too long or killed a worker left out"
    if differing:
        names = [str(record.id) for _, _, record in differing[:_SHOWN]]
        text += f"; {', '.join(names)} {'differs' if len(differing) == 1 else 'differ'}"
        if not recipes[0].deterministic:
            text += " (a pass of several documents is not computed as one of a single one; --deterministic holds it)"
    return VerificationFinding("replay", text, bool(differing) and recipes[0].deterministic)


_Chosen = tuple[Assignment, bytes, Record]


def _decoded(spec: JobSpec, chosen: list[_Chosen]) -> Iterator[tuple[_Chosen, RecordedOutcome | None]]:
    if not chosen:
        return
    assignments = (replace(assignment, number=number) for number, (assignment, _, _) in enumerate(chosen))
    for settled_one, one in zip(WorkerPool(spec).run(assignments), chosen, strict=True):
        yield one, settled_one.outcome


def _equal(outcome: RecordedOutcome, data: bytes, record: Record) -> bool:
    error = None if outcome.error is None else {"type": outcome.error[0], "message": outcome.error[1]}
    said = (object_texts(data), record.finish, record.cut, record.error)
    return (list(outcome.objects), outcome.finish, list(outcome.cut), error) == said
