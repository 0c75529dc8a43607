"""The commands by name, and how errors end them.

In: the words that were typed. Out: an exit code. A command's module is imported when the command is called, not before.
Errors of the engine's tree become one message on standard error without a traceback; anything else is a defect and
keeps its traceback.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

import engine
from engine.cli.streams import ReaderGone, standard_streams
from engine.errors import (
    DecodingError,
    EngineError,
    GrammarError,
    JobError,
    ModelError,
    OutputRefused,
    PromptError,
    SchemaError,
    SchemaWarning,
    UsageError,
)

# The first class that an error belongs to decides.
EXIT_CODES: tuple[tuple[type[EngineError], int], ...] = (
    (UsageError, 2),
    (SchemaError, 3),
    (GrammarError, 3),
    (ModelError, 4),
    (PromptError, 5),
    (DecodingError, 5),
    (OutputRefused, 6),
    (JobError, 7),
    (EngineError, 1),
)
INTERRUPTED = 130
READER_GONE = 141

# Name: module, attribute, what the list of commands says.
_COMMANDS = {
    "extract": ("engine.cli.extract", "extract_app", "Typed objects out of texts, one JSON object a line."),
    "batch": ("engine.cli.batch", "batch_app", "Very many documents, each exactly once in the output."),
    "report": ("engine.cli.report", "report_app", "A page that shows where each value of a batch comes from."),
    "evaluate": ("engine.cli.evaluate", "evaluate_app", "How right the answers are where they are known."),
    "demo": ("engine.cli.demo", "demo_app", "Fetch the default model and extract seven users."),
    "grammar": ("engine.cli.grammar", "grammar_app", "Print the GBNF grammar of a schema."),
    "explain": ("engine.cli.explain", "explain_app", "What enforces each constraint of a schema."),
    "run": ("engine.cli.run", "run_app", "Decode text under a GBNF file."),
    "serve": ("engine.cli.serve", "serve_app", "Serve models to the clients of OpenAI and Ollama."),
    "build": ("engine.cli.build", "build_app", "One file that extracts a schema without network or installation."),
    "models": ("engine.cli.models", "models_app", "List, fetch, carry and verify models."),
    "doctor": ("engine.cli.doctor", "doctor_app", "What would run where, and what is wrong."),
    "bench": ("engine.cli.bench", "bench_app", "Measure decoding and masks."),
    "help": ("engine.cli.help", "help_app", "Read the guide: pages by topic, or what has some words in it."),
}

_HELP = """Exact, typed data out of text with a language model that runs on your own machine.

\b
  engine extract 'name, age int' letter.txt
  engine demo
  engine help tutorial

\b
Exit codes:
    0  done
    1  a document failed (the objects of the others are printed), or doctor or verify found something wrong
    2  the command line is not valid, or SCHEMA cannot be imported
    3  the schema or the grammar was refused
    4  the model: not found, damaged, not to be fetched, too large
    5  a document that cannot be read, a prompt that does not fit, or a failed decoding
    6  standard output cannot be written to: closed, or its disk is full
    7  a batch job that cannot start or go on; what is in its output is safe
  130  interrupted; what was decoded before is printed
  141  the reader of the output went away
"""


class _Deferred(TyperCommand):
    """A command whose module is imported when it is called."""

    def __init__(self, name: str, module: str, attribute: str, summary: str) -> None:
        super().__init__(name=name, callback=None, help=summary, short_help=summary)
        self._module, self._attribute = module, attribute

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        command = typer.main.get_command(getattr(import_module(self._module), self._attribute))
        return command.make_context(info_name, args, parent, **extra)


@contextmanager
def _warnings_shown() -> Iterator[None]:
    """Doubts about a schema are lines on standard error, each once; other warnings are shown as ever."""
    said: set[str] = set()
    show = warnings.showwarning

    def tell(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        if not issubclass(category, SchemaWarning):
            show(message, category, *place, **more)
        elif str(message) not in said:
            said.add(str(message))
            typer.echo(f"engine: warning: {message}", err=True)

    with warnings.catch_warnings():
        warnings.simplefilter("always", SchemaWarning)
        warnings.showwarning = tell
        yield


class Commands(TyperGroup):
    """The one place where errors become exit codes."""

    def invoke(self, ctx: Any) -> Any:
        try:
            with _warnings_shown():
                return super().invoke(ctx)
        except EngineError as error:
            typer.echo(f"engine: {error}", err=True)
            raise typer.Exit(exit_code(error)) from error
        except KeyboardInterrupt as interrupt:
            raise typer.Exit(INTERRUPTED) from interrupt


class _Engine(Commands):
    """All commands."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name, place in _COMMANDS.items():
            self.add_command(_Deferred(name, *place))


def exit_code(error: EngineError) -> int:
    """The exit code that `engine --help` promises for an error."""
    return next(code for kind, code in EXIT_CODES if isinstance(error, kind))


engine_app = typer.Typer(
    name="engine",
    cls=_Engine,
    help=_HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"engine {engine.__version__}")
        raise typer.Exit()


@engine_app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
    offline: bool = typer.Option(False, "--offline", help="Refuse every use of the network, as ENGINE_OFFLINE=1 does."),
) -> None:
    if offline:
        os.environ["ENGINE_OFFLINE"] = "1"


def run_cli() -> None:
    """The console script."""
    code = 0
    try:
        with standard_streams():
            engine_app()
    except ReaderGone:
        code = READER_GONE
    except EngineError as error:  # of the help text, or of the last flush
        typer.echo(f"engine: {error}", err=True)
        code = exit_code(error)
    except KeyboardInterrupt:  # before or after the command itself
        code = INTERRUPTED
    finally:
        # What is left is the end of the interpreter, which an interrupt would only fill with tracebacks.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)
