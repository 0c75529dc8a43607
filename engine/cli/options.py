"""Options that several commands share, each with the text of its help, and what they come to."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.decoding.chat_formats import CHAT_FORMATS
from engine.decoding.prompt_encoder import read_chat_format
from engine.decoding.settings import KV_TYPES, ModelSettings

SchemaArgument = Annotated[
    str,
    typer.Argument(
        metavar="SCHEMA", help="MODULE:CLASS, FILE.py:CLASS, a JSON Schema in FILE.json, or fields in one line."
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        help="A name that `engine models list` shows, a path to a GGUF file, hf:OWNER/REPO[:QUANT or FILE], or "
        "ollama/NAME:TAG. Without it: ENGINE_MODEL, else the small default model.",
    ),
]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="Refuse a JSON Schema with keywords or patterns that are hardly meant so.")
]
StyleOption = Annotated[
    str,
    typer.Option(
        metavar="spaced|compact|any", help="White space of the JSON; any also allows every key order and escape."
    ),
]
MaxTokensOption = Annotated[
    int,
    typer.Option(
        min=1, help="The most tokens of output for each document; the JSON is closed in time and never truncated."
    ),
]
MaxValueTokensOption = Annotated[
    int | None,
    typer.Option(
        min=1, help="Most tokens of one text or number; by default 40 for numbers, 3/4 of --max-tokens for texts."
    ),
]
LoopsOption = Annotated[
    str,
    typer.Option(metavar="end|keep", help="A text or list that repeats itself: end it where it begins to, or keep it."),
]
OnBudgetOption = Annotated[
    str,
    typer.Option(
        metavar="mark|keep|omit|raise",
        help="Objects that --max-tokens changed: mark them, and fail where texts had no room; keep these too; omit; fail.",
    ),
]
MaxBacktracksOption = Annotated[
    int,
    typer.Option(
        min=0, help="Tokens chosen by the model that may be thrown away for a document when validators refuse."
    ),
]

Encoding = Annotated[
    str | None,
    typer.Option(metavar="NAME|auto", help="How the texts are encoded; UTF-8 if not given, auto finds it out."),
]
GroundedOption = Annotated[
    bool,
    typer.Option("--grounded", help="Each text, date and number is a piece of the document, or a reading of one."),
]
PreferGrounded = Annotated[
    bool, typer.Option("--prefer-grounded", help="The same, but where the document says nothing any value may stand.")
]
RankOption = Annotated[
    str,
    typer.Option(
        metavar="calibrated|probability|greedy",
        help="How grounded values are chosen: as wholes and by how well they fit their fields, as wholes, or token by token.",
    ),
]

ThinkOption = Annotated[
    int, typer.Option("--think", min=0, help="Most tokens of a thought before the answer, for models that think.")
]
TemperatureOption = Annotated[float, typer.Option(help="0 always takes the most probable allowed token.")]
TopPOption = Annotated[float, typer.Option(help="Keep the most probable tokens up to this probability; 1 is off.")]
TopKOption = Annotated[int, typer.Option(help="Keep this many tokens; 0 is off.")]
MinPOption = Annotated[
    float, typer.Option(help="Drop tokens below this share of the best one's probability; 0 is off.")
]
SeedOption = Annotated[int | None, typer.Option(help="Makes sampling repeatable.")]

NCtxOption = Annotated[int, typer.Option(help="Tokens of context, shared by all documents that are decoded at once.")]
ThreadsOption = Annotated[
    int | None, typer.Option(help="Threads of llama.cpp; by default the physical cores that this process may use.")
]
GpuLayersOption = Annotated[
    int | None, typer.Option(help="Layers on the GPU; -1 is all. By default all that fit, where llama.cpp can use one.")
]
KvTypeOption = Annotated[str, typer.Option(help=f"Type of the KV cache: {', '.join(KV_TYPES)}.")]
SequencesOption = Annotated[
    int | None,
    typer.Option(
        help="Documents decoded at once, by default as many as pay on this machine; each is read before decoding begins, so "
        "take 1 for a live input."
    ),
]
ChatFormat = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|FILE.jinja",
        help=f"The chat template, in place of the model file's own: {', '.join(CHAT_FORMATS)}, or a file of Jinja.",
    ),
]
Date = Annotated[
    str | None,
    typer.Option(metavar="YYYY-MM-DD", help="What a chat template that writes the date writes. Without it: today."),
]
VerboseOption = Annotated[bool, typer.Option("--verbose", help="Show llama.cpp's log.")]

DEFAULTS = ModelSettings()


def typed(context: typer.Context) -> frozenset[str]:
    """The names of the options that are given on the command line."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return frozenset(name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE")


def model_settings(
    n_ctx: int,
    threads: int | None,
    gpu_layers: int | None,
    kv_type: str,
    sequences: int | None,
    verbose: bool,
    *,
    chat_format: str | None = None,
    date: str | None = None,
) -> ModelSettings:
    """The settings that the options of a command come to; `UsageError` where one is not valid."""
    return ModelSettings(
        n_ctx=n_ctx,
        threads=threads,
        gpu_layers=gpu_layers,
        kv_type=kv_type,
        sequences=sequences,
        verbose=verbose,
        # The text of a file: worker processes and a manifest do not depend on where it lies.
        chat_format=chat_format
        if chat_format is None or chat_format in CHAT_FORMATS
        else read_chat_format(chat_format),
        date=date,
    )
