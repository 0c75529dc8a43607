"""`engine run`: any GBNF file as the grammar of an answer, which is written out as it is decoded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.automaton.automaton import Automaton
from engine.cli import options
from engine.cli.documents import STDIN_ARGUMENT, Documents, read_text
from engine.cli.models import DownloadBar
from engine.cli.option_groups import ModelOptions, SamplingOptions, grouped
from engine.decoding.fast_weights import default_weights
from engine.decoding.loaded_model import load_model
from engine.decoding.pass_times import Workload
from engine.decoding.prompt_encoder import PromptEncoder
from engine.decoding.scheduler import Request
from engine.decoding.statistics import Statistics
from engine.errors import TextUnreadable, UsageError
from engine.extraction.extractor import shared_walks
from engine.grammar.gbnf_parser import parse_gbnf
from engine.masks.mask import Masks
from engine.masks.matcher import Matcher
from engine.models import resolve
from engine.models.environment import named_model
from engine.models.progress import telling

# An answer is longer than what is extracted from a text.
_WORK = Workload(prompt=100, answer=300)

run_app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@run_app.command()
@grouped
def run(
    *,
    grammar: Annotated[Path, typer.Option("--grammar", "-g", help="A GBNF file; its root rule is the answer.")],
    prompt: Annotated[str, typer.Option("--prompt", "-p", help="What the user says; - is standard input.")],
    system: Annotated[str | None, typer.Option(help="The system message.")] = None,
    model: options.ModelOption = None,
    max_tokens: options.MaxTokensOption = 1024,
    draw: SamplingOptions,
    load: ModelOptions,
    stats: Annotated[bool, typer.Option("--stats", help="End with a line of statistics on standard error.")] = False,
) -> None:
    """Decode an answer under a GBNF grammar and write it out as it comes.

    \b
    engine run --grammar users.gbnf --prompt 'The users as JSON: John is 20, Mary is 21.'
    engine run -g list.gbnf -p - < question.txt
    """
    sampling, settings = draw.sampling().seeded(), load.settings()
    parsed = parse_gbnf(read_text(grammar))
    turns = [{"role": "system", "content": system}] if system is not None else []
    turns.append({"role": "user", "content": _question() if prompt == STDIN_ARGUMENT else prompt})
    bar = DownloadBar()
    file = resolve(model, progress=bar)
    if model is None and named_model() is None:
        file = default_weights(file, settings, telling(bar), bar)
    loaded = load_model(file.path, settings, tell=telling(bar), work=_WORK)
    tokens = PromptEncoder(loaded, chat_format=file.chat_format, settings=settings).encode(turns)
    masks = Masks(Automaton(parsed), shared_walks(loaded.vocabulary))
    statistics = Statistics()
    events = loaded.decode(
        [tokens], lambda _, whole: Request(whole, Matcher(masks), max_tokens, sampling), statistics=statistics
    )
    for event in events:
        typer.echo(event.data, nl=False)
        if event.error is not None:
            typer.echo()
            raise event.error
        if event.finish == "budget":
            typer.echo("\n--max-tokens was reached, so the output was closed early", err=True)
    typer.echo()
    if stats:
        said = f"{statistics.decoded_tokens} tokens ({statistics.forced_tokens} forced)"
        typer.echo(f"{said}, {statistics.tokens_per_second:.1f} tokens/s", err=True)


def _question() -> str:
    (text,) = Documents((STDIN_ARGUMENT,), lines=False)
    if isinstance(text, TextUnreadable):
        raise UsageError(f"the prompt on standard input: {text.reason}")
    return text
