"""`engine doctor`: what would run where, and what is wrong."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from engine import __version__
from engine.cli import options
from engine.cli.options import DEFAULTS, model_settings
from engine.decoding.cpu_cores import usable_cores
from engine.decoding.fast_weights import default_weights, measured_gain
from engine.decoding.llama import describe_backend, offloads_to_gpu
from engine.decoding.loaded_model import LoadedModel, forget_plan, load_model, plan_of
from engine.decoding.memory import RESERVE, available_memory
from engine.decoding.plan import reinstall_command
from engine.decoding.prompt_encoder import PromptEncoder
from engine.decoding.settings import ModelSettings
from engine.errors import EngineError
from engine.masks.array_storage import array_cache_folder
from engine.models import ModelFile, list_models, resolve
from engine.models.environment import default_model, models_folder, named_model, offline
from engine.models.ollama_parameters import NO_PARAMETERS, RecommendedParameters
from engine.models.parts import model_size

T = TypeVar("T")

doctor_app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One line of the report; `wrong` where it would prevent the engine from running."""

    subject: str
    found: str
    wrong: bool = False


@doctor_app.command()
def doctor(
    model: options.ModelOption = None,
    n_ctx: options.NCtxOption = DEFAULTS.n_ctx,
    threads: options.ThreadsOption = None,
    gpu_layers: options.GpuLayersOption = DEFAULTS.gpu_layers,
    kv_type: options.KvTypeOption = DEFAULTS.kv_type,
    sequences: options.SequencesOption = DEFAULTS.sequences,
    chat_format: options.ChatFormat = None,
    date: options.Date = None,
    again: Annotated[
        bool, typer.Option("--again", help="Try and measure the model anew, for instance when the machine is idle.")
    ] = False,
    verbose: options.VerboseOption = False,
) -> None:
    """Show versions, model, chat template, threads and memory; end with 1 where something is wrong.

    Nothing is downloaded.

    \b
    engine doctor
    engine doctor --model ollama/openhermes:v2.5 --n-ctx 8192
    """
    settings = model_settings(
        n_ctx, threads, gpu_layers, kv_type, sequences, verbose, chat_format=chat_format, date=date
    )
    problems = 0
    for finding in diagnoses(model, settings, again=again):
        problems += finding.wrong
        typer.echo(f"{'WRONG' if finding.wrong else 'ok   '} {finding.subject + ':':<17} {finding.found}")
    if problems:
        typer.echo(f"{problems} {'thing is' if problems == 1 else 'things are'} wrong", err=True)
        raise typer.Exit(1)


def diagnoses(model: str | None, settings: ModelSettings, *, again: bool = False) -> Iterator[Diagnosis]:
    """Everything that is checked, each reported as soon as it is known."""
    yield Diagnosis("engine", f"{__version__} in {Path(__file__).parent.parent}")
    yield Diagnosis("python", f"{platform.python_version()} on {platform.platform()} ({sys.executable})")
    yield Diagnosis("llama-cpp-python", version("llama-cpp-python"))
    yield Diagnosis("libllama", describe_backend())
    yield _threads(settings)
    yield Diagnosis("GPU", "llama.cpp can use one" if offloads_to_gpu() else "llama.cpp was built without")
    yield _folder("models folder", models_folder())
    yield _folder("cache folder", array_cache_folder())
    yield from _model(model, settings, again)


def _threads(settings: ModelSettings) -> Diagnosis:
    cores = usable_cores()
    threads = settings.threads or cores
    if threads > cores:
        return Diagnosis("threads", f"{threads}, but this process may use {cores} cores; more threads are slower", True)
    return Diagnosis("threads", f"{threads} of {cores} usable cores")


def _folder(subject: str, folder: Path) -> Diagnosis:
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    writable = existing.is_dir() and os.access(existing, os.W_OK)
    return Diagnosis(subject, f"{folder}{'' if writable else f': {existing} cannot be written to'}", not writable)


def _model(name: str | None, settings: ModelSettings, again: bool) -> Iterator[Diagnosis]:
    wanted = name or default_model()
    missing = next((line for line in list_models() if line.name == wanted and not line.path.exists()), None)
    if missing is not None:
        how = "not fetched, and ENGINE_OFFLINE is set" if offline() else "not fetched yet"
        yield Diagnosis("model", f"{wanted}: {how}; fetch it with `engine models pull {wanted}`", True)
        return
    file = yield from _tried("model", lambda: resolve(name), lambda file: f"{file.name}: {file.path}")
    if file is None:
        return
    if name is None and named_model() is None:
        file = default_weights(file, settings, lambda _: None, make=False)
        if file.name != wanted:
            yield Diagnosis("weights", f"{file.name}, made of it: {file.path}")
    if file.parameters != NO_PARAMETERS:
        yield _parameters(file.parameters)
    if again:
        forget_plan(file.path, settings)
    loaded = yield from _tried("loads", lambda: load_model(file.path, settings), _described)
    if loaded is None:
        return
    yield from _plan(file, settings)
    yield from _tried("chat template", lambda: _encoder(loaded, file, settings), _template(file, settings))
    yield _memory(loaded, settings)


def _parameters(found: RecommendedParameters) -> Diagnosis:
    applied = [f"{name} {value:g}" for name, value in found.sampling.items()]
    applied += [] if found.n_ctx is None else [f"num_ctx {found.n_ctx}"]
    told = [f"applied: {', '.join(applied) or 'none'}"]
    told += [f"not applied: {', '.join(found.unused)}"] if found.unused else []
    return Diagnosis("parameters", "; ".join([*told, *found.notes]))


def _tried(subject: str, attempt: Callable[[], T], tell: Callable[[T], str]) -> Generator[Diagnosis, None, T | None]:
    """A step whose failure is a finding."""
    try:
        result = attempt()
    except EngineError as error:
        yield Diagnosis(subject, str(error), True)
        return None
    yield Diagnosis(subject, tell(result))
    return result


def _plan(file: ModelFile, settings: ModelSettings) -> Iterator[Diagnosis]:
    """How llama.cpp is run, what died, and what gives back what was given up for it."""
    choice = plan_of(file.path, settings)
    yield Diagnosis("plan", str(choice))
    if choice.busy:
        yield Diagnosis("", "the machine was busy then; `engine doctor --again` measures anew")
    gain = measured_gain(file.path, settings, lambda _: None)
    if gain is not None and gain.advice(file.path):
        yield Diagnosis("faster", gain.advice(file.path))
    if choice.failed:
        yield Diagnosis("faster", f"build llama.cpp without AMX, some minutes: {reinstall_command()}")


def _described(model: LoadedModel) -> str:
    kind = "SentencePiece" if model.native.is_sentencepiece else "byte-level BPE"
    return f"{len(model.vocabulary)} tokens ({kind}), trained for a context of {model.native.trained_context}"


def _encoder(model: LoadedModel, file: ModelFile, settings: ModelSettings) -> PromptEncoder:
    encoder = PromptEncoder(model, chat_format=file.chat_format, settings=settings)
    encoder.render([{"role": "system", "content": "task"}, {"role": "user", "content": "text"}])
    return encoder


def _template(file: ModelFile, settings: ModelSettings) -> Callable[[PromptEncoder], str]:
    if settings.chat_format is not None:
        source = "as --chat-format says"
    else:
        source = "of the file" if file.chat_template else f"{file.chat_format!r}, as models.txt or Ollama says"

    def tell(encoder: PromptEncoder) -> str:
        traits = [source]
        system = "with" if encoder.takes_system else "without"
        traits.append(f"{system} a system message")
        if encoder.thought is not None:
            traits.append(f"with thoughts ({encoder.thought.opening}), which are closed before the answer")
        if encoder.writes_date:
            traits.append(f"writes the date ({settings.date or 'of the day; fix it with --date'})")
        return ", ".join(traits)

    return tell


def _memory(model: LoadedModel, settings: ModelSettings) -> Diagnosis:
    weights = model_size(model.path)
    cache = settings.n_ctx * model.native.cache_shape.bytes_per_token(settings.kv_type)
    needed, available = weights + cache + RESERVE, available_memory()
    parts = f"{_mib(weights)} weights + {_mib(cache)} KV cache ({settings.n_ctx} tokens of {settings.kv_type})"
    there = "an unknown amount" if available is None else _mib(available)
    # The weights are loaded already, so what is available has them left out.
    short = available is not None and cache + RESERVE > available
    return Diagnosis("memory", f"about {_mib(needed)} = {parts} + {_mib(RESERVE)} reserve; {there} available", short)


def _mib(count: int) -> str:
    return f"{count / 2**20:,.0f} MiB"
