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

from engine.bench import growth as growth_bench
from engine.bench.decode import Comparison, compare, total
from engine.bench.example_texts import EXAMPLES, BenchExample
from engine.bench.masks import as_line, read_cases, run_case, summarise
from engine.bench.startup import startup
from engine.cli import options
from engine.cli.bench_peers import list_schema, one_document, peer_documents
from engine.cli.models import DownloadBar
from engine.cli.options import DEFAULTS
from engine.cli.schema_argument import read_schema_argument
from engine.decoding.loaded_model import load_model
from engine.decoding.prompt_encoder import read_chat_format
from engine.decoding.settings import MAX_SEQUENCES
from engine.errors import UsageError
from engine.extraction.extractor import shared_walks
from engine.models import resolve

bench_app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Measure decoding, masks, batches, startup and growth.",
)


Only = Annotated[
    list[str] | None, typer.Option("--peer", help="Only peers whose name contains this; may be given several times.")
]
RecordOption = Annotated[Path | None, typer.Option("--json", help="Write every second of every round there.")]
Chart = Annotated[Path | None, typer.Option(help="Draw the medians there, a PNG.")]


@bench_app.command(short_help="Extraction against plain decoding of the same text.")
def decode(
    data: Annotated[
        Path | None, typer.Option(help='Texts of your own: JSON lines with "text"; needs --schema.')
    ] = None,
    schema: Annotated[str | None, typer.Option(help="What to extract from them, as for `engine extract`.")] = None,
    limit: Annotated[int | None, typer.Option(help="Take so many texts.")] = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="Of all kinds, in turn; medians are shown. 3, with --peers 5.")
    ] = None,
    model: options.ModelOption = None,
    threads: options.ThreadsOption = None,
    *,
    chat_format: options.ChatFormat = None,
    max_tokens: options.MaxTokensOption = 384,
    peers: Annotated[
        bool, typer.Option("--peers", help="Beside other engines; `pip install 'engine[bench]'`.")
    ] = False,
    tokens: Annotated[int, typer.Option(min=1, help="With --peers: how many tokens each decodes.")] = 150,
    only: Only = None,
    record: RecordOption = None,
    chart: Chart = None,
) -> None:
    """Compare extraction with plain decoding of the very same text, unconstrained, in the same process.

    A ratio above 1 means that the constrained run was the faster one.

    \b
    engine bench decode
    engine bench decode --data receipts.jsonl --schema 'company, date date, total float' --limit 20
    engine bench decode --peers --json decode.json --chart decode.png
    """
    if peers:
        if chat_format is not None:
            raise UsageError("--peers compares each engine with its own way of prompting; leave --chat-format out")
        if data is not None or schema is not None or limit is not None:
            raise UsageError("--peers has a document of its own; for texts of yours there is `engine bench batch`")
        one_document(
            model, threads=threads, tokens=tokens, rounds=rounds or 5, record=record, chart=chart, only=only or ()
        )
        return
    if only or record is not None or chart is not None:
        raise UsageError("--peer, --json and --chart belong to --peers")
    examples = _examples(data, schema) if data else iter(EXAMPLES)
    chosen = [example for example, _ in zip(examples, range(limit), strict=False)] if limit else list(examples)
    resolve(model, progress=DownloadBar())
    settings = replace(DEFAULTS, threads=threads)
    if chat_format is not None:
        settings = replace(settings, chat_format=read_chat_format(chat_format))
    console = Console(stderr=True)
    with console.status("") as status:
        rows = list(
            compare(
                chosen, model=model, settings=settings, rounds=rounds or 3, max_tokens=max_tokens, tell=status.update
            )
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


def _examples(path: Path, schema: str | None) -> Iterator[BenchExample]:
    if schema is None:
        raise UsageError("--data needs --schema: what is to be extracted from its texts")
    target = read_schema_argument(schema)
    try:
        with path.open(encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, start=1):
                row = json.loads(line)
                if not isinstance(row, dict) or not isinstance(row.get("text"), str):
                    raise UsageError(f'{path}, line {number}: no member "text"')
                yield BenchExample(f"line {number}", row["text"], target)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path}: not JSON lines: {error}") from error


@bench_app.command(short_help="Many documents, several at once, beside the peers.")
def batch(
    data: Annotated[Path, typer.Option(help='JSON lines with "text".')],
    schema: Annotated[str, typer.Option(help="What to extract from each text, as for `engine extract`.")],
    limit: Annotated[int | None, typer.Option(min=1, help="Take so many texts.")] = None,
    sequences: Annotated[str, typer.Option(help="How many documents at once; each number is a row.")] = "1,2,4,8",
    rounds: Annotated[int, typer.Option(min=1, help="All contenders in turn; medians are shown.")] = 3,
    model: options.ModelOption = None,
    threads: options.ThreadsOption = None,
    max_tokens: options.MaxTokensOption = 128,
    only: Only = None,
    record: RecordOption = None,
    chart: Chart = None,
) -> None:
    """Decode the same documents with this engine and its peers, each with several numbers of sequences or slots.

    Peers that decode one document at a time are rows of their own. Peers that are not installed are named.

    \b
    engine bench batch --data entities.jsonl --schema 'type, text' --limit 40 --sequences 1,4
    """
    target = read_schema_argument(schema)
    found = [example.text for example in _examples(data, schema)][:limit]
    peer_documents(
        found,
        list_schema(target),
        model,
        threads=threads,
        sequences=_numbers(sequences),
        max_tokens=max_tokens,
        rounds=rounds,
        record=record,
        chart=chart,
        only=only or (),
    )


def _numbers(text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or not all(1 <= number <= MAX_SEQUENCES for number in numbers):
        raise UsageError(f"--sequences takes numbers from 1 to {MAX_SEQUENCES}, such as 1,2,4,8; not {text!r}")
    return numbers


@bench_app.command("startup", short_help="What a fresh process pays before the first object.")
def startup_command(
    rounds: Annotated[int, typer.Option(min=1, help="Medians are shown.")] = 5,
    model: options.ModelOption = None,
) -> None:
    """Start fresh processes that go further and further, up to the first object.

    \b
    engine bench startup
    """
    resolve(model, progress=DownloadBar())
    with Console(stderr=True).status("") as status:
        steps = startup(model, rounds=rounds, tell=status.update)
    table = Table("from the start of the process to", title="seconds, median")
    table.add_column("seconds", justify="right")
    for name, seconds in steps:
        table.add_row(name, f"{seconds:.2f}")
    Console().print(table)


@bench_app.command(short_help="What long outputs, many documents and large schemas cost.")
def growth(
    items: Annotated[int, typer.Option(min=100, help="Items of one array.")] = 10_000,
    count: Annotated[int, typer.Option("--documents", min=100, help="Documents of one schema.")] = 100_000,
    objects: Annotated[int, typer.Option(min=1, help="Objects in the schema; also ten times as many.")] = 20,
    size: Annotated[int, typer.Option("--bytes", min=1000, help="Bytes of one string, and of one array.")] = 1_000_000,
    model: options.ModelOption = None,
) -> None:
    """Without a model: masks and forced bytes over known tokens, small against large.

    \b
    engine bench growth --documents 10000
    """
    loaded = load_model(resolve(model, progress=DownloadBar()).path)
    walks = shared_walks(loaded.vocabulary)
    table = Table("", "", title=f"growth, vocabulary of {loaded.name}")
    for name in ("small", "large", "factor"):
        table.add_column(name, justify="right")
    with Console(stderr=True).status("") as status:
        status.update("array items")
        rows = [growth_bench.items(walks, loaded.tokenize, items)]
        rows.append(growth_bench.long_string(walks, loaded.tokenize, size))
        rows.append(growth_bench.guarded_items(walks, loaded.tokenize, size))
        status.update("documents")
        rows += growth_bench.documents_growth(walks, loaded.tokenize, count)
        status.update("schema")
        rows.append(growth_bench.schema(objects))
    for row in rows:
        table.add_row(row.name, row.unit, f"{row.first:.1f}", f"{row.last:.1f}", f"{row.factor:.2f}")
    Console().print(table)


@bench_app.command(short_help="Masks over the instances of a MaskBench file.")
def masks(
    data: Annotated[Path, typer.Option(help='JSON lines of {"id", "schema", "tests"}, gzip or plain.')],
    model: options.ModelOption = None,
    limit: Annotated[int | None, typer.Option(help="Take so many schemas.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write one JSON line for each schema there.")] = None,
) -> None:
    """Walk every instance of a MaskBench file through the matcher, a mask for each token.

    \b
    engine bench masks --data maskbench.jsonl.gz --limit 100 --out results.jsonl
    """
    if not data.is_file():
        raise UsageError(f"no file {str(data)!r}")
    loaded = load_model(resolve(model, progress=DownloadBar()).path)
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
    table.add_column(no_wrap=True)
    table.add_column()
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
