"""Weights gain: what weights of a fast type gain for a model on this machine, as it was measured.

It is kept beside the plans, and read by whoever gives advice; `fast_weights` measures it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.decoding.llama import describe_backend
from engine.decoding.pass_times import PassTimes, Workload, times_from_json
from engine.decoding.plan_choice import model_key
from engine.decoding.settings import ModelSettings
from engine.models.environment import cache_folder

FAST_TYPE = "Q8_0"
_PAYS = 1.15  # what else a machine does is within this


@dataclass(frozen=True, slots=True)
class WeightsGain:
    """Pass times of a model, or of some of its layers, as it is and with fast weights, and the size of those in bytes."""

    now: PassTimes
    fast: PassTimes
    size: int

    @property
    def prompts(self) -> float:
        """How many times faster a prompt is read."""
        return self.now.prompt / self.fast.prompt

    def advice(self, path: Path) -> str:
        """What to do about it, or nothing where it does not pay."""
        if not self.pays():
            return ""
        gain = f"prompts {self.prompts:.1f} × faster with {FAST_TYPE} weights ({self.size / 1e6:,.0f} MB)"
        return f"{gain}: `engine models requantize {path}`"

    def pays(self, work: Workload | None = None) -> bool:
        """Whether documents as they mostly are take clearly less time."""
        work = work or Workload()
        return self.now.cost(work) > _PAYS * self.fast.cost(work)


def known_gain(path: Path, settings: ModelSettings) -> WeightsGain | None:
    """What was measured before on this machine; nothing is measured."""
    return read_gain(kept_gain(path, settings))


def kept_gain(path: Path, settings: ModelSettings) -> Path:
    """The file in which the gain of a model is kept."""
    return cache_folder() / "weights" / f"{model_key(path, settings, describe_backend())}.json"


def read_gain(kept: Path) -> WeightsGain | None:
    """What a file says; None where it cannot be read, or says that there is nothing to gain."""
    try:
        return _gain(json.loads(kept.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def _gain(answer: dict[str, Any]) -> WeightsGain | None:
    try:
        now, fast = times_from_json((answer["now"], answer["fast"]))
        return WeightsGain(now, fast, int(answer["size"]))
    except (KeyError, TypeError, ValueError):
        return None
