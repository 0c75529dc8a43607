"""Option groups: options that belong together, declared once as a dataclass and taken by several commands.

Typer reads the options of a command from the parameters of a function. `grouped` lets a function take dataclasses whose
fields are options: for Typer their fields stand in the signature, for the function the values come as one object.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from typing import Any, TypeVar, get_type_hints

from engine.cli import options
from engine.cli.options import DEFAULTS
from engine.decoding.sampler import Sampling
from engine.decoding.settings import ModelSettings

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
    verbose: options.Verbose = False

    def settings(self, sequences: int = 1) -> ModelSettings:
        return options.model_settings(self.n_ctx, self.threads, self.gpu_layers, self.kv_type, sequences, self.verbose)


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
