"""`engine run`: any GBNF file as the grammar of an answer, which is written out as it is decoded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.automaton.automaton import Automaton
from engine.cli import options
from engine.cli.models import DownloadBar
from engine.cli.options import DEFAULTS, model_settings
from engine.decoding.loaded import load
from engine.decoding.prompt import PromptEncoder
from engine.decoding.sampler import Sampling
from engine.decoding.scheduler import Request
from engine.decoding.statistics import Statistics
from engine.errors import UsageError
from engine.extraction.extractor import shared_walks
from engine.grammar.gbnf_parser import parse_gbnf
from engine.masks.mask import Masks
from engine.masks.matcher import Matcher
from engine.models import resolve

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def run(
    grammar: Annotated[Path, typer.Option("--grammar", "-g", help="A GBNF file; its root rule is the answer.")],
    prompt: Annotated[str, typer.Option("--prompt", "-p", help="What the user says; - is standard input.")],
    system: Annotated[str | None, typer.Option(help="The system message.")] = None,
    model: options.Model = None,
    max_tokens: options.MaxTokens = 1024,
    temperature: options.Temperature = 0.0,
    top_p: options.TopP = 1.0,
    top_k: options.TopK = 0,
    min_p: options.MinP = 0.0,
    seed: options.Seed = None,
    n_ctx: options.NCtx = DEFAULTS.n_ctx,
    threads: options.Threads = None,
    gpu_layers: options.GpuLayers = DEFAULTS.gpu_layers,
    kv_type: options.KvType = DEFAULTS.kv_type,
    stats: Annotated[bool, typer.Option("--stats", help="End with a line of figures on standard error.")] = False,
    verbose: options.Verbose = False,
) -> None:
    """Decode an answer under a GBNF grammar and write it out as it comes.

    \b
    engine run --grammar users.gbnf --prompt 'John is 20 and Mary is 21.'
    engine run -g list.gbnf -p - < question.txt
    """
    sampling = Sampling(temperature, top_p, top_k, min_p, seed).seeded()
    parsed = parse_gbnf(_read(grammar))
    try:
        question = typer.get_text_stream("stdin").read() if prompt == "-" else prompt
    except UnicodeDecodeError as error:
        raise UsageError(f"the prompt on standard input is not UTF-8: {error}") from error
    file = resolve(model, progress=DownloadBar())
    loaded = load(file.path, model_settings(n_ctx, threads, gpu_layers, kv_type, 1, verbose))
    turns = [{"role": "system", "content": system}] if system is not None else []
    turns.append({"role": "user", "content": question})
    tokens = PromptEncoder(loaded, chat_format=file.chat_format).encode(turns)
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


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 at byte {error.start}") from error
