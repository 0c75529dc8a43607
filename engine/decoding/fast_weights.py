"""Fast weights: whether Q8_0 makes a model faster on this machine, and the default model made so.

Which types of weights have fast kernels differs between processors, so it is measured, in a child process: a small model as a
whole, of a large one two layers, as they are and as Q8_0. Nothing is changed about a model that somebody chose: `engine doctor`
says what would be gained. The default model, which nobody chose, is made once where that pays; it is the same model, for Q8_0
holds its values nearly exactly.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from engine.decoding.calibration import PassTimer
from engine.decoding.child import ChildFailed, ask_child
from engine.decoding.cpu_cores import usable_cores
from engine.decoding.loaded_model import plan_of
from engine.decoding.pass_times import times_as_json
from engine.decoding.plan_choice import alone_with, is_off, untried
from engine.decoding.requantize import requantize, requantized_name
from engine.decoding.settings import ModelSettings
from engine.decoding.weights_gain import FAST_TYPE, WeightsGain, kept_gain, read_gain
from engine.errors import EngineError
from engine.models import ModelFile, list_models, resolve
from engine.models.catalogue import replace_text
from engine.models.environment import DEFAULT_MODEL
from engine.models.model_source import Requantized
from engine.models.parts import model_size
from engine.models.progress import SILENT, Progress

_WHOLE = 400 << 20  # bytes: a model up to this size is measured as a whole
_LAYERS = 2
_MEASURED, _ROUNDS = 3.0, 3  # seconds, and how often
_SECONDS, _SECONDS_PER_GIB = 60.0, 60.0
# general.file_type of what is not worth it: F32, F16, Q8_0, BF16.
_FAST_ALREADY = ("0", "1", "7", "32")


def measured_gain(path: Path, settings: ModelSettings, tell: Callable[[str], None]) -> WeightsGain | None:
    """What fast weights gain here, measured where it is not known yet; None where there is nothing to gain."""
    if is_off() or untried() is not None:
        return None
    kept = kept_gain(path, settings)
    if not kept.exists():
        with alone_with(kept) as writable:
            if not writable:  # it would be measured each time
                return None
            if not kept.exists():
                tell(f"measuring {path.name} with {FAST_TYPE} weights, once")
                replace_text(kept, json.dumps(_answer(path, settings, kept.parent)))
    return read_gain(kept)


def _answer(path: Path, settings: ModelSettings, folder: Path) -> dict[str, Any]:
    """What the child finds; nothing where it cannot."""
    size = model_size(path)
    settings = plan_of(path, replace(settings, calibrated=False)).plan.applied(settings)
    with suppress(ChildFailed), tempfile.TemporaryDirectory(prefix=".measuring-", dir=folder) as scratch:
        order = {"path": str(path), "folder": scratch, "settings": asdict(settings), "whole": size <= _WHOLE}
        seconds = _SECONDS + _SECONDS_PER_GIB * size / 2**30
        return ask_child("engine.decoding.fast_weights:answer_gain", order, seconds=seconds)
    return {}


def default_weights(
    file: ModelFile,
    settings: ModelSettings,
    tell: Callable[[str], None],
    progress: Progress = SILENT,
    *,
    make: bool = True,
) -> ModelFile:
    """The file to decode with where no model was named: the fast weights of `file`, where they pay. They are made once, or
    with `make` False only taken where they are there.
    """
    if file.name != DEFAULT_MODEL or not settings.calibrated or is_off() or untried() is not None:
        return file
    name = requantized_name(file.name, FAST_TYPE)
    try:
        gain = measured_gain(file.path, settings, tell)
        if gain is None or not gain.pays():
            return file
        line = next((line for line in list_models() if line.name == name), None)
        if line is None or line.source != Requantized(file.sha256 or "", FAST_TYPE) or not line.path.exists():
            if not make:
                return file
            tell(f"making {FAST_TYPE} weights of {file.name}, with which prompts run {gain.prompts:.1f} × faster here")
            requantize(file, FAST_TYPE, progress=progress)
        return resolve(name, progress=progress)
    except (EngineError, OSError) as error:  # a full disk, a folder that cannot be written to: it runs as it is
        tell(f"{file.name} is used as it is: {error}")
        return file


# -- in the child


def answer_gain() -> None:
    """The program of the child; an empty object where the weights are of a fast type already."""
    order = json.load(sys.stdin)
    json.dump(_measure(Path(order["path"]), Path(order["folder"]), order), sys.stdout)


def _measure(path: Path, folder: Path, order: dict[str, Any]) -> dict[str, Any]:
    from engine.decoding.llama import LlamaModel, quantize  # llama.cpp is loaded in the child alone

    settings = ModelSettings(**order["settings"])
    if LlamaModel(path, settings, vocab_only=True).metadata("general.file_type") in _FAST_ALREADY:
        return {}
    threads = settings.threads or usable_cores()
    layers = None if order["whole"] else _LAYERS
    now, fast = (path if order["whole"] else folder / "now.gguf"), folder / "fast.gguf"
    failed = quantize(path, fast, FAST_TYPE, threads=threads, layers=layers)
    if not order["whole"]:
        failed = failed or quantize(path, now, None, threads=threads, layers=layers)
    if failed:
        sys.exit(failed)
    timers = [
        PassTimer.of(LlamaModel(file, settings), settings, settings.flash_attention, threads) for file in (now, fast)
    ]
    until = time.perf_counter() + _MEASURED
    for _ in range(_ROUNDS):
        for rows in (1, 4):
            for timer in timers:
                timer.time_rows(rows, until)
        for timer in timers:
            timer.time_prompt(until)
    size = model_size(path) * fast.stat().st_size // model_size(now)
    first, second = times_as_json(timer.times() for timer in timers)
    return {"now": first, "fast": second, "size": size}
