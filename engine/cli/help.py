"""`engine help`: the guide in the terminal, rendered and paged; where nobody looks at a terminal, the Markdown itself."""

from __future__ import annotations

import os
import pydoc
import shutil
import sys
from typing import Annotated

import typer

from engine.cli.guide import GuidePage, find_page, guide_pages, search_guide

help_app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

_MOST_FOUND = 20
_WIDEST = 100


@help_app.command(name="help")
def show_help(
    context: typer.Context,
    topic: Annotated[
        list[str] | None, typer.Argument(metavar="[TOPIC]...", help="A topic, a command, or words to search for.")
    ] = None,
    search: Annotated[bool, typer.Option("--search", help="Search, also where the words are a topic.")] = False,
) -> None:
    """Read the guide: a page by its topic, or the sections that have some words in them.

    Without TOPIC it lists the pages. In a terminal they are rendered and paged; elsewhere the Markdown is printed as it is.

    \b
    engine help
    engine help batch
    engine help tutorial | less
    engine help GuardUnsatisfied
    engine help date with time zone
    """
    words = " ".join(topic or [])
    page = None if search and words else find_page(words)
    if page is not None:
        show_page(page)
    elif not (command_help := _command_help(context, words)) or search:
        _list(words)
    else:
        typer.echo(command_help)


def _command_help(context: typer.Context, words: str) -> str | None:
    """What `--help` says of a command, for who asks in this way."""
    program = context.find_root()
    command = getattr(program.command, "commands", {}).get(words)
    if command is None:
        return None
    inner = command.make_context(f"{program.info_name} {words}", [], resilient_parsing=True)
    return str(inner.command.get_help(inner))


def _list(words: str) -> None:
    found = search_guide(words)
    shown = [f"{page.topic or 'README'}: {heading}\n    {line}" for page, heading, line in found[:_MOST_FOUND]]
    if len(found) > _MOST_FOUND:
        shown.append(f"and {len(found) - _MOST_FOUND} more; add a word")
    typer.echo("\n".join(shown))


def show_page(page: GuidePage) -> None:
    """The page in the pager, or as it is where standard output is no terminal."""
    if not sys.stdout.isatty():
        typer.echo(page.text if page.topic else page.text + _topics())
        return
    os.environ.setdefault("LESS", "-FRX")  # colours, and no paging of what fits on the screen
    pydoc.pager(render_page(page, min(shutil.get_terminal_size().columns, _WIDEST)))


def render_page(page: GuidePage, width: int) -> str:
    """The page as a terminal of `width` columns shows it."""
    from rich.console import Console  # 0.1 s that only a terminal needs
    from rich.markdown import Markdown
    from rich.syntax import Syntax
    from rich.theme import Theme

    console = Console(force_terminal=True, width=width, theme=Theme({"markdown.code": "cyan"}))
    with console.capture() as captured:
        if page.path.suffix == ".py":
            console.print(Syntax(page.text, "python", background_color="default"))
        else:
            text = page.for_terminal() if page.topic else page.for_terminal() + _topics()
            console.print(Markdown(text, hyperlinks=False))
    return captured.get()


def _topics() -> str:
    """All topics in a line, for the list of contents."""
    return f"\nTopics: {', '.join(topic for topic in guide_pages() if topic)}\n"
