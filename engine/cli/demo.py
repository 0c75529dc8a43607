"""`engine demo`: the whole job on seven lines of text, with the default model, which is fetched where it is missing."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.bench.example_texts import LINES, User
from engine.cli import options
from engine.cli.models import DownloadBar
from engine.cli.options import DEFAULTS, model_settings
from engine.cli.output import as_json
from engine.cli.stats_line import stats_line
from engine.extraction.extractor import Extractor

demo_app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@demo_app.command()
def demo(
    model: options.ModelOption = None,
    threads: options.ThreadsOption = None,
    gpu_layers: options.GpuLayersOption = DEFAULTS.gpu_layers,
    verbose: options.VerboseOption = False,
    chat_format: options.ChatFormat = None,
    show_prompt: Annotated[bool, typer.Option("--show-prompt", help="Print the first prompt and stop.")] = False,
) -> None:
    """Extract a user from each of seven lines, as `extract(lines, User, max_items=1)` does.

    A model that is not on this disk yet is fetched first and checked. The users go to standard output, all else to
    standard error.

    \b
    engine demo
    """
    settings = model_settings(
        DEFAULTS.n_ctx, threads, gpu_layers, DEFAULTS.kv_type, DEFAULTS.sequences, verbose, chat_format=chat_format
    )
    extractor = Extractor(User, model=model, max_items=1, settings=settings, progress=DownloadBar())
    if show_prompt:
        typer.echo(extractor.prompt(LINES[0]))
        return
    with extractor.extract(LINES) as users:
        for user in users:
            typer.echo(as_json(user))
    typer.echo(stats_line(users.stats), err=True)
