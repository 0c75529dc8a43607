"""`engine grammar`: the GBNF text of a schema, for llama.cpp and whatever else reads it."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.cli import options
from engine.cli.schema_argument import read_schema_argument, refuse_doubts
from engine.errors import UsageError
from engine.extraction.compilation import array_of, lower_schema, read_schema
from engine.grammar.gbnf_printer import print_gbnf
from engine.objects.item import item_annotation

grammar_app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@grammar_app.command()
def grammar(
    schema: options.SchemaArgument,
    style: options.StyleOption = "spaced",
    strict: options.StrictOption = False,
    many: Annotated[
        bool, typer.Option("--many/--one", help="An array of items, as `engine extract` decodes it, or one item.")
    ] = False,
    min_items: Annotated[int, typer.Option(help="With --many: the least length of the array.")] = 0,
    max_items: Annotated[int | None, typer.Option(help="With --many: the greatest length of the array.")] = None,
    allow_unenforced: Annotated[
        bool,
        typer.Option("--allow-unenforced", help="List what GBNF cannot say in comments instead of refusing it."),
    ] = False,
) -> None:
    """Print the GBNF grammar of a schema.

    \b
    engine grammar 'name, age int' > user.gbnf
    engine grammar models.py:Invoice --many --style compact
    llama-cli -m model.gguf --grammar-file user.gbnf -p 'Describe a user as JSON: '
    """
    if not many and (min_items != 0 or max_items is not None):
        raise UsageError("--min-items and --max-items need --many")
    if min_items < 0 or (max_items is not None and max_items < max(min_items, 1)):
        raise UsageError(f"--min-items {min_items} and --max-items {max_items} leave no length for the array")
    target = item_annotation(read_schema_argument(schema))
    if strict:
        refuse_doubts(target)
    read = read_schema(target)
    root = array_of(read, min_items, max_items) if many else read
    lowered = lower_schema(root, style)  # type: ignore[arg-type]
    typer.echo(print_gbnf(lowered, allow_unenforced=allow_unenforced).rstrip("\n"))
