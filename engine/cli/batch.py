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
from engine.cli.batch_progress import Watch, summary, tell_estimate
from engine.cli.examples import read_examples
from engine.cli.models import DownloadBar
from engine.cli.option_groups import Ask, Draw, Load, grouped
from engine.cli.options import DEFAULTS
from engine.cli.target import read_target
from engine.decoding.processors import usable_cores
from engine.decoding.settings import ModelSettings
from engine.errors import ExampleInvalid, UsageError
from engine.extraction.compilation import read_schema
from engine.extraction.encoding import known_encoding
from engine.jobs.estimate import estimate
from engine.jobs.job import Hands, Job
from engine.jobs.manifest import Manifest
from engine.jobs.places import refuse_collisions, settled
from engine.jobs.recipe import Recipe
from engine.jobs.selection import KINDS, read_kinds, selected_lines
from engine.jobs.source import DEFAULT_GLOB, Fields, Layout, Source, beginning, open_source, sampled
from engine.jobs.table import Columns, columns, write_csv, write_rows
from engine.jobs.tabular import QUOTINGS, TableFormat
from engine.jobs.verification import verify as verify_output
from engine.objects.item import item_annotation

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
DOCUMENTS_FAILED = 1
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Read:
    """How the input is read."""

    input_format: Annotated[
        str | None, typer.Option(help="jsonl, csv, tsv, lines (each is a document), or files; else INPUT's name says.")
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
    glob: Annotated[str | None, typer.Option(help=f"Which files of a folder; {DEFAULT_GLOB} if not given.")] = None

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
class Crew:
    """Who decodes, and how much of it at once."""

    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes; they share the model's memory.")] = None
    sequences: Annotated[int | None, typer.Option(help="Documents that a worker decodes at once.")] = None
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="No result depends on neighbours: one document a context, slower.")
    ] = False
    chunk: Annotated[
        str | None, typer.Option(metavar="auto|N", help="Cut long texts into pieces of N tokens, or of what fits.")
    ] = None
    document_timeout: Annotated[
        float | None, typer.Option(help="Seconds after which a document is given up and becomes an error.")
    ] = None
    ray: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Run on a Ray cluster (extra [ray]); local starts one here.")
    ] = None

    def __post_init__(self) -> None:
        if self.document_timeout is not None and not self.document_timeout > 0:
            raise UsageError(f"--document-timeout is a number of seconds above 0, not {self.document_timeout:g}")
        if self.deterministic and self.sequences not in (None, 1):
            raise UsageError("--deterministic decodes one document a context; it excludes --sequences")

    def settle(self, load: Load) -> tuple[int, ModelSettings]:
        """How many workers, and the settings of each.

        A deterministic job has one sequence and, unless told otherwise, one thread a context: then its results do not depend
        on how many cores a machine has, and its workers use them all.
        """
        cores = usable_cores()
        if self.deterministic:
            threads = load.threads or 1
            return self.workers or max(1, cores // threads), replace(load, threads=threads).settings(1)
        workers = self.workers or 1
        if load.threads is None and workers > 1:
            load = replace(load, threads=max(1, cores // workers))
        return workers, load.settings(self.sequences or DEFAULTS.sequences)

    def hands(self, workers: int) -> Callable[[Recipe], Hands] | None:
        """Those of the cluster; None where the job starts processes of its own."""
        if self.ray is None:
            return None
        from engine.jobs.ray import hands_of

        return hands_of(self.ray, workers=workers, timeout=self.document_timeout)


@dataclass(frozen=True, slots=True)
class Proceed:
    """What is done with an output that is there, and beside it."""

    restart: Annotated[bool, typer.Option("--restart", help="Delete what OUTPUT has and begin anew.")] = False
    retry: Annotated[
        bool, typer.Option("--retry", help="Decode documents again: those with an error, or what --where says.")
    ] = False
    where: Annotated[
        str | None,
        typer.Option(metavar="|".join(KINDS), help="With --retry and --show: which records, commas between several."),
    ] = None
    flatten: Annotated[
        Path | None, typer.Option(metavar="FILE", help="When all is done, also write one JSON line an object.")
    ] = None
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="When all is done, also write a table of the scalar fields.")
    ] = None
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no figures.")] = False
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count documents and tokens, say what does not fit, estimate; then stop.")
    ] = False
    verify: Annotated[
        Path | None, typer.Option(metavar="OUTPUT", help="Check the output of a job instead of running one.")
    ] = None
    replay: Annotated[int, typer.Option(min=0, help="With --verify: decode so many documents again.")] = 0
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


@app.command()
@grouped
def batch(
    *,
    schema: Annotated[
        str | None,
        typer.Argument(metavar="SCHEMA", help="As for `engine extract`."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Argument(metavar="INPUT", help="FILE.jsonl, FILE.csv, a folder, a glob, or - for JSON lines."),
    ] = None,
    output: Annotated[
        Path | None, typer.Argument(metavar="OUTPUT", help="JSON lines, one for each document, in the input's order.")
    ] = None,
    read: Read,
    model: options.Model = None,
    ask: Ask,
    draw: Draw,
    crew: Crew,
    load: Load,
    proceed: Proceed,
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
    if proceed.verify is not None:
        alone = Proceed(verify=proceed.verify, replay=proceed.replay)
        others = (source, output, read, ask, draw, crew, load, proceed)
        if others != (None, None, Read(), Ask(), Draw(), Crew(), Load(), alone):
            raise UsageError("--verify OUTPUT takes SCHEMA, --model and --replay beside it, and nothing else")
        _verify(proceed, schema, _model(model))
        return
    if proceed.show is not None:
        given = (schema, source, output, model, read, ask, draw, crew, load)
        if given != (*[None] * 4, Read(), Ask(), Draw(), Crew(), Load()):
            raise UsageError("--show OUTPUT takes --where beside it, and nothing else")
        _show(proceed)
        return
    if schema is None or source is None or output is None:
        missing = [name for name, given in (("SCHEMA", schema), ("INPUT", source), ("OUTPUT", output)) if given is None]
        raise UsageError(f"batch needs {' and '.join(missing)}; --help has examples")
    named = _absolute(schema)
    workers, settings = crew.settle(load)
    examples, places = read_examples(ask.examples) if ask.examples else ([], [])
    recipe = Recipe(
        partial(read_target, named),
        model=_model(model),
        mode="one" if ask.one else "many",
        instructions=ask.instructions,
        examples=tuple(examples),
        style=ask.style,  # type: ignore[arg-type]
        min_items=ask.min_items,
        max_items=ask.max_items,
        max_tokens=ask.max_tokens,
        sampling=draw.sampling(),
        chunk=_chunk(crew.chunk, ask),
        on_budget=ask.on_budget,  # type: ignore[arg-type]
        search=ask.search,
        grounded=ask.grounding,
        rank=ask.rank,  # type: ignore[arg-type]
        deterministic=crew.deterministic,
        settings=settings,
    )
    found = read.source(source)
    found.notes.tell = partial(typer.echo, err=True)
    views = _Views(proceed.flatten, proceed.csv, recipe)
    if proceed.dry_run:
        refuse_collisions(settled(output), found, views.files, _read(named, ask))
        with _examples_placed(places):
            _estimate(recipe, found if read.limit is None else beginning(found, read.limit), workers)
        return
    with Watch(quiet=proceed.quiet) as watch:
        found.notes.tell = watch.say
        job = Job(
            recipe,
            found,
            output,
            schema=named,
            workers=workers,
            timeout=crew.document_timeout,
            restart=proceed.restart,
            limit=read.limit,
            retry=proceed.kinds(),
            views=views.files,
            reads=_read(named, ask),
            told=watch.update,
            progress=DownloadBar(),
            hands=crew.hands(workers),
        )
        with _examples_placed(places):
            manifest, stopped = _run(job, watch)
    if not proceed.quiet:
        typer.echo(summary(manifest, job.figures), err=True)
    if stopped is not None and manifest.state != "complete":
        typer.echo(f"engine: stopped; the same command goes on behind document {manifest.counts.documents}", err=True)
        raise typer.Exit(128 + stopped)
    if manifest.state != "complete" and not proceed.quiet:
        typer.echo(f"engine: {_trial(manifest)}; without --limit the same command goes on", err=True)
    views.write(job.output, quiet=proceed.quiet)
    if manifest.counts.errors:
        _say_errors(manifest, output, proceed.quiet)
        raise typer.Exit(DOCUMENTS_FAILED)


def _run(job: Job, watch: Watch) -> tuple[Manifest, int | None]:
    """The job's manifest, and the signal that stopped it; `Exit` where a second one ended it at once."""
    came: list[int] = []
    try:
        with _stopping(job, watch, came):
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


def _read(schema: str, ask: Ask) -> tuple[Path, ...]:
    """The files that are read beside INPUT."""
    named = schema if schema.endswith(".json") else schema.rpartition(":")[0]
    files = [Path(named)] if named.endswith((".json", ".py")) else []
    return (*files, ask.examples) if ask.examples is not None else tuple(files)


def _model(model: str | None) -> str | None:
    if model is not None and model.endswith(".gguf"):
        return os.path.abspath(os.path.expanduser(model))
    return model


def _chunk(chunk: str | None, ask: Ask) -> int | Literal["auto"] | None:
    if chunk is None:
        return None
    if ask.one or ask.min_items or ask.max_items is not None:
        raise UsageError("--chunk divides a document's objects; it excludes --one, --min-items and --max-items")
    if chunk == "auto":
        return "auto"
    if not chunk.isdecimal() or int(chunk) < 1:
        raise UsageError(f"--chunk is auto or a number of tokens, not {chunk!r}")
    return int(chunk)


# -- running


@contextmanager
def _examples_placed(places: list[str]) -> Iterator[None]:
    """An example that is wrong is named by its place in the file."""
    try:
        yield
    except ExampleInvalid as error:
        raise UsageError(f"{places[error.index]}: {error}") from error


@contextmanager
def _stopping(job: Job, watch: Watch, came: list[int]) -> Iterator[None]:
    """The first signal lets the job finish what is in work, the second ends it, as the first does where nothing is in work yet;
    the signals that came are put into the list."""

    def receive(number: int, _: FrameType | None) -> None:
        came.append(number)
        if len(came) > 1 or not job.under_way:
            raise KeyboardInterrupt
        watch.say("finishing the documents in work; once more stops at once")
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

    def __init__(self, flatten: Path | None, table: Path | None, recipe: Recipe) -> None:
        self._flatten, self._table = flatten, table
        self._columns = Columns(())
        if table is not None:
            self._columns = columns(read_schema(item_annotation(recipe.read_type())))
            if not self._columns.paths:
                raise UsageError("this schema has no scalar field that a table could have; take --flatten")

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(file for file in (self._flatten, self._table) if file is not None)

    def write(self, output: Path, *, quiet: bool) -> None:
        told = []
        if self._flatten is not None:
            told.append(f"{self._flatten}: {write_rows(output, self._flatten)} rows")
        if self._table is not None:
            omitted = f", without {', '.join(self._columns.omitted)}" if self._columns.omitted else ""
            told.append(f"{self._table}: {write_csv(output, self._table, self._columns)} rows{omitted}")
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


def _estimate(recipe: Recipe, source: Source, workers: int) -> None:
    if not source.repeatable:
        raise UsageError("--dry-run reads the input twice, so it cannot be a stream")
    for line in tell_estimate(estimate(recipe, source, workers=workers), workers):
        typer.echo(line)


def _show(proceed: Proceed) -> None:
    assert proceed.show is not None, "it was asked for"
    if proceed != Proceed(show=proceed.show, where=proceed.where):
        raise UsageError("--show OUTPUT takes --where beside it, and nothing else")
    for line in selected_lines(proceed.show, read_kinds(proceed.where) if proceed.where else KINDS):
        typer.echo(line, nl=False)


def _verify(proceed: Proceed, schema: str | None, model: str | None) -> None:
    assert proceed.verify is not None, "it was asked for"
    findings = verify_output(
        proceed.verify, lambda name: partial(read_target, name), schema=schema, model=model, replay=proceed.replay
    )
    wrong = 0
    for finding in findings:
        wrong += finding.wrong
        typer.echo(f"{'WRONG' if finding.wrong else 'ok   '} {finding.subject + ':':<14} {finding.found}")
    if wrong:
        typer.echo(f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong", err=True)
        raise typer.Exit(1)
