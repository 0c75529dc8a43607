"""`engine build`: one file that extracts a schema on machines without network, Python or anything installed."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from engine.binary.schema_source import SchemaSource, document_source, file_source, module_source
from engine.cli import options
from engine.cli.models import DownloadBar
from engine.cli.schema_argument import FILE, MODULE, read_schema_argument, refuse_doubts
from engine.decoding.prompt_encoder import read_chat_format
from engine.errors import UsageError
from engine.models import resolve

build_app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@build_app.command()
def build(
    schema: options.SchemaArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to make.")],
    model: options.ModelOption = None,
    chat_format: options.ChatFormat = None,
    strict: options.StrictOption = False,
    no_model: Annotated[
        bool, typer.Option("--no-model", help="Leave the model out; the file then needs --model.")
    ] = False,
    portable: Annotated[
        bool, typer.Option("--portable", help="For other processors than this one: builds llama.cpp anew, once.")
    ] = False,
) -> None:
    """Build one executable that extracts SCHEMA: no Python, no network, nothing to install where it runs.

    It needs the extra `build` (PyInstaller), a C compiler, and Linux. The file is tried out before it gets its name.

    \b
    engine build models.py:Invoice --output invoices
    ./invoices letter.txt; ./invoices batch FOLDER OUT; ./invoices --help
    """
    missing = [name for name in ("PyInstaller", "elftools", "packaging") if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"{missing[0]} is not installed; install the engine with its extra: pip install 'engine[build]'"
        )
    if model is not None and no_model:
        raise UsageError("--model and --no-model cannot be used together")
    if chat_format is not None and no_model:
        raise UsageError("--chat-format goes with the model inside; with --no-model, give it when the file is run")
    template = None if chat_format is None else read_chat_format(chat_format)
    if output.is_dir() or not output.absolute().parent.is_dir():
        raise UsageError(f"--output {output} must be a file in a folder that exists")
    from engine.binary.builder import build_file  # needs the extra

    bar = DownloadBar()
    model_type = read_schema_argument(schema)
    if strict:
        refuse_doubts(model_type)
    found = None if no_model else resolve(model, progress=bar)
    if found is not None and template is not None:
        found = replace(found, chat_format=template)
    built = build_file(
        _subject(schema),
        model_type,
        output,
        model=found,
        portable=portable,
        progress=bar,
    )
    processors = "any x86-64 processor" if portable else "processors like this one (see --portable)"
    say = f"{built.path}: {built.size:,} bytes; needs Linux with glibc {built.needs.glibc} or later, {processors}"
    bar.console.print(say, markup=False, highlight=False, soft_wrap=True)
    bar.console.print(f"Tried: {built.trial}", markup=False, highlight=False, soft_wrap=True)


def _subject(schema: str) -> SchemaSource:
    if found := FILE.fullmatch(schema):
        return file_source(Path(found["path"]), found["attribute"])
    if schema.endswith(".json"):
        return document_source(Path(schema))
    if found := MODULE.fullmatch(schema):
        return module_source(found["module"], found["attribute"], Path.cwd())
    return SchemaSource(schema)
