"""What `engine bench` shows of this engine beside its peers: rounds, tables, a JSON file and a chart."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from rich.console import Console
from rich.table import Table

from engine.bench.chart import draw
from engine.bench.example_texts import LINES, User
from engine.bench.peers.ours import Ours
from engine.bench.peers.work import Prompt, Work
from engine.bench.versus import (
    Contender,
    ContenderRow,
    Turn,
    as_record,
    batch_contenders,
    contenders,
    machine,
    ratios,
    versus,
)
from engine.cli.models import DownloadBar
from engine.decoding.cpu_cores import usable_cores
from engine.decoding.fast_weights import default_weights
from engine.decoding.loaded_model import load_model
from engine.decoding.settings import ModelSettings
from engine.errors import UsageError
from engine.models import resolve
from engine.models.environment import named_model
from engine.models.progress import telling

# More people than fit into the tokens that are asked for, so that no contender ends early.
_PEOPLE = 40
# Begins like no prompt of a chat, so nothing of a cache fits.
_UNRELATED = Prompt("0", "0")


def one_document(
    model: str | None,
    *,
    threads: int | None,
    tokens: int,
    rounds: int,
    record: Path | None,
    chart: Path | None,
    only: Sequence[str] = (),
) -> None:
    """One document for all contenders, cold and with a warm prefix, `tokens` tokens each."""
    schema = list_schema(User) | {"minItems": _PEOPLE, "maxItems": _PEOPLE}
    work = _work(model, threads, schema)
    render = Ours(work).render
    text, other = "\n".join(LINES), render("My name is Ann and I am 30 years old")
    prompt = render(text)
    turns = [
        Turn("cold", _UNRELATED, (prompt,), tokens),
        Turn("warm prefix", other, (prompt,), tokens),
    ]
    _play(
        chosen(contenders(_own_weights(model)), only),
        work,
        turns,
        rounds=rounds,
        record=record,
        chart=chart,
        title="one document",
    )


def peer_documents(
    texts: Sequence[str],
    schema: dict[str, Any],
    model: str | None,
    *,
    threads: int | None,
    sequences: Sequence[int],
    max_tokens: int,
    rounds: int,
    record: Path | None,
    chart: Path | None,
    only: Sequence[str] = (),
) -> None:
    """Many documents, ours and the server's with each number of sequences; documents a second."""
    if not texts:
        raise UsageError("there is no text to decode")
    work = _work(model, threads, schema)
    render = Ours(work).render
    turns = [Turn("documents", _UNRELATED, tuple(map(render, texts)), max_tokens)]
    title = f"{len(texts)} documents"
    field = chosen(batch_contenders(sequences, _own_weights(model)), only)
    rows = _play(field, work, turns, rounds=rounds, record=record, chart=chart, title=title)
    table = Table("contender", title="documents a second, median")
    table.add_column("documents/s", justify="right")
    for row in rows:
        seconds = row.median("documents")
        if seconds is not None:
            table.add_row(row.label, f"{len(texts) / seconds:.2f}")
    Console().print(table)


def list_schema(target: Any) -> dict[str, Any]:
    """The JSON Schema of a list of `schema_argument`, closed as a Pydantic model's grammar is, so that all decode the same."""
    schema = dict(target) if isinstance(target, dict) else TypeAdapter(target).json_schema()
    definitions = {key: _closed(schema.pop(key)) for key in ("$defs", "definitions") if key in schema}
    return {"type": "array", "items": _closed(schema)} | definitions


def _closed(node: Any) -> Any:
    if isinstance(node, list):
        return [_closed(part) for part in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _closed(part) for key, part in node.items()}
    if isinstance(node.get("properties"), dict) and node.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


def chosen(field: Sequence[Contender], only: Sequence[str]) -> list[Contender]:
    """Ours, and the contenders whose label contains one of the words; all of them without words."""
    unknown = [word for word in only if not any(word in contender.label for contender in field)]
    if unknown:
        known = ", ".join(sorted({contender.kind.name for contender in field if not contender.ours}))
        raise UsageError(f"no peer is called {unknown[0]!r}; there are {known}")
    return [one for one in field if one.ours or not only or any(word in one.label for word in only)]


def _own_weights(model: str | None) -> str | None:
    """The file that a user gets who names no model, where it is another one."""
    bar = DownloadBar()
    file = resolve(model, progress=bar)
    if model is not None or named_model() is not None:
        return None
    found = default_weights(file, ModelSettings(), telling(bar), bar)
    return None if found.path == file.path else str(found.path)


def _work(model: str | None, threads: int | None, schema: dict[str, Any]) -> Work:
    path = resolve(model, progress=DownloadBar()).path
    return Work(str(path), threads or usable_cores(), schema)


def _play(
    field: Sequence[Contender],
    work: Work,
    turns: Sequence[Turn],
    *,
    rounds: int,
    record: Path | None,
    chart: Path | None,
    title: str,
) -> list[ContenderRow]:
    for path in (record, chart):
        if path is not None and not path.parent.is_dir():
            raise UsageError(f"{path}: there is no folder {str(path.parent)!r}")
    loaded = load_model(work.model, ModelSettings(n_ctx=work.n_ctx, threads=work.threads))
    with Console(stderr=True).status("") as status:
        rows = versus(
            field,
            work,
            turns,
            rounds=rounds,
            count=lambda text: len(loaded.tokenize(text.encode())),
            tell=status.update,
        )
    played = max((len(found) for row in rows for found in row.seconds.values()), default=0)
    facts = f"{machine()}; {work.threads} threads; {loaded.name}; {played} rounds; plan: {loaded.plan}"
    conditions = [turn.condition for turn in turns]
    console = Console()
    console.print(_table(rows, conditions, title))
    console.print(facts, highlight=False)
    for condition in conditions:
        for one in ratios(rows, condition):
            said = f"the time of {one.ours} is {one.median:.2f} of {one.peer}'s, the best"
            console.print(f"{condition}: {said} (least times: {one.least:.2f})", highlight=False)
    if uneven(rows):
        console.print("the outputs differ in length by more than 5 %: read the times with the tokens", highlight=False)
    if record is not None:
        written = as_record(rows, title=title, model=loaded.name, threads=work.threads, rounds=rounds)
        record.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if chart is not None and any(row.seconds for row in rows):
        draw(rows, chart, title=f"{title}, {loaded.name}, {work.threads} threads")
    return rows


def uneven(rows: Sequence[ContenderRow]) -> bool:
    """Whether the contenders that ran wrote clearly different numbers of tokens: then their times are no fair ratio."""
    counts = [row.tokens for row in rows if row.seconds]
    return bool(counts) and max(counts) > 1.05 * min(counts)


def _table(rows: Sequence[ContenderRow], conditions: Sequence[str], title: str) -> Table:
    table = Table("contender", "version", title=f"{title}: seconds, median (least to most)")
    for name in (*conditions, "tokens"):
        table.add_column(name, justify="right")
    for row in rows:
        if row.skipped:
            table.add_row(row.label, row.version, *[""] * len(conditions), f"skipped: {row.skipped}")
            continue
        table.add_row(row.label, row.version, *(_cell(row, name) for name in conditions), str(row.tokens))
    return table


def _cell(row: ContenderRow, condition: str) -> str:
    found = row.seconds.get(condition)
    if not found:
        return "–"
    return f"{row.median(condition):.2f} ({min(found):.2f}–{max(found):.2f})"
