"""The command line of a file that `engine build` made: the commands of the engine with the schema filled in.

The launcher has set ENGINE_CARRIER to the file. Words that begin with no command are for `extract`. The model inside is
the default, and the network is refused, whatever the environment says. A `-m engine.…` in front runs that module: it is
how a worker process is started where there is no other Python.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import runpy
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer

from engine.binary.index import differing, unpack_index
from engine.binary.schema_digest import schema_sha256
from engine.cli.application import _COMMANDS, Commands
from engine.cli.models import DownloadBar
from engine.cli.schema_argument import read_schema_argument
from engine.errors import EngineError, ModelFileInvalid, UsageError
from engine.models import verify_model
from engine.models.single_file import SingleFile, read_single_file

# Without `demo`, `run` and `models`, which have nothing to do with the schema, and what builds or measures.
_OFFERED = ("extract", "batch", "explain", "grammar", "doctor", "help")
_HELP = """Extracts {target} from texts: one JSON object a line on standard output, each as soon as it is decoded.

\b
  {name} letter.txt
  {name} < letter.txt
  {name} --table letter.txt
  {name} explain
  {name} --version

Words that begin with no command are for `extract`; `{name} extract --help` shows its options. `--cache DIR`, with any
command, names the folder that the runtime is unpacked into, once; without it, it is the one of the user's caches.
"""


def standalone_main() -> None:
    """The entry point of the runtime."""
    multiprocessing.freeze_support()
    words = sys.argv[1:]
    if len(words) >= 2 and words[0] == "-m" and words[1].startswith("engine."):
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        return
    carrier = _own_carrier()
    os.environ["ENGINE_OFFLINE"] = "1"
    # Without a model inside, the path of the file is answered with what to do, unless the user names a model.
    if carrier.model is not None or not os.environ.get("ENGINE_MODEL"):
        os.environ["ENGINE_MODEL"] = str(carrier.path)
    if words[:1] == ["--version"]:
        typer.echo(json.dumps(carrier.manifest, ensure_ascii=False))
        return
    group = commands(carrier)
    if words[:1] != ["--help"] and (not words or words[0] not in group.commands):
        words = ["extract", *words]
    group.main(args=words, prog_name=carrier.path.name)


def commands(carrier: SingleFile) -> Commands:
    """The commands of one file."""
    target = carrier.manifest["schema"]["target"]
    schema = str(_inside("schema", target)) if carrier.manifest["schema"]["document"] else target
    app = typer.Typer(
        cls=Commands,
        help=_HELP.format(name=carrier.path.name, target=target),
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    # With a callback it is a group, however few commands there are.
    app.callback()(lambda: None)
    app.command("verify")(lambda: _verify(carrier, schema))
    group = typer.main.get_command(app)
    assert isinstance(group, Commands), "it is made of that class"
    group.commands["verify"].help = _VERIFY
    for name in _OFFERED:
        if name in _COMMANDS and find_spec(_COMMANDS[name][0]) is not None:
            group.add_command(_WithSchema(name, *_COMMANDS[name], schema=schema))
    return group


class _WithSchema(typer.core.TyperCommand):
    """A command of the engine whose SCHEMA is given."""

    def __init__(self, name: str, module: str, attribute: str, summary: str, *, schema: str) -> None:
        super().__init__(name=name, callback=None, help=summary, short_help=summary)
        self._module, self._attribute, self._schema = module, attribute, schema

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        command = typer.main.get_command(getattr(import_module(self._module), self._attribute))
        taken = [parameter for parameter in command.params if parameter.name == "schema"]
        if taken:
            call = command.callback
            assert call is not None, "a command does something"
            command.params = [parameter for parameter in command.params if parameter not in taken]
            command.callback = lambda **given: self._call(call, given)
            command.help = self.help
        return command.make_context(info_name, args, parent, **extra)

    def _call(self, call: Callable[..., Any], given: dict[str, Any]) -> Any:
        # Whatever the user's module prints while it is imported: standard output has results only.
        with contextlib.redirect_stdout(sys.stderr):
            read_schema_argument(self._schema)
        return call(schema=self._schema, **given)


_VERIFY = "Read the file and its unpacked runtime whole and hold both to their checksums."


def _verify(carrier: SingleFile, schema: str) -> None:
    """One line of JSON; what is wrong ends with an error."""
    with carrier.path.open("rb") as file:
        file.seek(carrier.trailer.index.offset)
        entries = unpack_index(file.read(carrier.trailer.index.size))
    wrong = differing(Path(sys.executable).parent, entries)
    if wrong:
        raise ModelFileInvalid(
            Path(sys.executable).parent, f"{wrong[0]} was changed; delete the folder and start again"
        )
    with contextlib.redirect_stdout(sys.stderr):
        found = schema_sha256(read_schema_argument(schema))
    if found != carrier.manifest["schema"]["sha256"]:
        raise ModelFileInvalid(carrier.path, f"its schema has the digest {found}, which is not that of the manifest")
    if carrier.model is not None:
        verify_model(carrier.path, progress=DownloadBar())
    typer.echo(json.dumps({"verified": {"runtime": len(entries), "schema": found, "model": carrier.model is not None}}))


def _inside(*parts: str) -> Path:
    """A data file of the runtime."""
    return Path(sys._MEIPASS, *parts)  # type: ignore[attr-defined]


def _own_carrier() -> SingleFile:
    named = os.environ.get("ENGINE_CARRIER")
    try:
        if not named:
            raise UsageError("this program is started by the file that it was unpacked from")
        carrier = read_single_file(Path(named))
        if carrier is None:
            raise ModelFileInvalid(Path(named), "is not a file made by `engine build`; was it just replaced?")
    except (EngineError, OSError) as error:
        sys.exit(f"engine: {error}")
    return carrier
