"""Option groups: options that belong together, declared once as a dataclass and taken by several commands.

Typer reads the options of a command from the parameters of a function. `grouped` lets a function take dataclasses whose
fields are options: for Typer their fields stand in the signature, for the function the values come as one object.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from engine.cli import options
from engine.cli.examples import read_examples
from engine.cli.models import DownloadBar
from engine.cli.options import DEFAULTS
from engine.cli.target import read_target
from engine.decoding.generation import SEARCH
from engine.decoding.sampler import Sampling
from engine.decoding.settings import ModelSettings
from engine.errors import ExampleInvalid, UsageError
from engine.extraction.extractor import Extractor
from engine.extraction.grounded import Grounded

C = TypeVar("C", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Draw:
    """How the next token is chosen."""

    temperature: options.Temperature = 0.0
    top_p: options.TopP = 1.0
    top_k: options.TopK = 0
    min_p: options.MinP = 0.0
    seed: options.Seed = None

    def sampling(self) -> Sampling:
        return Sampling(self.temperature, self.top_p, self.top_k, self.min_p, self.seed)


@dataclass(frozen=True, slots=True)
class Load:
    """How the model is loaded."""

    n_ctx: options.NCtx = DEFAULTS.n_ctx
    threads: options.Threads = None
    gpu_layers: options.GpuLayers = DEFAULTS.gpu_layers
    kv_type: options.KvType = DEFAULTS.kv_type
    chat_format: options.ChatFormat = None
    date: options.Date = None
    verbose: options.Verbose = False

    def settings(self, sequences: int = 1) -> ModelSettings:
        return options.model_settings(
            self.n_ctx,
            self.threads,
            self.gpu_layers,
            self.kv_type,
            sequences,
            self.verbose,
            chat_format=self.chat_format,
            date=self.date,
        )


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked for, and what comes out for each document."""

    instructions: Annotated[str | None, typer.Option(help="Added to the description of the task.")] = None
    examples: Annotated[
        Path | None, typer.Option(help='JSON lines of solved examples: {"text": "…", "answer": [{…}]}.')
    ] = None
    one: Annotated[bool, typer.Option("--one", help="One object for each document, not a list.")] = False
    min_items: Annotated[int, typer.Option(min=0, help="At least so many objects in each document.")] = 0
    max_items: Annotated[int | None, typer.Option(min=1, help="At most so many objects in each document.")] = None
    max_tokens: options.MaxTokens = 1024
    on_budget: options.OnBudget = "mark"
    search: options.Search = SEARCH
    style: options.Style = "spaced"
    grounded: options.Grounded = False
    prefer_grounded: options.PreferGrounded = False
    rank: options.Rank = "probability"

    @property
    def grounding(self) -> Grounded:
        """Which values must stand in their document."""
        return "prefer" if self.prefer_grounded else self.grounded

    def __post_init__(self) -> None:
        if self.one and (self.min_items != 0 or self.max_items is not None):
            raise UsageError("--one is one object for each document; it excludes --min-items and --max-items")

    def extractor(
        self, schema: str, model: str | None, settings: ModelSettings, *, recommended_context: bool
    ) -> Extractor:
        target = read_target(schema)
        examples, places = read_examples(self.examples) if self.examples else ([], [])
        try:
            return Extractor(
                target,
                model=model,
                mode="one" if self.one else "many",
                instructions=self.instructions,
                examples=examples,
                style=self.style,  # type: ignore[arg-type]
                min_items=self.min_items,
                max_items=self.max_items,
                grounded=self.grounding,
                rank=self.rank,  # type: ignore[arg-type]
                settings=settings,
                recommended_context=recommended_context,
                progress=DownloadBar(),
            )
        except ExampleInvalid as error:
            raise UsageError(f"{places[error.index]}: {error}") from error


def grouped(command: C) -> C:
    """The command with the fields of its dataclasses as parameters of their own."""
    parameters: list[inspect.Parameter] = []
    groups: dict[str, type[Any]] = {}
    hints = get_type_hints(command, include_extras=True)
    for name, parameter in inspect.signature(command).parameters.items():
        kind = hints[name]
        if isinstance(kind, type) and hasattr(kind, "__dataclass_fields__"):
            groups[name] = kind
            parameters += _parameters(kind)
        else:
            parameters.append(parameter.replace(annotation=kind, kind=inspect.Parameter.KEYWORD_ONLY))

    @wraps(command)
    def flat(**values: Any) -> Any:
        for name, kind in groups.items():
            values[name] = kind(**{field.name: values.pop(field.name) for field in fields(kind)})
        return command(**values)

    flat.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    flat.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return flat  # type: ignore[return-value]


def _parameters(group: type[Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    keyword = inspect.Parameter.KEYWORD_ONLY
    return [
        inspect.Parameter(field.name, keyword, default=field.default, annotation=hints[field.name])
        for field in fields(group)
    ]
