"""`engine bench`: the figures of the README, made on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from engine.bench.decode import Comparison, compare, total
from engine.bench.examples import EXAMPLES, Example
from engine.bench.masks import as_line, read_cases, run_case, summarise
from engine.cli import options
from engine.cli.models import DownloadBar
from engine.cli.options import DEFAULTS
from engine.cli.target import read_target
from engine.decoding.loaded import load
from engine.errors import UsageError
from engine.extraction.extractor import shared_walks
from engine.models import resolve

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Measure decoding and masks.",
)


@app.command(short_help="Extraction against plain decoding of the same text.")
def decode(
    data: Annotated[
        Path | None, typer.Option(help='Texts of your own: JSON lines with "text"; needs --schema.')
    ] = None,
    schema: Annotated[str | None, typer.Option(help="What to extract from them, as for `engine extract`.")] = None,
    limit: Annotated[int | None, typer.Option(help="Take so many texts.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Of both kinds, in turn; medians are shown.")] = 3,
    model: options.Model = None,
    threads: options.Threads = None,
    max_tokens: options.MaxTokens = 384,
) -> None:
    """Compare extraction with plain decoding of the very same text, unconstrained, in the same process.

    A ratio above 1 means that the constrained run was the faster one.

    \b
    engine bench decode
    engine bench decode --data receipts.jsonl --schema 'company, date date, total float' --limit 20
    """
    examples = _examples(data, schema) if data else iter(EXAMPLES)
    chosen = [example for example, _ in zip(examples, range(limit), strict=False)] if limit else list(examples)
    resolve(model, progress=DownloadBar())
    settings = replace(DEFAULTS, threads=threads)
    console = Console(stderr=True)
    with console.status("") as status:
        rows = list(
            compare(chosen, model=model, settings=settings, rounds=rounds, max_tokens=max_tokens, tell=status.update)
        )
    if rows:
        Console().print(_decode_table(rows))


def _decode_table(rows: list[Comparison]) -> Table:
    table = Table("text", title="bytes of output a second, median")
    for name in ("bytes", "tokens", "forced", "constrained", "plain", "ratio"):
        table.add_column(name, justify="right")
    for row in rows:
        size = len(row.output)
        rates = f"{size / row.constrained:.0f}", f"{size / row.unconstrained:.0f}"
        table.add_row(row.name, str(size), str(row.tokens), str(row.forced), *rates, f"{row.ratio:.2f}")
    table.add_section()
    table.add_row("all", str(sum(len(row.output) for row in rows)), "", "", "", "", f"{total(rows):.2f}")
    return table


def _examples(path: Path, schema: str | None) -> Iterator[Example]:
    if schema is None:
        raise UsageError("--data needs --schema: what is to be extracted from its texts")
    target = read_target(schema)
    try:
        with path.open(encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, start=1):
                row = json.loads(line)
                if not isinstance(row, dict) or not isinstance(row.get("text"), str):
                    raise UsageError(f'{path}, line {number}: no member "text"')
                yield Example(f"line {number}", row["text"], target)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path}: not JSON lines: {error}") from error


@app.command(short_help="Masks over the instances of a MaskBench file.")
def masks(
    data: Annotated[Path, typer.Option(help='JSON lines of {"id", "schema", "tests"}, gzip or plain.')],
    model: options.Model = None,
    limit: Annotated[int | None, typer.Option(help="Take so many schemas.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write one JSON line for each schema there.")] = None,
) -> None:
    """Walk every instance of a MaskBench file through the matcher, a mask for each token.

    \b
    engine bench masks --data maskbench.jsonl.gz --limit 100 --out results.jsonl
    """
    if not data.is_file():
        raise UsageError(f"no file {str(data)!r}")
    loaded = load(resolve(model, progress=DownloadBar()).path)
    walks = shared_walks(loaded.vocabulary)
    outcomes = []
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar, _lines_to(out) as write:
        task = bar.add_task("schemas", total=limit)
        for case in read_cases(data, limit):
            outcomes.append(run_case(case, walks, loaded.tokenize))
            write(as_line(outcomes[-1]))
            bar.advance(task)
    table = Table(title=f"{data.name}, {loaded.name}", show_header=False)
    for row in summarise(outcomes):
        table.add_row(*row)
    Console().print(table)


@contextmanager
def _lines_to(path: Path | None) -> Iterator[Callable[[str], object]]:
    if path is None:
        yield lambda _: None
        return
    with path.open("w", encoding="utf-8") as stream:
        yield lambda line: stream.write(line + "\n")
