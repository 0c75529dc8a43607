"""What a model's publisher recommends: the parameters that Ollama keeps beside it.

In: Ollama's layer of parameters, a JSON object. Out: `RecommendedParameters`, defaults that whoever extracts may
override. Values are read as Ollama reads them: a whole number may be written as a float, null is no value, `seed` -1 is
a new seed for each run, `top_k` below 1 is off, `top_p` 0 leaves the likeliest token alone, and a value outside of its
range is drawn into it. What cannot be applied is left out. Either way a note says so, and the model is taken all the
same.

Left aside and named in `unused` are those that steer where a text ends (`stop`, `num_predict`), bend the distribution away
from the model's own (penalties, mirostat) or speak of a machine (`num_gpu`, `num_thread`): the grammar ends a text, the
choice is exact, and this machine is another one.

Source: Ollama's `api.Options.FromMap` (types) and its sampler (ranges).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_APPLIED = ("num_ctx", "temperature", "top_p", "top_k", "min_p", "seed")
_SMALLEST_CONTEXT, _LARGEST = 16, 2**31 - 1
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class RecommendedParameters:
    """`n_ctx` is None where nothing is recommended; `sampling` has those of temperature, top_p, top_k, min_p and seed
    that are. `notes` say what was read otherwise than it stands there."""

    n_ctx: int | None = None
    sampling: Mapping[str, float] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        sampling, unused, notes = dict(self.sampling), list(self.unused), list(self.notes)
        return {"n_ctx": self.n_ctx, "sampling": sampling, "unused": unused, "notes": notes}


NO_PARAMETERS = RecommendedParameters()


def parameters_of(entry: Mapping[str, Any]) -> RecommendedParameters:
    """What `as_json` wrote."""
    return RecommendedParameters(entry["n_ctx"], dict(entry["sampling"]), tuple(entry["unused"]), tuple(entry["notes"]))


def read_parameters(content: bytes) -> RecommendedParameters:
    """The parameters in Ollama's layer; `ValueError` where it is not a JSON object."""
    written = json.loads(content)
    if written is None:
        return NO_PARAMETERS
    if not isinstance(written, dict):
        raise ValueError("the parameters are not a JSON object")
    reader = _Reader({name: value for name, value in written.items() if value is not None})
    sampling = {name: value for name, value in reader.sampling() if value is not None}
    unused = tuple(sorted(set(written) - set(_APPLIED)))
    return RecommendedParameters(reader.context(), sampling, unused, tuple(reader.notes))


class _Reader:
    """The values one by one, with a note for each that is not taken as it stands."""

    def __init__(self, written: Mapping[str, Any]) -> None:
        self._written = written
        self.notes: list[str] = []

    def context(self) -> int | None:
        tokens = self._whole("num_ctx")
        if tokens is None or _SMALLEST_CONTEXT <= tokens <= _LARGEST:
            return tokens
        self._note("num_ctx", f"a context has {_SMALLEST_CONTEXT} to {_LARGEST} tokens; not applied")
        return None

    def sampling(self) -> list[tuple[str, float | None]]:
        top_k, top_p = self._top_k(), self._share("top_p")
        if top_p == 0:  # the likeliest token alone, as Ollama's sampler takes it
            top_k, top_p = 1, None
        return [
            ("temperature", self._drawn("temperature", self._number("temperature"), 0, math.inf)),
            ("top_k", top_k),
            ("top_p", top_p),
            ("min_p", self._share("min_p")),
            ("seed", self._seed()),
        ]

    def _top_k(self) -> int | None:
        count = self._whole("top_k")
        return None if count is None else max(count, 0)

    def _seed(self) -> int | None:
        seed = self._whole("seed")
        return None if seed == -1 else seed

    def _share(self, name: str) -> float | None:
        return self._drawn(name, self._number(name), 0, 1)

    def _drawn(self, name: str, number: float | None, least: float, most: float) -> float | None:
        """The number, or the nearest one of the range."""
        if number is None or least <= number <= most:
            return number
        nearest = min(max(number, least), most)
        self._note(name, f"taken as {nearest:g}")
        return nearest

    def _whole(self, name: str) -> int | None:
        """Towards zero, as Ollama cuts a float."""
        value = self._written.get(name)
        if type(value) is int:
            return value
        number = self._number(name)
        if number is None:
            return None
        if not number.is_integer():
            self._note(name, f"taken as {int(number)}")
        return int(number)

    def _number(self, name: str) -> float | None:
        value = self._written.get(name)
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool):
            try:
                if math.isfinite(number := float(value)):
                    return number
            except OverflowError:
                pass
        self._note(name, "not a finite number; not applied")
        return None

    def _note(self, name: str, what: str) -> None:
        shown = json.dumps(self._written[name])
        shown = shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "…"
        note = f"{name} is {shown}: {what}"
        if note not in self.notes:
            self.notes.append(note)
