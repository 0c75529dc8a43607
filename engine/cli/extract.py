"""`engine extract`: documents in, objects out as they are decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from engine.cli import options
from engine.cli.application import exit_code
from engine.cli.documents import Documents
from engine.cli.kept_results import KeptResults
from engine.cli.marked_text import MarkedTexts
from engine.cli.option_groups import ModelOptions, RequestOptions, SamplingOptions, grouped
from engine.cli.options import DEFAULTS
from engine.cli.output import JsonLines, LiveTable, Output
from engine.cli.stats_line import stage_times, stats_line
from engine.errors import EngineError, ExtractionFailed, TextUnreadable, UsageError, listed
from engine.extraction.extraction import Extraction
from engine.report.html_report import write_report
from engine.report.report_document import ReportDocument

SAMPLING = ("temperature", "top_p", "top_k", "min_p", "seed")

extract_app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """Options of the output: what is written."""

    table: Annotated[bool, typer.Option("--table", help="A live table instead of JSON lines.")] = False
    detailed: Annotated[
        bool,
        typer.Option(
            "--detailed", help="Each line also has its document, its text as the model wrote it, and what is cut."
        ),
    ] = False
    explain: Annotated[
        bool, typer.Option("--explain", help="The texts with their values in colour, and where each stands.")
    ] = False
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="At the end, also write a page with the texts and their values marked."),
    ] = None
    show_prompt: Annotated[bool, typer.Option("--show-prompt", help="Print the first prompt and stop.")] = False
    stats: Annotated[bool, typer.Option("--stats", help="End with a line of statistics on standard error.")] = False
    collect_errors: Annotated[
        bool, typer.Option("--collect-errors", help="Report documents that fail, and end with 0 all the same.")
    ] = False

    def __post_init__(self) -> None:
        if self.table + self.detailed + self.explain > 1:
            raise UsageError("--table, --detailed and --explain are three outputs; give one of them")
        if self.html is not None and (self.html.is_dir() or not self.html.parent.is_dir()):
            raise UsageError(f"{self.html} cannot be written: there is no such folder, or it is one")

    def output(self) -> Output:
        if self.explain:
            return MarkedTexts()
        return LiveTable() if self.table else JsonLines(detailed=self.detailed)


@extract_app.command()
@grouped
def extract_command(
    context: typer.Context,
    schema: options.SchemaArgument,
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE", help="Each is one document; without one, or for -, standard input is."),
    ] = None,
    *,
    lines: Annotated[bool, typer.Option("--lines", help="Each line of each FILE that is not blank is one.")] = False,
    encoding: options.Encoding = None,
    model: options.ModelOption = None,
    ask: RequestOptions,
    draw: SamplingOptions,
    load: ModelOptions,
    sequences: options.SequencesOption = DEFAULTS.sequences,
    show: OutputOptions,
) -> None:
    """Extract typed objects from documents: one JSON object a line, each as soon as it is decoded.

    \b
    engine extract 'name, age int' letter.txt
    engine extract 'city, born date?: day of birth, tags str[], size small|large' --lines < notes.txt
    engine extract 'title, authors[name, year int], venue{city, country}' paper.txt
    engine extract models.py:Invoice scans/*.txt --one --table
    engine extract schema.json --model ollama/openhermes:v2.5 letter.txt

    \b
    Fields in one line:  NAME [TYPE] [?] [: DESCRIPTION], ...
      TYPE         str (if none is given), int, float, bool, date, datetime, time, uuid,
                   or a choice of texts as in small|large; TYPE[] is a list of it;
                   NAME{FIELD, ...} is an object, NAME[FIELD, ...] a list of objects
      ?            may be unknown, and is null then
      DESCRIPTION  goes into the prompt; one with a comma stands in double quotes
    """
    documents = Documents(files or (), lines=lines, encoding=encoding)
    sampling = draw.sampling()
    typed = options.typed(context)
    extractor = ask.extractor(schema, model, load.settings(sequences), recommended_context="n_ctx" not in typed)
    chosen = {name: getattr(sampling, name) for name in SAMPLING if name in typed}
    if show.show_prompt:
        typer.echo(extractor.prompt(_first_text(documents)))
        return
    kept = KeptResults(forget=show.html is None) if show.explain or show.html is not None else None
    extraction = extractor.extract(
        documents if kept is None else kept.texts(documents),  # type: ignore[arg-type]
        max_tokens=ask.max_tokens,
        sampling=replace(extractor.sampling, **chosen),
        errors="collect",
        max_value_tokens=ask.max_value_tokens,
        loops=ask.loops,  # type: ignore[arg-type]
        on_budget=ask.on_budget,  # type: ignore[arg-type]
        max_backtracks=ask.max_backtracks,
    )
    output = show.output()
    report = _Report(documents, extraction, kept, output.show if isinstance(output, MarkedTexts) else None)
    with extraction:
        _write(extraction, report, output, hidden=show.table)
    if kept is not None and show.html is not None:
        for path in write_report(kept.documents, show.html, title=show.html.stem, many=not ask.one):
            typer.echo(path, err=True)
    if show.stats:
        typer.echo(f"{stats_line(extraction.stats)}\n{stage_times(extraction.stats)}", err=True)
    if report.failure is not None and not show.collect_errors:
        raise typer.Exit(report.exit_code())


def _first_text(documents: Documents) -> str:
    first = next(documents, "")
    if isinstance(first, TextUnreadable):
        raise first
    return first


def _write(extraction: Extraction[Any], report: _Report, output: Output, *, hidden: bool) -> None:
    with _progress(extraction, report.console, hidden=hidden) as tell, output:
        for result in extraction.detailed():
            output.write(result, report.documents.name(result.document))
            if report.kept is not None:
                report.kept.add(result)
            tell()
            if not hidden:  # a live table would be torn apart
                report.update()
    report.update()


@dataclass(slots=True)
class _Report:
    """Reports on standard error the documents that did not complete."""

    documents: Documents
    extraction: Extraction[Any]
    kept: KeptResults | None = None
    show: Callable[[ReportDocument], None] | None = None
    console: Console = field(default_factory=lambda: Console(stderr=True, soft_wrap=True))
    failure: EngineError | None = None  # the first

    def update(self) -> None:
        while self.documents.notes:
            self._say(self.documents.notes.pop(0))
        outcomes = self.extraction.outcomes
        while outcomes:  # taken out, or an endless input would fill the memory
            outcome = outcomes.pop(0)
            name = self.documents.name(outcome.document)
            if self.kept is not None:
                ended = self.kept.end(outcome, name)
                if self.show is not None:
                    self.show(ended)
            if isinstance(outcome.error, TextUnreadable):
                self._say(str(outcome.error))
            elif outcome.error is not None:
                self._say(f"{name}: {outcome.error}")
            elif outcome.finish == "budget":
                self._say(f"{name}: --max-tokens was reached, which changed {listed(outcome.cut)}")
            elif outcome.finish == "loop":
                self._say(f"{name}: the model repeated itself, which was ended in {listed(outcome.cut)}")
            self.failure = self.failure or outcome.error
            self.documents.forget(outcome.document)

    def _say(self, text: str) -> None:
        # Through the console, which knows how to write above a line of progress.
        self.console.print(text, markup=False, highlight=False)

    def exit_code(self) -> int:
        """The only document's failure says what it was; of several documents some may have been printed."""
        alone = self.extraction.stats.documents == 1
        return exit_code(self.failure if alone and self.failure is not None else ExtractionFailed({}))


@contextmanager
def _progress(extraction: Extraction[Any], console: Console, *, hidden: bool) -> Iterator[Any]:
    """A line on standard error while the results go elsewhere; in a terminal the results show it themselves."""
    if hidden or not console.is_terminal or Console().is_terminal:
        yield lambda: None
        return
    with console.status("reading the first document") as status:
        yield lambda: status.update(stats_line(extraction.stats))
