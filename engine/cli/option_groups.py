"""Option groups: options that belong together, declared once as a dataclass and taken by several commands.

Typer reads the options of a command from the parameters of a function. `grouped` lets a function take dataclasses whose
fields are options: for Typer their fields stand in the signature, for the function the values come as one object.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from engine.cli import options
from engine.cli.example_file import read_examples
from engine.cli.models import DownloadBar
from engine.cli.options import DEFAULTS
from engine.cli.schema_argument import read_schema_argument, refuse_doubts
from engine.decoding.generation import MAX_BACKTRACKS
from engine.decoding.sampler import Sampling
from engine.decoding.settings import ModelSettings
from engine.errors import ExampleInvalid, UsageError
from engine.extraction.extractor import Extractor
from engine.extraction.grounded import GroundedMode

C = TypeVar("C", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class SamplingOptions:
    """Options of sampling: how the next token is chosen."""

    temperature: options.TemperatureOption = 0.0
    top_p: options.TopPOption = 1.0
    top_k: options.TopKOption = 0
    min_p: options.MinPOption = 0.0
    seed: options.SeedOption = None

    def sampling(self) -> Sampling:
        return Sampling(self.temperature, self.top_p, self.top_k, self.min_p, self.seed)


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """Options of the model: how it is loaded."""

    n_ctx: options.NCtxOption = DEFAULTS.n_ctx
    threads: options.ThreadsOption = None
    gpu_layers: options.GpuLayersOption = DEFAULTS.gpu_layers
    kv_type: options.KvTypeOption = DEFAULTS.kv_type
    chat_format: options.ChatFormat = None
    date: options.Date = None
    verbose: options.VerboseOption = False

    def settings(self, sequences: int | None = 1) -> ModelSettings:
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
class RequestOptions:
    """Options of the request: what is extracted from each document."""

    instructions: Annotated[str | None, typer.Option(help="Added to the description of the task.")] = None
    examples: Annotated[
        Path | None, typer.Option(help='JSON lines of solved examples: {"text": "…", "answer": [{…}]}.')
    ] = None
    one: Annotated[bool, typer.Option("--one", help="One object for each document, not a list.")] = False
    min_items: Annotated[int, typer.Option(min=0, help="The fewest objects in each document.")] = 0
    max_items: Annotated[int | None, typer.Option(min=1, help="The most objects in each document.")] = None
    max_tokens: options.MaxTokensOption = 1024
    max_value_tokens: options.MaxValueTokensOption = None
    loops: options.LoopsOption = "end"
    on_budget: options.OnBudgetOption = "mark"
    max_backtracks: options.MaxBacktracksOption = MAX_BACKTRACKS
    style: options.StyleOption = "spaced"
    strict: options.StrictOption = False
    grounded: options.GroundedOption = False
    prefer_grounded: options.PreferGrounded = False
    rank: options.RankOption = "calibrated"
    think: options.ThinkOption = 0

    @property
    def grounding(self) -> GroundedMode:
        """Which values must stand in their document."""
        return "prefer" if self.prefer_grounded else self.grounded

    def __post_init__(self) -> None:
        if self.one and (self.min_items != 0 or self.max_items is not None):
            raise UsageError(
                "--one means one object for each document; it cannot be combined with --min-items and --max-items"
            )

    def extractor(
        self, schema: str, model: str | None, settings: ModelSettings, *, recommended_context: bool
    ) -> Extractor:
        target = read_schema_argument(schema)
        if self.strict:
            refuse_doubts(target)
        examples, locations = read_examples(self.examples) if self.examples else ([], [])
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
                settings=replace(settings, think=self.think),
                recommended_context=recommended_context,
                progress=DownloadBar(),
            )
        except ExampleInvalid as error:
            raise UsageError(f"{locations[error.index]}: {error}") from error


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
