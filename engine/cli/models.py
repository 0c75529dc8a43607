"""`engine models`: which models are known by name, fetching one, carrying one by hand, checking what is on the disk.

Results go to standard output, the bar and complaints to standard error, so that `$(engine models pull NAME)` is the
path of the file.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TransferSpeedColumn
from rich.progress import Progress as RichBar
from rich.table import Column

from engine.cli.documents import read_text
from engine.decoding.settings import WEIGHT_TYPES, ModelSettings
from engine.errors import ModelError
from engine.models import ModelFile, ModelLine, export_model, import_model, list_models, resolve, verify_model
from engine.models.environment import default_model, user_models_file
from engine.models.parts import model_size
from engine.models.resolution import OLLAMA

models_app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="The models that the engine knows by name.",
)


class DownloadBar:
    """A `Progress` on standard error: a bar where someone watches, one line a stage where not."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self._bar: RichBar | None = None
        self._task: TaskID | None = None

    def start(self, description: str, total: int | None) -> None:
        if not self.console.is_terminal:
            size = "" if total is None else f" ({_size(total)})"
            self.console.print(f"{description}{size}", markup=False, highlight=False, soft_wrap=True)
            return
        self._bar = RichBar(
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
            BarColumn(bar_width=20),
            DownloadColumn(table_column=Column(no_wrap=True)),
            TransferSpeedColumn(table_column=Column(no_wrap=True)),
            console=self.console,
        )
        self._task = self._bar.add_task(description, total=total)
        self._bar.start()

    def say(self, text: str) -> None:
        """One line beside the bars."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def advance(self, count: int) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task, count)

    def finish(self) -> None:
        if self._bar is not None:
            self._bar.stop()
        self._bar = self._task = None


@models_app.command("list", short_help="Known models, and which of them are on this disk.")
def list_() -> None:
    """Show every known model: its name, whether it is on this disk, size, licence, chat format and source.

    Example:  engine models list
    """
    rows = [("NAME", "ON DISK", "SIZE", "LICENCE", "CHAT FORMAT", "SOURCE"), *map(_row, list_models())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        typer.echo("  ".join([*cells, row[-1]]))
    typer.echo(f"Default: {default_model()}. Add lines of your own in {user_models_file()}", err=True)


@models_app.command(short_help="Fetch a model.")
def pull(name: Annotated[str, typer.Argument(help="A name that `engine models list` shows.")]) -> None:
    """Fetch a model and print the path of its file; one that is there already is checked and not fetched again.

    Example:  engine models pull smollm2-135m-instruct
    """
    bar = DownloadBar()
    _report(bar, resolve(name, progress=bar))


@models_app.command("import", short_help="Take a model file that was brought by hand.")
def import_(
    file: Annotated[Path, typer.Argument(help="A GGUF file, or a file that `engine build` made.")],
    name: Annotated[
        str | None, typer.Option("--name", help="What to call it; known models are recognised by their checksum.")
    ] = None,
) -> None:
    """Take a model file that was brought by hand, and print the path of the copy; no network is used.

    A model that models.txt does not know gets a line in your own models.txt.

    \b
    engine models import /media/stick/smollm2-135m-instruct.gguf
    engine models import --name mine ./mine.gguf
    """
    bar = DownloadBar()
    line = import_model(file, name=name, progress=bar)
    bar.say(f"{line.name}: imported")
    typer.echo(str(line.path))


@models_app.command("export", short_help="Write a model to a file for another machine.")
def export(
    name: Annotated[str, typer.Argument(help="A name, a path, hf:OWNER/REPO[:QUANT] or ollama/NAME:TAG.")],
    target: Annotated[Path, typer.Argument(help="The file to write, or the folder to write it into.")],
) -> None:
    """Write a model to a file for another machine, with a line beside it that an import there reads.

    Example:  engine models export smollm2-135m-instruct /media/stick
    """
    bar = DownloadBar()
    model, line = export_model(name, target, progress=bar)
    bar.say(f"{line.name}: {_size(line.size or 0)}, sha256 {line.sha256}; also {model.path.name}.txt")
    typer.echo(str(model.path))


@models_app.command("requantize", short_help="Make a model with weights of another type.")
def requantize_(
    name: Annotated[str, typer.Argument(help="A name, a path, hf:OWNER/REPO[:QUANT] or ollama/NAME:TAG.")],
    to: Annotated[str, typer.Option(metavar="|".join(WEIGHT_TYPES), help="The type of the new weights.")] = "Q8_0",
    called: Annotated[
        str | None, typer.Option("--name", help="What to call it; without it NAME and the type, as in NAME-q8_0.")
    ] = None,
    text: Annotated[
        Path | None, typer.Option(help="The text of the perplexities; without it the engine's own documentation.")
    ] = None,
    tokens: Annotated[int, typer.Option(min=0, help="How much of it is read; 0 leaves the perplexities out.")] = 1024,
) -> None:
    """Make a model with weights of another type, with llama.cpp's quantiser, and print the path of the new file.

    Q8_0 holds the values of all smaller types nearly exactly and has fast kernels on most processors; `engine doctor` says
    where it is faster. Smaller types lose some of the model: the perplexities of both, over the same text, say how much.

    
    engine models requantize smollm2-135m-instruct
    engine models requantize ./mine.gguf --to Q4_0 --name mine-small
    """
    from engine.decoding.perplexity import perplexity  # llama.cpp is loaded for this command alone
    from engine.decoding.requantize import requantize

    read = _sample_text() if text is None else read_text(text)
    bar = DownloadBar()
    model = resolve(name, progress=bar)
    line = requantize(model, to, name=called, progress=bar)
    bar.say(f"{line.name}: {_size(line.size or 0)}, sha256 {line.sha256}, {line.source}")
    if tokens:
        settings = ModelSettings(n_ctx=1024, sequences=1, calibrated=False)
        before, after = (
            perplexity(path, read, tokens=tokens, settings=settings, progress=bar) for path in (model.path, line.path)
        )
        bar.say(f"perplexity {before:.3f} as {model.name}, {after:.3f} as {line.name}")
    typer.echo(str(line.path))


def _sample_text() -> str:
    pages = resources.files("engine").joinpath("docs").iterdir()
    return "\n".join(page.read_text("utf-8") for page in sorted(pages, key=lambda page: page.name))


@models_app.command("verify", short_help="Hold model files to their checksums.")
def verify_(
    name: Annotated[
        str | None,
        typer.Argument(help="A name, a path, hf:OWNER/REPO[:QUANT] or ollama/NAME:TAG; if absent, all on the disk."),
    ] = None,
) -> None:
    """Read model files whole and hold them to their checksums; ends with 1 where one is wrong.

    Example:  engine models verify smollm2-135m-instruct
    """
    bar = DownloadBar()
    if name is not None:
        _report(bar, verify_model(name, progress=bar))
        return
    wrong = 0
    here = [line for line in list_models() if line.path.exists()]
    for line in here:
        try:
            _report(bar, verify_model(line.name, progress=bar))
        except ModelError as error:
            wrong += 1
            typer.echo(str(error), err=True)
    if not here:
        typer.echo("no model is on this disk; fetch one with `engine models pull NAME`", err=True)
    if wrong:
        raise typer.Exit(1)


def _row(line: ModelLine) -> tuple[str, str, str, str, str, str]:
    size = "-" if line.size is None else _size(line.size)
    here = "yes" if line.path.exists() else "no"
    return line.name, here, size, line.licence or "-", line.chat_format or "-", str(line.source)


def _report(bar: DownloadBar, model: ModelFile) -> None:
    known = {line.name: line.sha256 for line in list_models()}
    if model.name in known:
        against = "as in models.txt" if known[model.name] else "as recorded at the first download"
    else:
        against = "as Ollama names it" if model.name.startswith(OLLAMA) else "(nothing to compare it with)"
    bar.say(f"{model.name}: {_size(model_size(model.path))}, sha256 {model.sha256} {against}")
    typer.echo(str(model.path))


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
