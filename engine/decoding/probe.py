"""Probe: whether a model runs under a plan, tried in a child process that may die.

The child loads the model as the run would, with the same number of threads (on some processors the permission for a kernel
is given to each thread), and decodes a prompt, one row and several rows. It answers with some of the logits. In the child
process this module is the program: it reads a JSON object from standard input and writes one to standard output.
"""

from __future__ import annotations

import json
import math
import os
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.decoding.child import ChildFailed, ask_child
from engine.decoding.plan import Plan
from engine.decoding.settings import ModelSettings

FAULT = "ENGINE_PROBE_FAULT"  # for tests: {"PLAN": "SIGSEGV" | "SIGILL" | "hang" | "garbage" | "exit"}, as JSON
_PROMPT = 33  # tokens; odd, so that it is no whole number of blocks
_ROWS = 4
_SAMPLED = 256  # logits of each row


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of one plan: its `logits`, or why there are none."""

    plan: Plan
    logits: tuple[float, ...] = ()
    fault: str = ""


def attempt(path: Path, settings: ModelSettings, plan: Plan, *, seconds: float) -> Trial:
    """Run a model under a plan for a moment; it is killed after `seconds`."""
    order = {"path": str(path), "settings": asdict(plan.applied(settings)), "plan": plan.name}
    try:
        logits = ask_child("engine.decoding.probe:answer_trial", order, seconds=seconds)["logits"]
        return Trial(plan, tuple(map(float, logits)))
    except ChildFailed as failure:
        return Trial(plan, fault=str(failure))


def differs(trial: Trial, reference: Trial) -> bool:
    """Whether logits cannot come from the same model: kernels differ by some tenths, garbage by far more."""
    found, expected = np.array(trial.logits), np.array(reference.logits)
    if found.shape != expected.shape:
        return True
    return bool(np.abs(found - expected).mean() > 0.25 * max(expected.std(), 1e-6))


def is_finite(trial: Trial) -> bool:
    """Whether the trial gave logits, and numbers only."""
    return bool(trial.logits) and all(map(math.isfinite, trial.logits))


# -- in the child


def answer_trial() -> None:
    """The program of the child."""
    order = json.load(sys.stdin)
    fault = json.loads(os.environ.get(FAULT, "{}")).get(order["plan"])
    if fault is not None and fault != "garbage":
        _fail(fault)
    logits = _logits(Path(order["path"]), ModelSettings(**order["settings"]))
    if fault == "garbage":
        logits = [-50.0 * math.sin(index) for index, _ in enumerate(logits)]
    json.dump({"logits": logits}, sys.stdout)


def _fail(fault: str) -> None:
    if fault == "hang":
        time.sleep(3600)
    if fault == "exit":
        sys.exit("the model cannot be loaded")
    os.kill(os.getpid(), getattr(signal, fault))


def _logits(path: Path, settings: ModelSettings) -> list[float]:
    from engine.decoding.language_model import Feed, Row  # llama.cpp is loaded in the child alone
    from engine.decoding.llama import LlamaContext, LlamaModel

    model = LlamaModel(path, settings)
    context = LlamaContext(model, settings)
    width = len(model)
    tokens = tuple(index * 7919 % width for index in range(1, _PROMPT + 1))
    length = min(_PROMPT, context.n_batch, context.max_length - _ROWS)
    rows: list[Row] = [context.decode([Feed(1, 0, tokens[:length], 1)])[0][0].copy()]
    rows.append(context.decode([Feed(1, length, tokens[:1], 1)])[0][0].copy())
    branches = range(context.count + 1, context.count + 1 + min(_ROWS, context.branches))
    for branch in branches:
        context.share(1, branch, length + 1)
    feeds = [Feed(branch, length + 1, (tokens[-branch % _PROMPT],), 1) for branch in branches]
    rows += [answers[0].copy() for answers in context.decode(feeds)]
    places = np.linspace(0, width - 1, min(width, _SAMPLED)).astype(np.int64)
    return [float(value) for row in rows for value in _sane(row[places])]


def _sane(values: Any) -> Any:
    """JSON has no infinities; a logit that was suppressed is very small."""
    return np.where(np.isneginf(values), -1e9, values)
