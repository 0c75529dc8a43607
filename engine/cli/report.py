"""`engine report`: the output of a batch as a page that shows where each value comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.errors import UsageError
from engine.jobs.job_files import own_files, resolve_output
from engine.jobs.manifest import read_manifest
from engine.jobs.reported import reported_documents
from engine.report.html_report import write_report

report_app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@report_app.command()
def report_command(
    output: Annotated[Path, typer.Argument(metavar="OUTPUT.jsonl", help="The output of `engine batch`.")],
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The page; OUTPUT.html if not given, - is not one.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="The page's title; the output's name if not given.")] = None,
) -> None:
    """Write a page that shows each text with its values marked in it, to look at, correct and save as labelled data.

    \b
    engine report receipts.out.jsonl
    engine report receipts.out.jsonl --html receipts.html
    engine evaluate models.py:Receipt labelled.jsonl

    \b
    The page is one file that fetches nothing. More than 10,000 documents become several files, FILE-2.html
    and so on. Values of grounded runs (--grounded) have their places; others are shown without.
    """
    for path in written_report(output, html or output.with_suffix(".html"), title):
        typer.echo(path)


def written_report(output: Path, target: Path, title: str | None = None) -> list[Path]:
    """The files of a job's report; `UsageError` where it would be one of the job's own."""
    found = resolve_output(output)
    if target.is_dir() or not target.parent.is_dir():
        raise UsageError(f"{target} cannot be written: {'it is' if target.is_dir() else 'there is no such'} folder")
    if any(target.resolve() == file.resolve() for file in own_files(found)):
        raise UsageError(f"{target} is a file of the job itself; give the page another name")
    manifest = read_manifest(found)
    many = manifest is None or manifest.spec.get("mode") != "one"
    return write_report(reported_documents(found), target, title=title or output.name, many=many)
