"""What a model's publisher recommends: the parameters that Ollama keeps beside it.

In: Ollama's layer of parameters, a JSON object. Out: `Parameters`, defaults that whoever extracts may override. Those that
steer where a text ends (`stop`, `num_predict`), bend the distribution away from the model's own (penalties, mirostat) or
speak of a machine (`num_gpu`, `num_thread`) are not applied, and named in `unused`: the grammar ends a text, the choice is
exact, and this machine is another one. What is no number where a number belongs is refused with `ValueError`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Ollama's name: ours.
_COUNTS = {"num_ctx": "n_ctx", "top_k": "top_k", "seed": "seed"}
_SHARES = {"temperature": "temperature", "top_p": "top_p", "min_p": "min_p"}
_SMALLEST_CONTEXT = 16


@dataclass(frozen=True, slots=True)
class Parameters:
    """`n_ctx` is None where nothing is recommended; `sampling` has those of temperature, top_p, top_k, min_p and seed
    that are."""

    n_ctx: int | None = None
    sampling: Mapping[str, float] = field(default_factory=dict)
    unused: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {"n_ctx": self.n_ctx, "sampling": dict(self.sampling), "unused": list(self.unused)}


NO_PARAMETERS = Parameters()


def parameters_of(entry: Mapping[str, Any]) -> Parameters:
    """What `as_json` wrote."""
    return Parameters(entry["n_ctx"], dict(entry["sampling"]), tuple(entry["unused"]))


def read_parameters(content: bytes) -> Parameters:
    """The parameters in Ollama's layer; `ValueError` says which makes no sense."""
    written = json.loads(content)
    if not isinstance(written, dict):
        raise ValueError("the parameters are no JSON object")
    taken: dict[str, float] = {}
    for name, value in written.items():
        if name in _COUNTS:
            taken[_COUNTS[name]] = _count(name, value)
        elif name in _SHARES:
            taken[_SHARES[name]] = _share(name, value)
    if taken.get("seed") == 0:  # Ollama's way to ask for a new one each time
        del taken["seed"]
    n_ctx = taken.pop("n_ctx", None)
    unused = tuple(sorted(set(written) - set(_COUNTS) - set(_SHARES)))
    return Parameters(None if n_ctx is None else int(n_ctx), taken, unused)


def _count(name: str, value: object) -> int:
    least = _SMALLEST_CONTEXT if name == "num_ctx" else 0
    if type(value) is not int or not least <= value < 2**31:
        raise ValueError(f"the parameter {name} is {value!r}, a whole number from {least} on was expected")
    return value


def _share(name: str, value: object) -> float:
    number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    least, most = (0, math.inf) if name == "temperature" else (0, 1)
    if not (math.isfinite(number) and least <= number <= most):
        raise ValueError(f"the parameter {name} is {value!r}, which makes no sense")
    if name == "top_p" and number == 0:
        return 1.0  # off, as in Ollama
    return number
