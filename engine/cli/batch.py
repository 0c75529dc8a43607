"""`engine batch`: very many documents, each exactly once in the output."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Annotated, Literal

import typer

from engine.cli import options
from engine.cli.batch_progress import ProgressDisplay, estimate_lines, summary
from engine.cli.example_file import read_examples
from engine.cli.models import DownloadBar
from engine.cli.option_groups import ModelOptions, RequestOptions, SamplingOptions, grouped
from engine.cli.report import written_report
from engine.cli.schema_argument import read_schema_argument, refuse_doubts
from engine.decoding.cpu_cores import usable_cores
from engine.decoding.settings import ModelSettings
from engine.errors import ExampleInvalid, UsageError
from engine.extraction.compilation import read_schema
from engine.extraction.encoding import known_encoding
from engine.jobs.estimate import estimate
from engine.jobs.job import Executor, Job
from engine.jobs.job_files import refuse_collisions, resolve_output
from engine.jobs.job_spec import JobSpec
from engine.jobs.manifest import Manifest
from engine.jobs.selection import DOUBTFUL, SELECTIONS, read_kinds, selected_lines
from engine.jobs.source import DEFAULT_GLOB, Fields, Layout, Source, first_documents, open_source, sampled
from engine.jobs.table import Columns, columns, write_csv, write_rows, write_table
from engine.jobs.tabular import QUOTINGS, TableFormat
from engine.jobs.verification import verify_output
from engine.objects.item import item_annotation
from engine.report.column_types import column_types

batch_app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
DOCUMENTS_FAILED = 1
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class InputOptions:
    """Options of the input: how it is read."""

    input_format: Annotated[
        str | None,
        typer.Option(help="jsonl, csv, tsv, parquet, lines (each is a document), or files; else INPUT's name says."),
    ] = None
    text_field: Annotated[str, typer.Option(help="The field of a row that is the text.")] = "text"
    id_field: Annotated[
        str | None,
        typer.Option(help="The field that is the id; without it: id if there is one, else the row's number."),
    ] = None
    encoding: options.Encoding = None
    delimiter: Annotated[
        str | None, typer.Option(metavar="CHAR|tab", help="Between columns; found from the header if not given.")
    ] = None
    quoting: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(QUOTINGS),
            help='Quotes in a CSV: "" or \\" is one, they are text, or a database dumped it.',
        ),
    ] = None
    glob: Annotated[str | None, typer.Option(help=f"Which files of a folder to read; {DEFAULT_GLOB} by default.")] = (
        None
    )

    limit: Annotated[
        int | None, typer.Option(min=1, help="Only the first N documents; later, without it, the job goes on.")
    ] = None
    sample: Annotated[
        int | None, typer.Option(min=1, help="Only N documents from all over the input, the same ones each time.")
    ] = None

    def __post_init__(self) -> None:
        if self.limit is not None and self.sample is not None:
            raise UsageError("--limit takes the first documents and --sample some from all over; give one of them")

    def source(self, name: str) -> Source:
        fields = Fields(self.text_field, self.id_field)
        layout = Layout(known_encoding(self.encoding), TableFormat.named(self.delimiter, self.quoting))
        source = open_source(name, format=self.input_format, fields=fields, pattern=self.glob, layout=layout)
        return source if self.sample is None else sampled(source, self.sample)


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """Options of the workers: how many, and how much at once."""

    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes; they share the model's memory.")] = None
    sequences: Annotated[int | None, typer.Option(help="Documents that a worker decodes at once.")] = None
    deterministic: Annotated[
        bool,
        typer.Option("--deterministic", help="No result depends on other documents: one document per context, slower."),
    ] = False
    chunk: Annotated[
        str | None, typer.Option(metavar="auto|N", help="Cut long texts into pieces of N tokens, or of what fits.")
    ] = None
    document_timeout: Annotated[float | None, typer.Option(help="Seconds after which a document ends in an error.")] = (
        None
    )
    ray: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Run on a Ray cluster (extra [ray]); local starts one here.")
    ] = None

    def __post_init__(self) -> None:
        if self.document_timeout is not None and not self.document_timeout > 0:
            raise UsageError(f"--document-timeout is a number of seconds above 0, not {self.document_timeout:g}")
        if self.deterministic and self.sequences not in (None, 1):
            raise UsageError("--deterministic decodes one document per context; it cannot be combined with --sequences")

    def worker_settings(self, model_options: ModelOptions) -> tuple[int, ModelSettings]:
        """How many workers, and the settings of each.

        A deterministic job has one sequence and, unless told otherwise, one thread a context: then its results do not depend
        on how many cores a machine has or on what is fast there, and its workers use them all.
        """
        cores = usable_cores()
        if self.deterministic:
            threads = model_options.threads or 1
            one = replace(model_options, threads=threads).settings(1)
            return self.workers or max(1, cores // threads), replace(one, calibrated=False)
        workers = self.workers or 1
        if model_options.threads is None and workers > 1:
            model_options = replace(model_options, threads=max(1, cores // workers))
        return workers, model_options.settings(self.sequences)

    def executor(self, workers: int) -> Callable[[JobSpec], Executor] | None:
        """Those of the cluster; None where the job starts processes of its own."""
        if self.ray is None:
            return None
        from engine.jobs.ray import ray_executor

        return ray_executor(self.ray, workers=workers, timeout=self.document_timeout)


@dataclass(frozen=True, slots=True)
class JobOptions:
    """Options of the job: what to do with an existing output, and what else to write."""

    restart: Annotated[bool, typer.Option("--restart", help="Delete OUTPUT's content and start over.")] = False
    retry: Annotated[
        bool, typer.Option("--retry", help="Decode documents again: those with an error, or what --where says.")
    ] = False
    where: Annotated[
        str | None,
        typer.Option(
            metavar="|".join((*SELECTIONS, DOUBTFUL)),
            help="With --retry and --show: which records, commas between several; doubtful:0.8 for less sure than that.",
        ),
    ] = None
    flatten: Annotated[
        Path | None, typer.Option(metavar="FILE", help="When all is done, also write one JSON line an object.")
    ] = None
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="When all is done, also write a table of the scalar fields.")
    ] = None
    parquet: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="When all is done, also write a Parquet file, all fields with their types."),
    ] = None
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="When all is done, also write the page of `engine report`.")
    ] = None
    quiet: Annotated[bool, typer.Option("--quiet", help="Show neither progress nor statistics.")] = False
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count documents and tokens, say what does not fit, estimate; then stop.")
    ] = False
    verify: Annotated[
        Path | None, typer.Option(metavar="OUTPUT", help="Check the output of a job instead of running one.")
    ] = None
    replay: Annotated[int, typer.Option(min=0, help="With --verify: also decode this many documents again.")] = 0
    show: Annotated[
        Path | None,
        typer.Option(metavar="OUTPUT", help="Print the records with an error or a budget reached, with their texts."),
    ] = None

    def __post_init__(self) -> None:
        if self.replay and self.verify is None:
            raise UsageError("--replay belongs to --verify")
        if self.where is not None and not self.retry and self.show is None:
            raise UsageError("--where belongs to --retry or --show")
        read_kinds(self.where or "error")

    def kinds(self) -> tuple[str, ...]:
        """Which records are decoded again."""
        return read_kinds(self.where or "error") if self.retry else ()


@batch_app.command()
@grouped
def batch_command(
    *,
    schema: Annotated[
        str | None,
        typer.Argument(metavar="SCHEMA", help="As for `engine extract`."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="INPUT", help="FILE.jsonl, FILE.csv, FILE.parquet, a folder, a glob, or - for JSON lines."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Argument(metavar="OUTPUT", help="JSON lines, one for each document, in the input's order.")
    ] = None,
    input_options: InputOptions,
    model: options.ModelOption = None,
    request: RequestOptions,
    sampling_options: SamplingOptions,
    worker_options: WorkerOptions,
    model_options: ModelOptions,
    job_options: JobOptions,
) -> None:
    """Extract from very many documents; each is exactly once in OUTPUT, whatever happens.

    \b
    engine batch models.py:Receipt receipts.jsonl receipts.out.jsonl
    engine batch 'name, age int' letters/ people.jsonl --glob '**/*.txt' --csv people.csv
    engine batch models.py:Receipt receipts.jsonl out.jsonl --dry-run
    engine batch models.py:Receipt receipts.jsonl out.jsonl --limit 20
    engine batch --show out.jsonl --where budget
    engine batch models.py:Receipt receipts.jsonl out.jsonl --retry --where budget --max-tokens 4096
    engine batch --verify out.jsonl --replay 5

    \b
    Started again with the same arguments, a job goes on where it stopped. Beside OUTPUT it keeps
    OUTPUT.manifest.json and OUTPUT.certificate.json. A document that fails is a line with an error, and
    the job ends with 1 when all is done; a job that cannot start or go on ends with 7. Ctrl-C finishes the
    documents in work (130; SIGTERM 143), a second one stops at once; both leave a job that goes on.
    """
    if job_options.verify is not None:
        alone = JobOptions(verify=job_options.verify, replay=job_options.replay)
        others = (source, output, input_options, request, sampling_options, worker_options, model_options, job_options)
        if others != (
            None,
            None,
            InputOptions(),
            RequestOptions(),
            SamplingOptions(),
            WorkerOptions(),
            ModelOptions(),
            alone,
        ):
            raise UsageError("--verify OUTPUT takes SCHEMA, --model and --replay beside it, and nothing else")
        _verify(job_options, schema, _model(model))
        return
    if job_options.show is not None:
        given = (schema, source, output, model, input_options, request, sampling_options, worker_options, model_options)
        if given != (*[None] * 4, InputOptions(), RequestOptions(), SamplingOptions(), WorkerOptions(), ModelOptions()):
            raise UsageError("--show OUTPUT takes --where beside it, and nothing else")
        _show(job_options)
        return
    if schema is None or source is None or output is None:
        missing = [name for name, given in (("SCHEMA", schema), ("INPUT", source), ("OUTPUT", output)) if given is None]
        raise UsageError(f"batch needs {' and '.join(missing)}; --help has examples")
    named = _absolute(schema)
    if request.strict:
        refuse_doubts(read_schema_argument(named))
    workers, settings = worker_options.worker_settings(model_options)
    examples, locations = read_examples(request.examples) if request.examples else ([], [])
    spec = JobSpec(
        partial(read_schema_argument, named),
        model=_model(model),
        mode="one" if request.one else "many",
        instructions=request.instructions,
        examples=tuple(examples),
        style=request.style,  # type: ignore[arg-type]
        min_items=request.min_items,
        max_items=request.max_items,
        max_tokens=request.max_tokens,
        sampling=sampling_options.sampling(),
        chunk=_chunk(worker_options.chunk, request),
        max_value_tokens=request.max_value_tokens,
        loops=request.loops,  # type: ignore[arg-type]
        on_budget=request.on_budget,  # type: ignore[arg-type]
        max_backtracks=request.max_backtracks,
        grounded=request.grounding,
        rank=request.rank,  # type: ignore[arg-type]
        deterministic=worker_options.deterministic,
        settings=replace(settings, think=request.think),
    )
    found = input_options.source(source)
    found.notes.tell = partial(typer.echo, err=True)
    views = _Views(job_options, spec)
    if job_options.dry_run:
        refuse_collisions(resolve_output(output), found, views.files, _read(named, request))
        with _example_locations(locations):
            _estimate(
                spec, found if input_options.limit is None else first_documents(found, input_options.limit), workers
            )
        return
    with ProgressDisplay(quiet=job_options.quiet) as display:
        found.notes.tell = display.say
        job = Job(
            spec,
            found,
            output,
            schema=named,
            workers=workers,
            timeout=worker_options.document_timeout,
            restart=job_options.restart,
            limit=input_options.limit,
            retry=job_options.kinds(),
            views=views.files,
            reads=_read(named, request),
            told=display.update,
            progress=DownloadBar(),
            make_executor=worker_options.executor(workers),
        )
        with _example_locations(locations):
            manifest, stopped = _run(job, display)
    if not job_options.quiet:
        typer.echo(summary(manifest, job.figures), err=True)
    if stopped is not None and manifest.state != "complete":
        typer.echo(f"engine: stopped; the same command goes on behind document {manifest.counts.documents}", err=True)
        raise typer.Exit(128 + stopped)
    if manifest.state != "complete" and not job_options.quiet:
        typer.echo(f"engine: {_trial(manifest)}; without --limit the same command goes on", err=True)
    views.write(job.output, quiet=job_options.quiet)
    if manifest.counts.errors:
        _say_errors(manifest, output, job_options.quiet)
        raise typer.Exit(DOCUMENTS_FAILED)


def _run(job: Job, display: ProgressDisplay) -> tuple[Manifest, int | None]:
    """The job's manifest, and the signal that stopped it; `Exit` where a second one ended it at once."""
    came: list[int] = []
    try:
        with _stopping(job, display, came):
            return job.run(), came[0] if came else None
    except KeyboardInterrupt as error:
        raise typer.Exit(128 + (came[-1] if came else signal.SIGINT)) from error


# -- arguments


def _absolute(schema: str) -> str:
    """What is named by a file is found from any folder, which `--verify` may be called in."""
    path, colon, attribute = schema.rpartition(":")
    if schema.endswith(".json"):
        return os.path.abspath(schema)
    return f"{os.path.abspath(path)}{colon}{attribute}" if path.endswith(".py") else schema


def _read(schema: str, request: RequestOptions) -> tuple[Path, ...]:
    """The files that are read beside INPUT."""
    named = schema if schema.endswith(".json") else schema.rpartition(":")[0]
    files = [Path(named)] if named.endswith((".json", ".py")) else []
    return (*files, request.examples) if request.examples is not None else tuple(files)


def _model(model: str | None) -> str | None:
    if model is not None and model.endswith(".gguf"):
        return os.path.abspath(os.path.expanduser(model))
    return model


def _chunk(chunk: str | None, request: RequestOptions) -> int | Literal["auto"] | None:
    if chunk is None:
        return None
    if request.one or request.min_items or request.max_items is not None:
        raise UsageError("--chunk splits documents; it cannot be combined with --one, --min-items and --max-items")
    if chunk == "auto":
        return "auto"
    if not chunk.isdecimal() or int(chunk) < 1:
        raise UsageError(f"--chunk is auto or a number of tokens, not {chunk!r}")
    return int(chunk)


# -- running


@contextmanager
def _example_locations(locations: list[str]) -> Iterator[None]:
    """An example that is wrong is named by its place in the file."""
    try:
        yield
    except ExampleInvalid as error:
        raise UsageError(f"{locations[error.index]}: {error}") from error


@contextmanager
def _stopping(job: Job, display: ProgressDisplay, came: list[int]) -> Iterator[None]:
    """The first signal lets the job finish what is in work, the second ends it, as the first does where nothing is in work yet;
    the signals that came are put into the list."""

    def receive(number: int, _: FrameType | None) -> None:
        came.append(number)
        if len(came) > 1 or not job.under_way:
            raise KeyboardInterrupt
        display.say("finishing the documents in work; once more stops at once")
        job.stop()

    if threading.current_thread() is not threading.main_thread():  # only it may receive signals
        yield
        return
    before = [signal.signal(number, receive) for number in _SIGNALS]
    try:
        yield
    finally:
        for number, handler in zip(_SIGNALS, before, strict=True):
            signal.signal(number, handler)


class _Views:
    """What is written from the output when all is done; what could not be is refused before anything is decoded."""

    def __init__(self, wanted: JobOptions, spec: JobSpec) -> None:
        self._flatten, self._table, self._page, self._parquet = wanted.flatten, wanted.csv, wanted.html, wanted.parquet
        self._item = item_annotation(spec.read_type()) if self._table or self._parquet else None
        self._columns = Columns(())
        if self._parquet is not None:
            column_types(self._item)  # what is not installed is known before the job
        if self._table is not None:
            self._columns = columns(read_schema(self._item))
            if not self._columns.paths:
                raise UsageError("this schema has no scalar field for a table; use --flatten")

    @property
    def files(self) -> tuple[Path, ...]:
        named = (self._flatten, self._table, self._page, self._parquet)
        return tuple(file for file in named if file is not None)

    def write(self, output: Path, *, quiet: bool) -> None:
        told = []
        if self._flatten is not None:
            told.append(f"{self._flatten}: {write_rows(output, self._flatten)} rows")
        if self._table is not None:
            omitted = f", without {', '.join(self._columns.omitted)}" if self._columns.omitted else ""
            told.append(f"{self._table}: {write_csv(output, self._table, self._columns)} rows{omitted}")
        if self._parquet is not None:
            told.append(f"{self._parquet}: {write_table(output, self._parquet, self._item)} rows")
        if self._page is not None:
            told += [f"{path}: the page to look at" for path in written_report(output, self._page)]
        for line in () if quiet else told:
            typer.echo(line, err=True)


def _say_errors(manifest: Manifest, output: Path, quiet: bool) -> None:
    count = manifest.counts.errors
    if not quiet:
        what = "document ended" if count == 1 else "documents ended"
        typer.echo(f"engine: {count} {what} in an error, see {output}; --retry decodes them again", err=True)


def _trial(manifest: Manifest) -> str:
    of = "" if manifest.documents is None else f" of {manifest.documents}"
    return f"documents done: {manifest.counts.documents}{of}"


# -- without running


def _estimate(spec: JobSpec, source: Source, workers: int) -> None:
    if not source.repeatable:
        raise UsageError("--dry-run reads the input twice, so it cannot be a stream")
    for line in estimate_lines(estimate(spec, source, workers=workers), workers):
        typer.echo(line)


def _show(job_options: JobOptions) -> None:
    assert job_options.show is not None, "it was asked for"
    if job_options != JobOptions(show=job_options.show, where=job_options.where):
        raise UsageError("--show OUTPUT takes --where beside it, and nothing else")
    for line in selected_lines(job_options.show, read_kinds(job_options.where) if job_options.where else SELECTIONS):
        typer.echo(line, nl=False)


def _verify(job_options: JobOptions, schema: str | None, model: str | None) -> None:
    assert job_options.verify is not None, "it was asked for"
    findings = verify_output(
        job_options.verify,
        lambda name: partial(read_schema_argument, name),
        schema=schema,
        model=model,
        replay=job_options.replay,
    )
    wrong = 0
    for finding in findings:
        wrong += finding.wrong
        typer.echo(f"{'WRONG' if finding.wrong else 'ok   '} {finding.subject + ':':<14} {finding.found}")
    if wrong:
        typer.echo(f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong", err=True)
        raise typer.Exit(1)
