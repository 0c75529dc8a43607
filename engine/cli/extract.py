"""`engine extract`: documents in, objects out as they are decoded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from engine.cli import options
from engine.cli.application import exit_code
from engine.cli.documents import Documents
from engine.cli.figures import figures, stages
from engine.cli.models import DownloadBar
from engine.cli.options import DEFAULTS, model_settings
from engine.cli.output import JsonLines, LiveTable, Output
from engine.cli.target import read_target
from engine.decoding.sampler import Sampling
from engine.errors import EngineError, ExtractionFailed, UsageError
from engine.extraction.extraction import Extraction
from engine.extraction.extractor import Extractor

SAMPLING = ("temperature", "top_p", "top_k", "min_p", "seed")

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def extract(
    context: typer.Context,
    schema: options.Schema,
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE", help="Each is one document; - or nothing is standard input."),
    ] = None,
    lines: Annotated[bool, typer.Option("--lines", help="Each line of each FILE is a document.")] = False,
    model: options.Model = None,
    instructions: Annotated[str | None, typer.Option(help="Added to the description of the task.")] = None,
    examples: Annotated[
        Path | None, typer.Option(help='JSON lines of solved examples: {"text": "…", "answer": [{…}]}.')
    ] = None,
    one: Annotated[bool, typer.Option("--one", help="One object for each document, not a list.")] = False,
    min_items: Annotated[int, typer.Option(help="At least so many objects in each document.")] = 0,
    max_items: Annotated[int | None, typer.Option(help="At most so many objects in each document.")] = None,
    max_tokens: options.MaxTokens = 1024,
    style: options.Style = "spaced",
    temperature: options.Temperature = 0.0,
    top_p: options.TopP = 1.0,
    top_k: options.TopK = 0,
    min_p: options.MinP = 0.0,
    seed: options.Seed = None,
    n_ctx: options.NCtx = DEFAULTS.n_ctx,
    threads: options.Threads = None,
    gpu_layers: options.GpuLayers = DEFAULTS.gpu_layers,
    kv_type: options.KvType = DEFAULTS.kv_type,
    sequences: options.Sequences = DEFAULTS.sequences,
    table: Annotated[bool, typer.Option("--table", help="A live table instead of JSON lines.")] = False,
    detailed: Annotated[
        bool, typer.Option("--detailed", help="Each line also has the document and the text that the model wrote.")
    ] = False,
    show_prompt: Annotated[bool, typer.Option("--show-prompt", help="Print the first prompt and stop.")] = False,
    stats: Annotated[bool, typer.Option("--stats", help="End with a line of figures on standard error.")] = False,
    collect_errors: Annotated[
        bool, typer.Option("--collect-errors", help="Report documents that fail, and end with 0 all the same.")
    ] = False,
    verbose: options.Verbose = False,
) -> None:
    """Extract typed objects from documents: one JSON object a line, each as soon as it is decoded.

    \b
    engine extract 'name, age int' letter.txt
    engine extract 'city, born date?: day of birth, tags str[], size small|large' --lines < notes.txt
    engine extract models.py:Invoice scans/*.txt --one --table
    engine extract schema.json --model ollama/openhermes:v2.5 letter.txt

    \b
    Fields in one line:  NAME [TYPE] [?] [: DESCRIPTION], ...
      TYPE         str (if none is given), int, float, bool, date, datetime, time, uuid,
                   or a choice of texts as in small|large; TYPE[] is a list of it
      ?            may be unknown, and is null then
      DESCRIPTION  goes into the prompt; one with a comma stands in double quotes
    """
    if one and (min_items != 0 or max_items is not None):
        raise UsageError("--one is one object for each document; it excludes --min-items and --max-items")
    if table and detailed:
        raise UsageError("--table and --detailed exclude each other")
    documents = Documents(files or (), lines=lines)
    sampling = Sampling(temperature, top_p, top_k, min_p, seed)
    typed = options.typed(context)
    extractor = Extractor(
        read_target(schema),
        model=model,
        mode="one" if one else "many",
        instructions=instructions,
        examples=_read_examples(examples) if examples else (),
        style=style,  # type: ignore[arg-type]
        min_items=min_items,
        max_items=max_items,
        settings=model_settings(n_ctx, threads, gpu_layers, kv_type, sequences, verbose),
        recommended_context="n_ctx" not in typed,
        progress=DownloadBar(),
    )
    chosen = {name: getattr(sampling, name) for name in SAMPLING if name in typed}
    if show_prompt:
        typer.echo(extractor.prompt(next(documents, "")))
        return
    extraction = extractor.extract(
        documents, max_tokens=max_tokens, sampling=replace(extractor.sampling, **chosen), errors="collect"
    )
    report = _Report(documents, extraction)
    output: Output = LiveTable() if table else JsonLines(detailed=detailed)
    with extraction:
        _write(extraction, report, output, hidden=table)
    if stats:
        typer.echo(f"{figures(extraction.stats)}\n{stages(extraction.stats)}", err=True)
    if report.failures and not collect_errors:
        raise typer.Exit(report.exit_code())


def _write(extraction: Extraction[Any], report: _Report, output: Output, *, hidden: bool) -> None:
    with _progress(extraction, report.console, hidden=hidden) as tell, output:
        for result in extraction.detailed():
            output.write(result, report.documents.name(result.document))
            tell()
            if not hidden:  # a live table would be torn apart
                report.update()
    report.update()


@dataclass(slots=True)
class _Report:
    """Tells on standard error how documents ended that did not simply complete."""

    documents: Documents
    extraction: Extraction[Any]
    console: Console = field(default_factory=lambda: Console(stderr=True, soft_wrap=True))
    seen: int = 0
    failures: list[EngineError] = field(default_factory=list)

    def update(self) -> None:
        for outcome in self.extraction.outcomes[self.seen :]:
            self.seen += 1
            name = self.documents.name(outcome.document)
            if outcome.error is not None:
                self.failures.append(outcome.error)
                trouble = self.documents.trouble(outcome.document) or str(outcome.error)
                self._say(f"{name}: {trouble}")
            elif outcome.finish == "budget":
                self._say(f"{name}: --max-tokens was reached, so the output was closed early")
            self.documents.forget(outcome.document)

    def _say(self, text: str) -> None:
        # Through the console, which knows how to write above a line of progress.
        self.console.print(text, markup=False, highlight=False)

    def exit_code(self) -> int:
        """The only document's failure says what it was; of several documents some may have been printed."""
        alone = self.extraction.stats.documents == 1
        return exit_code(self.failures[0] if alone else ExtractionFailed(self.extraction.errors))


@contextmanager
def _progress(extraction: Extraction[Any], console: Console, *, hidden: bool) -> Iterator[Any]:
    """A line on standard error while the results go elsewhere; in a terminal the results show it themselves."""
    if hidden or not console.is_terminal or Console().is_terminal:
        yield lambda: None
        return
    with console.status("reading the first document") as status:
        yield lambda: status.update(figures(extraction.stats))


def _read_examples(path: Path) -> list[tuple[str, Any]]:
    examples = []
    try:
        with path.open(encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, start=1):
                if not line.strip():
                    continue
                row = json.loads(line)
                if not isinstance(row, dict) or set(row) != {"text", "answer"} or not isinstance(row["text"], str):
                    raise UsageError(f'{path}, line {number}: an example is {{"text": "…", "answer": …}}')
                examples.append((row["text"], row["answer"]))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path}: not JSON lines: {error}") from error
    return examples
