"""`engine explain`: what enforces each constraint of a schema, and what in it is costly or loose.

A table, and below it which fields the grammar enforces alone, what guards may cost, what the plain JSON Schema would have
lost, and lints; `--json` writes the certificate for machines instead.
"""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from engine.cli import options
from engine.cli.schema_argument import read_schema_argument, refuse_doubts
from engine.extraction.compilation import certify
from engine.lowering.certificate import Certificate, CertificateEntry
from engine.objects.item import item_annotation

explain_app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

_WIDE = 200  # columns where nobody watches
_FIELDS = {
    "grammar": "Enforced by the grammar alone",
    "guard": "Enforced by a guard too",
    "nothing": "Not enforced, by --allow-unenforced",
}
_COLOURS = {"grammar": "green", "guard": "yellow", "annotation": "dim", "nothing": "red"}


@explain_app.command()
def explain(
    schema: options.SchemaArgument,
    style: options.StyleOption = "spaced",
    strict: options.StrictOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write the certificate as JSON.")] = False,
    allow_unenforced: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH",
            help="A keyword, or its place as JSON pointer (/properties/a/format), that may go unenforced; repeatable.",
        ),
    ] = None,
) -> None:
    """Say what enforces each constraint of a schema: the grammar, a guard, or nothing.

    \b
    engine explain models.py:Invoice
    engine explain order.schema.json --style any --json
    """
    target = item_annotation(read_schema_argument(schema))
    if strict:
        refuse_doubts(target)
    found = certify(target, style=style, allow_unenforced=allow_unenforced or ())  # type: ignore[arg-type]
    if as_json:
        typer.echo(json.dumps(found.as_json(), ensure_ascii=False, indent=2))
        return
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    _show(found, console)


def _show(found: Certificate, console: Console) -> None:
    console.print(_table(found.entries))
    fields = found.fields
    for by, said in _FIELDS.items():
        paths = [path or "/" for path, one in fields.items() if one == by]
        if paths:
            console.print(f"\n{said}: {', '.join(paths)}", markup=False, highlight=False, soft_wrap=True)
    if found.costs:
        console.print("\nWhat the guards may cost:")
        for cost in found.costs:
            text = f"  {cost.path or '/'}: {cost.keyword}: {cost.text}"
            console.print(text, markup=False, highlight=False, soft_wrap=True)
    if found.lost:
        console.print("\nNot in the plain JSON Schema of this type:")
        for entry in found.lost:
            console.print(f"  {entry.path or '/'}: {entry.keyword}", markup=False, highlight=False, soft_wrap=True)
    if found.lints:
        console.print("\nNote:")
        for lint in found.lints:
            console.print(f"  {lint.path or '/'}: {lint.text}", markup=False, highlight=False, soft_wrap=True)


def _table(entries: tuple[CertificateEntry, ...]) -> Table:
    table = Table("path", "keyword", "enforced by", "detail", box=None, pad_edge=False, header_style="bold")
    table.columns[0].overflow = table.columns[1].overflow = "fold"
    table.columns[3].no_wrap, table.columns[3].overflow = True, "ellipsis"
    for entry in entries:
        by = f"[{_COLOURS[entry.by]}]{entry.by}[/]"
        table.add_row(escape(entry.path or "/"), escape(entry.keyword), by, escape(entry.detail))
    return table
