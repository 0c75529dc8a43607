"""`engine batch`: very many documents, each exactly once in the output."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Annotated, Literal

import typer

from engine.cli import options
from engine.cli.batch_progress import Watch, summary, tell_estimate
from engine.cli.examples import read_examples
from engine.cli.models import DownloadBar
from engine.cli.options import DEFAULTS, model_settings
from engine.cli.target import read_target
from engine.decoding.generation import SEARCH
from engine.decoding.processors import usable_cores
from engine.decoding.sampler import Sampling
from engine.decoding.settings import ModelSettings
from engine.errors import UsageError
from engine.extraction.compilation import read_schema
from engine.jobs.estimate import estimate
from engine.jobs.job import Job
from engine.jobs.manifest import Manifest
from engine.jobs.recipe import Recipe
from engine.jobs.source import DEFAULT_GLOB, Fields, Source, open_source
from engine.jobs.table import columns, write_csv, write_rows
from engine.jobs.verification import verify as verify_output
from engine.objects.item import item_annotation

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
DOCUMENTS_FAILED = 1
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@app.command()
def batch(
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
    input_format: Annotated[
        str | None, typer.Option(help="jsonl, csv, tsv, lines (each is a document), or files; else INPUT's name says.")
    ] = None,
    text_field: Annotated[str, typer.Option(help="The field of a row that is the text.")] = "text",
    id_field: Annotated[
        str | None,
        typer.Option(help="The field that is the id; without it: id if there is one, else the row's number."),
    ] = None,
    glob: Annotated[str | None, typer.Option(help=f"Which files of a folder; {DEFAULT_GLOB} if not given.")] = None,
    model: options.Model = None,
    instructions: Annotated[str | None, typer.Option(help="Added to the description of the task.")] = None,
    examples: Annotated[
        Path | None, typer.Option(help='JSON lines of solved examples: {"text": "…", "answer": [{…}]}.')
    ] = None,
    one: Annotated[bool, typer.Option("--one", help="One object for each document, not a list.")] = False,
    min_items: Annotated[int, typer.Option(help="At least so many objects in each document.")] = 0,
    max_items: Annotated[int | None, typer.Option(help="At most so many objects in each document.")] = None,
    max_tokens: options.MaxTokens = 1024,
    on_budget: options.OnBudget = "mark",
    search: options.Search = SEARCH,
    style: options.Style = "spaced",
    temperature: options.Temperature = 0.0,
    top_p: options.TopP = 1.0,
    top_k: options.TopK = 0,
    min_p: options.MinP = 0.0,
    seed: options.Seed = None,
    chunk: Annotated[
        str | None, typer.Option(metavar="auto|N", help="Cut long texts into pieces of N tokens, or of what fits.")
    ] = None,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="No result depends on neighbours: one document a context, slower.")
    ] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes; they share the model's memory.")] = None,
    n_ctx: options.NCtx = DEFAULTS.n_ctx,
    threads: Annotated[int | None, typer.Option(help="Of each worker; without it they share the cores.")] = None,
    gpu_layers: options.GpuLayers = DEFAULTS.gpu_layers,
    kv_type: options.KvType = DEFAULTS.kv_type,
    sequences: Annotated[int | None, typer.Option(help="Documents that a worker decodes at once.")] = None,
    document_timeout: Annotated[
        float | None, typer.Option(help="Seconds after which a document is given up and becomes an error.")
    ] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Delete what OUTPUT has and begin anew.")] = False,
    retry_errors: Annotated[
        bool, typer.Option("--retry-errors", help="Decode the documents that ended in an error again.")
    ] = False,
    flatten: Annotated[
        Path | None, typer.Option(metavar="FILE", help="When all is done, also write one JSON line an object.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="When all is done, also write a table of the scalar fields.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count documents and tokens, say what does not fit, estimate; then stop.")
    ] = False,
    verify: Annotated[
        Path | None, typer.Option(metavar="OUTPUT", help="Check the output of a job instead of running one.")
    ] = None,
    replay: Annotated[int, typer.Option(min=0, help="With --verify: decode so many documents again.")] = 0,
    ray: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Run on a Ray cluster (extra [ray]); local starts one here.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no figures.")] = False,
    verbose: options.Verbose = False,
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
    the job ends with 1 when all is done; a job that cannot start or go on ends with 6. Ctrl-C finishes the
    documents in work (130; SIGTERM 143), a second one stops at once; both leave a job that goes on.
    """
    if verify is not None:
        if source is not None or output is not None:
            raise UsageError("--verify OUTPUT takes at most a SCHEMA beside it")
        _verify(verify, schema, replay)
        return
    if schema is None or source is None or output is None:
        raise UsageError("engine batch needs SCHEMA, INPUT and OUTPUT; see engine batch --help")
    if replay:
        raise UsageError("--replay belongs to --verify")
    if document_timeout is not None and not document_timeout > 0:
        raise UsageError(f"--document-timeout is a number of seconds above 0, not {document_timeout:g}")
    named = _absolute(schema)
    crew, settings = _crew(
        deterministic,
        workers,
        threads,
        sequences,
        partial(model_settings, n_ctx=n_ctx, gpu_layers=gpu_layers, kv_type=kv_type, verbose=verbose),
    )
    recipe = Recipe(
        partial(read_target, named),
        model=_model(model),
        mode="one" if one else "many",
        instructions=instructions,
        examples=tuple(read_examples(examples)[0]) if examples else (),
        style=style,  # type: ignore[arg-type]
        min_items=min_items,
        max_items=max_items,
        max_tokens=max_tokens,
        sampling=Sampling(temperature, top_p, top_k, min_p, seed),
        chunk=_chunk(chunk, one, min_items, max_items),
        on_budget=on_budget,  # type: ignore[arg-type]
        search=search,
        deterministic=deterministic,
        settings=settings,
    )
    found = open_source(source, format=input_format, fields=Fields(text_field, id_field), pattern=glob)
    if dry_run:
        _estimate(recipe, found, crew)
        return
    hands = None
    if ray is not None:
        from engine.jobs.ray import hands_of

        hands = hands_of(ray, workers=crew, timeout=document_timeout)
    with Watch(quiet=quiet) as watch:
        job = Job(
            recipe,
            found,
            output,
            schema=named,
            workers=crew,
            timeout=document_timeout,
            restart=restart,
            retry_errors=retry_errors,
            told=watch.update,
            progress=DownloadBar(),
            hands=hands,
        )
        with _stopping(job, watch) as stopped:
            manifest = job.run()
    if not quiet:
        typer.echo(summary(manifest, job.figures), err=True)
    if stopped and manifest.state != "complete":
        typer.echo(f"engine: stopped; the same command goes on behind document {manifest.counts.documents}", err=True)
        raise typer.Exit(128 + stopped[0])
    _views(recipe, output, flatten, csv)
    if manifest.counts.errors:
        _say_errors(manifest, output, quiet)
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


def _chunk(chunk: str | None, one: bool, min_items: int, max_items: int | None) -> int | Literal["auto"] | None:
    if chunk is None:
        return None
    if one or min_items or max_items is not None:
        raise UsageError("--chunk divides a document's objects; it excludes --one, --min-items and --max-items")
    if chunk == "auto":
        return "auto"
    if not chunk.isdecimal() or int(chunk) < 1:
        raise UsageError(f"--chunk is auto or a number of tokens, not {chunk!r}")
    return int(chunk)


def _crew(
    deterministic: bool,
    workers: int | None,
    threads: int | None,
    sequences: int | None,
    settings: Callable[..., ModelSettings],
) -> tuple[int, ModelSettings]:
    """How many workers, and the settings of each.

    A deterministic job has one sequence and, unless told otherwise, one thread a context: then its results do not depend
    on how many cores a machine has, and its workers use them all.
    """
    cores = usable_cores()
    if deterministic:
        if sequences not in (None, 1):
            raise UsageError("--deterministic decodes one document a context; it excludes --sequences")
        threads = threads or 1
        return workers or max(1, cores // threads), settings(threads=threads, sequences=1)
    workers = workers or 1
    if threads is None and workers > 1:
        threads = max(1, cores // workers)
    return workers, settings(threads=threads, sequences=sequences or DEFAULTS.sequences)


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
