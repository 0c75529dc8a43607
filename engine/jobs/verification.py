"""Verification: a job's output against everything that is known of it, without trusting what wrote it.

In: an output and its manifest. Out: findings, each told when it is known. Every object is validated by Pydantic or
jsonschema, ids and counts are counted anew, digests are computed anew, the input is read again if it is still there.
`replay` decodes some documents once more and compares.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from engine.errors import EngineError, UsageError
from engine.jobs.durable import file_digest
from engine.jobs.ledger import Line, read_ledger
from engine.jobs.manifest import Counts, Manifest, certificate_path, manifest_path, read_manifest
from engine.jobs.recipe import Recipe, identify
from engine.jobs.record import Outcome, Record, object_texts
from engine.jobs.source import STDIN, Fields, Source, open_source, temporary_table
from engine.jobs.survey import survey
from engine.jobs.workforce import Assignment, Workforce
from engine.models import resolve
from engine.models.digest import sha256_of
from engine.objects.item import item_annotation
from engine.schema.judge import Context, judge
from engine.schema.location import Document as SchemaDocument

_SHOWN = 3  # examples of what is wrong


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `wrong` where it is not as the manifest says."""

    subject: str
    found: str
    wrong: bool = False


def verify(
    output: Path, read_type: Callable[[str], Callable[[], Any]], *, schema: str | None = None, replay: int = 0
) -> Iterator[Finding]:
    """Everything that is looked at. `read_type` makes the type's reader of what the user called it: `schema`, or what
    stands in the manifest."""
    manifest = read_manifest(output)
    if manifest is None:
        raise UsageError(f"{manifest_path(output)} is not there: {output} is no job's output")
    recipe = Recipe.from_json(read_type(schema or manifest.schema), manifest.recipe)
    yield _state(output, manifest)
    yield from _lines(output, manifest)
    yield from _facts(recipe, manifest, output)
    yield _objects(output, recipe)
    source = _source(manifest)
    yield _input(output, source, manifest)
    if replay:
        if source is None:
            raise UsageError("the input is not there any more, so no document can be decoded again")
        yield _replay(output, recipe, source, replay, manifest)


def _state(output: Path, manifest: Manifest) -> Finding:
    if manifest.state != "complete":
        done, total = manifest.counts.documents, manifest.documents
        of = "" if total is None else f" of {total}"
        return Finding("job", f"not finished: {done}{of} documents; start it again", True)
    found = file_digest(output)
    if found != manifest.sha256:
        return Finding("output", f"its sha256 is {found}, the manifest has {manifest.sha256}", True)
    return Finding("output", f"complete, sha256 {found}")


def _lines(output: Path, manifest: Manifest) -> Iterator[Finding]:
    """Records, ids and counts."""
    counts, repeated = Counts(), 0
    size = 0
    table = temporary_table("ids (id TEXT PRIMARY KEY) WITHOUT ROWID")
    for line in read_ledger(output):
        size += len(line.data)
        counts.add(line.record)
        repeated += not table.execute("INSERT OR IGNORE INTO ids VALUES (?)", (str(line.record.id),)).rowcount
    table.close()
    torn = output.stat().st_size - size
    yield Finding(
        "records", f"{counts.documents} lines" + (f", then {torn} bytes that are none" if torn else ""), bool(torn)
    )
    yield Finding("ids", f"{repeated} come twice" if repeated else "each comes once", bool(repeated))
    said = manifest.counts
    text = ", ".join(f"{value} {name.replace('_', ' ')}" for name, value in asdict(counts).items())
    yield Finding("counts", text if counts == said else f"{text}; the manifest has {asdict(said)}", counts != said)


def _facts(recipe: Recipe, manifest: Manifest, output: Path) -> Iterator[Finding]:
    """Schema, grammar, certificate, model and versions, computed anew."""
    file = resolve(recipe.model)
    facts = {**identify(recipe).facts, "model sha256": sha256_of(file.path, fresh=True)}
    differing = [name for name in manifest.facts if facts.get(name) != manifest.facts[name]]
    for name in ("schema", "validators", "grammar", "certificate", "model sha256"):
        if name not in differing:
            yield Finding(name, str(manifest.facts[name]))
    for name in differing:
        yield Finding(name, f"{manifest.facts[name]} then, {facts.get(name)} now", True)
    try:
        stored = json.loads(certificate_path(output).read_bytes())
    except (OSError, ValueError) as error:
        yield Finding("certificate", f"{certificate_path(output)} cannot be read: {error}", True)
        return
    if stored != json.loads(json.dumps(identify(recipe).certificate.as_json())):
        yield Finding("certificate", f"{certificate_path(output)} is not that of the schema", True)


# -- objects


def _objects(output: Path, recipe: Recipe) -> Finding:
    valid = validator(recipe.read_type())
    checked, wrong = 0, []
    for line in read_ledger(output):
        texts = object_texts(line.data)
        if reason := _counted_wrong(recipe, line.record, len(texts)):
            wrong.append(f"{line.record.id!r}: {reason}")
        for text in texts:
            checked += 1
            if reason := valid(text):
                wrong.append(f"{line.record.id!r}: {reason}")
    if wrong:
        return Finding("objects", f"{len(wrong)} of {checked} are not valid: {'; '.join(wrong[:_SHOWN])}", True)
    return Finding("objects", f"all {checked} are valid under the schema")


def _counted_wrong(recipe: Recipe, record: Record, count: int) -> str:
    if record.error is not None:
        return "an error with objects" if count else ""
    low, high = (1, 1) if recipe.mode == "one" else (recipe.min_items, recipe.max_items)
    if count < low or (high is not None and count > high):
        return f"{count} objects, not {low} to {'any number' if high is None else high}"
    return ""


def validator(model_type: Any) -> Callable[[str], str]:
    """Why a text is no valid item, by Pydantic or jsonschema; empty where it is."""
    annotation = item_annotation(model_type)
    if isinstance(annotation, dict | bool):
        holds = judge(annotation, Context.of(SchemaDocument(annotation).root))
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


def _source(manifest: Manifest) -> Source | None:
    """The input as the job read it; None where it is gone or could be read once only."""
    told = manifest.source
    if told["name"] == STDIN:
        return None
    try:
        source = open_source(
            told["name"], format=told["format"], fields=Fields(**told["fields"]), pattern=told["pattern"]
        )
    except UsageError:
        return None
    return source if source.repeatable else None


def _input(output: Path, source: Source | None, manifest: Manifest) -> Finding:
    if source is None:
        return Finding("input", "not there any more, so not compared")
    try:
        seen = survey(source)
    except EngineError as error:
        return Finding("input", str(error), True)
    if (seen.documents, seen.digest) != (manifest.documents, manifest.digest):
        return Finding(
            "input", f"{source.name} has changed: {manifest.documents} documents then, {seen.documents} now", True
        )
    for entry, line in zip(source.read(), read_ledger(output), strict=False):
        if (entry.document.id, entry.digest) != (line.record.id, line.record.input):
            return Finding("input", f"{entry.place} is not the document of the record {line.record.id!r}", True)
    return Finding("input", f"{seen.documents} documents, each as it was read")


# -- replay


def _replay(output: Path, recipe: Recipe, source: Source, count: int, manifest: Manifest) -> Finding:
    """Decode documents that are spread over the whole job again."""
    total = manifest.counts.documents
    wanted = {place * total // count for place in range(min(count, total))} if total else set()
    chosen: list[tuple[Assignment, Line]] = []
    for number, (entry, line) in enumerate(zip(source.read(), read_ledger(output), strict=False)):
        if number in wanted:
            error = entry.error or entry.document.trouble
            outcome = None if error is None else Outcome.failed(error)
            chosen.append((Assignment(len(chosen), entry.document, entry.digest, outcome), line))
    workforce = Workforce(recipe)
    differing = [
        str(line.record.id)
        for settled, (_, line) in zip(workforce.run(iter([one for one, _ in chosen])), chosen, strict=True)
        if settled.outcome is None or not _equal(settled.outcome, line)
    ]
    text = f"{len(chosen)} documents decoded again, {len(chosen) - len(differing)} equal"
    if differing:
        text += f"; {', '.join(differing[:_SHOWN])} {'differs' if len(differing) == 1 else 'differ'}"
        if not recipe.deterministic:
            text += " (a pass of several documents is not computed as one of a single one; --deterministic holds it)"
    return Finding("replay", text, bool(differing) and recipe.deterministic)


def _equal(outcome: Outcome, line: Line) -> bool:
    error = None if outcome.error is None else {"type": outcome.error[0], "message": outcome.error[1]}
    record = line.record
    said = (object_texts(line.data), record.finish, record.cut, record.error)
    return (list(outcome.objects), outcome.finish, list(outcome.cut), error) == said
