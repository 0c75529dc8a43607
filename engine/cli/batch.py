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
from engine.errors import UsageError
from engine.extraction.compilation import read_schema
from engine.jobs.estimate import estimate
from engine.jobs.job import Hands, Job
from engine.jobs.manifest import Manifest
from engine.jobs.recipe import Recipe
from engine.jobs.source import DEFAULT_GLOB, Fields, Source, open_source
from engine.jobs.table import columns, write_csv, write_rows
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
    glob: Annotated[str | None, typer.Option(help=f"Which files of a folder; {DEFAULT_GLOB} if not given.")] = None

    def source(self, name: str) -> Source:
        fields = Fields(self.text_field, self.id_field)
        return open_source(name, format=self.input_format, fields=fields, pattern=self.glob)


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
    retry_errors: Annotated[
        bool, typer.Option("--retry-errors", help="Decode the documents that ended in an error again.")
    ] = False
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

    def __post_init__(self) -> None:
        if self.replay and self.verify is None:
            raise UsageError("--replay belongs to --verify")


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
    engine batch --verify out.jsonl --replay 5

    \b
    Started again with the same arguments, a job goes on where it stopped. Beside OUTPUT it keeps
    OUTPUT.manifest.json and OUTPUT.certificate.json. A document that fails is a line with an error, and
    the job ends with 1 when all is done; a job that cannot start or go on ends with 7. Ctrl-C finishes the
    documents in work (130; SIGTERM 143), a second one stops at once; both leave a job that goes on.
    """
    if proceed.verify is not None:
        if source is not None or output is not None:
            raise UsageError("--verify OUTPUT takes at most a SCHEMA beside it")
        _verify(proceed.verify, schema, proceed.replay)
        return
    if schema is None or source is None or output is None:
        raise UsageError("engine batch needs SCHEMA, INPUT and OUTPUT; see engine batch --help")
    named = _absolute(schema)
    workers, settings = crew.settle(load)
    recipe = Recipe(
        partial(read_target, named),
        model=_model(model),
        mode="one" if ask.one else "many",
        instructions=ask.instructions,
        examples=tuple(read_examples(ask.examples)[0]) if ask.examples else (),
        style=ask.style,  # type: ignore[arg-type]
        min_items=ask.min_items,
        max_items=ask.max_items,
        max_tokens=ask.max_tokens,
        sampling=draw.sampling(),
        chunk=_chunk(crew.chunk, ask),
        on_budget=ask.on_budget,  # type: ignore[arg-type]
        search=ask.search,
        deterministic=crew.deterministic,
        settings=settings,
    )
    found = read.source(source)
    if proceed.dry_run:
        _estimate(recipe, found, workers)
        return
    with Watch(quiet=proceed.quiet) as watch:
        job = Job(
            recipe,
            found,
            output,
            schema=named,
            workers=workers,
            timeout=crew.document_timeout,
            restart=proceed.restart,
            retry_errors=proceed.retry_errors,
            told=watch.update,
            progress=DownloadBar(),
            hands=crew.hands(workers),
        )
        with _stopping(job, watch) as stopped:
            manifest = job.run()
    if not proceed.quiet:
        typer.echo(summary(manifest, job.figures), err=True)
    if stopped and manifest.state != "complete":
        typer.echo(f"engine: stopped; the same command goes on behind document {manifest.counts.documents}", err=True)
        raise typer.Exit(128 + stopped[0])
    _views(recipe, output, proceed.flatten, proceed.csv)
    if manifest.counts.errors:
        _say_errors(manifest, output, proceed.quiet)
        raise typer.Exit(DOCUMENTS_FAILED)


# -- arguments


def _absolute(schema: str) -> str:
    """What is named by a file is found from any folder, which `--verify` may be called in."""
    path, colon, attribute = schema.rpartition(":")
    if schema.endswith(".json"):
        return os.path.abspath(schema)
    return f"{os.path.abspath(path)}{colon}{attribute}" if path.endswith(".py") else schema


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
def _stopping(job: Job, watch: Watch) -> Iterator[list[int]]:
    """The first signal lets the job finish what is in work, the second ends it; the signals that came are in the list."""
    came: list[int] = []

    def receive(number: int, _: FrameType | None) -> None:
        came.append(number)
        if len(came) > 1:
            raise KeyboardInterrupt
        watch.say("finishing the documents in work; once more stops at once")
        job.stop()

    if threading.current_thread() is not threading.main_thread():  # only it may receive signals
        yield came
        return
    before = [signal.signal(number, receive) for number in _SIGNALS]
    try:
        yield came
    finally:
        for number, handler in zip(_SIGNALS, before, strict=True):
            signal.signal(number, handler)


def _views(recipe: Recipe, output: Path, flatten: Path | None, table: Path | None) -> None:
    if flatten is not None:
        typer.echo(f"{flatten}: {write_rows(output, flatten)} rows", err=True)
    if table is not None:
        shown = columns(read_schema(item_annotation(recipe.read_type())))
        if not shown.paths:
            raise UsageError("this schema has no scalar field that a table could have; take --flatten")
        omitted = f", without {', '.join(shown.omitted)}" if shown.omitted else ""
        typer.echo(f"{table}: {write_csv(output, table, shown)} rows{omitted}", err=True)


def _say_errors(manifest: Manifest, output: Path, quiet: bool) -> None:
    count = manifest.counts.errors
    if not quiet:
        what = "document ended" if count == 1 else "documents ended"
        typer.echo(f"engine: {count} {what} in an error, see {output}; --retry-errors decodes them again", err=True)


# -- without running


def _estimate(recipe: Recipe, source: Source, workers: int) -> None:
    if not source.repeatable:
        raise UsageError("--dry-run reads the input twice, so it cannot be a stream")
    for line in tell_estimate(estimate(recipe, source, workers=workers), workers):
        typer.echo(line)


def _verify(output: Path, schema: str | None, replay: int) -> None:
    wrong = 0
    for finding in verify_output(output, lambda name: partial(read_target, name), schema=schema, replay=replay):
        wrong += finding.wrong
        typer.echo(f"{'WRONG' if finding.wrong else 'ok   '} {finding.subject + ':':<14} {finding.found}")
    if wrong:
        typer.echo(f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong", err=True)
        raise typer.Exit(1)
