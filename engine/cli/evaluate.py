"""`engine evaluate`: how right the answers are on documents whose answers are known."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic_core import to_jsonable_python
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from engine.cli import options
from engine.cli.extract import SAMPLING
from engine.cli.option_groups import ModelOptions, RequestOptions, SamplingOptions, grouped
from engine.cli.options import DEFAULTS
from engine.cli.schema_argument import read_schema_argument, refuse_doubts
from engine.errors import UsageError
from engine.evaluation.evaluation import Evaluation, evaluate_rows
from engine.evaluation.figures import Difference, difference
from engine.evaluation.labelled import Labelled, LabelledRow, read_labelled, read_labelled_rows
from engine.extraction.extractor import Extractor

evaluate_app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

_SHARES = {
    "fields_right": "fields right", "filled_right": "filled right", "nulls_kept": "nulls kept", "objects_f1": "objects F1",
    "fields_f1": "fields F1", "in_text": "texts that stand in the document", "wrong_but_valid": "wrong, of what came out",
}  # fmt: skip


@evaluate_app.command()
@grouped
def evaluate_command(
    context: typer.Context,
    schema: options.SchemaArgument,
    labelled: Annotated[
        Path,
        typer.Argument(metavar="LABELLED", help='JSON lines: {"id"?, "text", "answer"}, an object or a list of them.'),
    ],
    *,
    limit: Annotated[int | None, typer.Option(min=1, help="Take so many lines.")] = None,
    score: Annotated[
        Path | None, typer.Option("--score", help="Decode nothing: score the rows that --out left in this file.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Leave what came out in this file, a row a document.")
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option("--compare", help="Rows of another model, prompt or setting: how much better is this run?"),
    ] = None,
    worst: Annotated[int, typer.Option(min=0, help="Show so many of the worst documents.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as one JSON object.")] = False,
    model: options.ModelOption = None,
    ask: RequestOptions,
    draw: SamplingOptions,
    load: ModelOptions,
    sequences: options.SequencesOption = DEFAULTS.sequences,
) -> None:
    """Decode documents whose answers are known, and say how right the answers are.

    \b
    engine evaluate models.py:Invoice labelled.jsonl
    engine evaluate models.py:Invoice labelled.jsonl --out small.jsonl
    engine evaluate models.py:Invoice labelled.jsonl --model ollama/openhermes:v2.5 --compare small.jsonl

    Texts are equal without regard to case, white space and punctuation, numbers within 0.5 %; a list of texts counts as the
    F1 of its items. Of several objects each wanted one is paired with the one that is most like it.
    """
    if score is not None and out is not None:
        raise UsageError("--score decodes nothing, so --out would have nothing to leave; leave one of both out")
    if ask.one:
        raise UsageError("the answers in LABELLED say whether a document has one object or a list; leave --one out")
    target = read_schema_argument(schema)
    if ask.strict:
        refuse_doubts(target)
    documents = read_labelled(labelled, limit)
    others = read_labelled_rows(compare) if compare else []
    seconds: float | None = None
    if score is not None:
        rows = _of_documents(read_labelled_rows(score), documents, score)
    else:
        ask = replace(ask, one=not isinstance(documents[0].answer, list))
        typed = options.typed(context)
        extractor = ask.extractor(schema, model, load.settings(sequences), recommended_context="n_ctx" not in typed)
        sampling = draw.sampling()
        chosen = {name: getattr(sampling, name) for name in SAMPLING if name in typed}
        extractor.sampling = replace(extractor.sampling, **chosen)
        begun = time.monotonic()
        with _rows_file(out) as write:
            rows = _decoded(extractor, documents, ask, write)
        seconds = time.monotonic() - begun
    evaluation = _evaluation(target, rows)
    better: Difference | None = None
    if compare is not None:
        other = _evaluation(target, _of_documents(others, documents, compare))
        better = difference(other.tallies, evaluation.tallies, many=evaluation.many)
    _report(evaluation, better, seconds, worst, as_json=as_json)


def _decoded(
    extractor: Extractor, documents: Sequence[Labelled], ask: RequestOptions, write: Callable[[LabelledRow], None]
) -> list[LabelledRow]:
    """What comes out for each document; one that fails is a row with its error."""
    console = Console(stderr=True)
    columns = (TextColumn("documents"), MofNCompleteColumn(), TimeElapsedColumn())
    rows = []
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        shown = bar.add_task("", total=len(documents))
        results = extractor.batch(
            [(x.id, x.text) for x in documents],
            max_tokens=ask.max_tokens,
            max_value_tokens=ask.max_value_tokens,
            loops=ask.loops,  # type: ignore[arg-type]
            on_budget=ask.on_budget,  # type: ignore[arg-type]
            max_backtracks=ask.max_backtracks,
        )
        for document, result in zip(documents, results, strict=True):
            values = to_jsonable_python(result.values)
            output = None if result.error else values if not ask.one else next(iter(values), None)
            error = str(result.error) if result.error else None
            sure = {where: one.probability for where, one in result.confidence.items()}
            rows.append(LabelledRow(document, output, error, result.finish, sure))
            write(rows[-1])
            bar.advance(shown)
    return rows


def _of_documents(rows: Sequence[LabelledRow], documents: Sequence[Labelled], path: Path) -> list[LabelledRow]:
    """The rows of just these documents, in their order, with the answers that are known now."""
    by_id = {row.document.id: row for row in rows}
    for document in documents:
        row = by_id.get(document.id)
        if row is None or row.document.text != document.text:
            raise UsageError(
                f"{path}: no row of the document {document.id!r}, or of another text; make it from the same documents"
            )
    return [replace(by_id[x.id], document=x) for x in documents]


@contextmanager
def _rows_file(path: Path | None) -> Iterator[Callable[[LabelledRow], None]]:
    """Writes each row as it comes, so that an interrupted run leaves those that it had."""
    if path is None:
        yield lambda row: None
        return
    try:
        with path.open("w", encoding="utf-8") as stream:
            yield lambda row: print(json.dumps(row.as_json(), ensure_ascii=False), file=stream, flush=True)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error


def _evaluation(target: Any, rows: Sequence[LabelledRow]) -> Evaluation:
    try:
        return evaluate_rows(target, rows)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _as_json(evaluation: Evaluation, seconds: float | None) -> dict[str, Any]:
    closed = sum(row.finish in ("budget", "loop") for row in evaluation.rows)
    figures = evaluation.figures.as_json() | {"closed_by_budget": closed}
    if evaluation.reliability is not None:
        figures |= {"confidence": evaluation.reliability.as_json()}
    return figures | ({} if seconds is None else {"documents_per_second": round(len(evaluation.rows) / seconds, 3)})


def _tables(evaluation: Evaluation, seconds: float | None, worst: int) -> Iterator[Table]:
    """All figures, those of each field, and the worst documents with what was wanted beside what came out."""
    figures = _as_json(evaluation, seconds)
    whole = Table("", "", show_header=False)
    for name, title in _SHARES.items():
        if name in figures:
            whole.add_row(title, f"{figures[name]:.3f}")
    whole.add_row("invalid or failed", f"{figures['invalid']} of {figures['documents']}")
    whole.add_row("closed by --max-tokens", str(figures["closed_by_budget"]))
    if "confidence" in figures:
        surest = figures["confidence"]["right_of_surest"]
        shown = ", ".join(f"{surest[cover]:.3f} of {float(cover):.0%}" for cover in ("0.1", "0.3", "0.5", "1"))
        whole.add_row("right among the surest values", shown)
        whole.add_row("Brier score of their confidence", f"{figures['confidence']['brier']:.3f}")
    if seconds is not None:
        whole.add_row("documents a second", f"{figures['documents_per_second']:.2f}")
    yield whole
    columns = ("share", "right", "wrong", "missing", "null kept", "invented")
    fields = Table("field")
    for column in columns:
        fields.add_column(column, justify="right")
    for name, counts in figures["fields"].items():
        share = counts["share"]
        fields.add_row(name, "–" if share is None else f"{share:.2f}", *(f"{counts[x]:g}" for x in columns[1:]))
    yield fields
    rows = evaluation.worst(worst)
    if rows:
        beside = Table("document", "wanted", "came out", title="the worst documents", show_lines=True)
        for row, of_row in rows:
            got = row.error or json.dumps(row.output, ensure_ascii=False, indent=1)
            wanted = json.dumps(row.document.answer, ensure_ascii=False, indent=1)
            beside.add_row(
                Text(f"{row.document.id}: {of_row.headline:.2f}\n{_shortened(row.document.text)}"),
                Text(wanted),
                Text(got),
            )
        yield beside


def _shortened(text: str, most: int = 400) -> str:
    """The beginning of a document, as much as a table can show."""
    return text if len(text) <= most else f"{text[:most]} …"


def _report(
    evaluation: Evaluation, better: Difference | None, seconds: float | None, worst: int, *, as_json: bool
) -> None:
    if as_json:
        figures = _as_json(evaluation, seconds)
        if better is not None:
            figures["difference"] = {"value": better.value, "low": better.low, "high": better.high}
        typer.echo(json.dumps(figures, ensure_ascii=False))
        return
    console = Console()
    for table in _tables(evaluation, seconds, worst):
        console.print(table)
    if better is not None:
        name = "fields F1" if evaluation.many else "fields right"
        sure = "" if better.certain else "; that may be chance"
        interval = f"{better.low:+.3f} to {better.high:+.3f}"
        console.print(f"{name}: {better.value:+.3f} against the other run (95 %: {interval}){sure}", highlight=False)
