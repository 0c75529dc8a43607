"""The choice of the next token from the model's own distribution, restricted to the candidates.

Greedy takes the largest logit, the lowest id among equals. Sampling filters the restricted distribution (top_k, top_p,
min_p, in llama.cpp's order, before the temperature) and draws from what is left. The random number of a draw depends on
seed, document, number of bytes written and attempt alone, so a text does not depend on what is decoded beside it, on
how many passes it took, or on which tokens were never in doubt.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from engine.argument_rules import Optional, Real, Rule, Whole, check_fields
from engine.errors import BackendFailed

Logits = npt.NDArray[np.float32]
Positions = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Sampling:
    """`temperature` 0 is greedy; `top_k` 0, `top_p` 1 and `min_p` 0 are off; `seed` None takes a new one each run."""

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int | None = None

    def __post_init__(self) -> None:
        check_fields(self, _RULES)

    def seeded(self) -> Sampling:
        """The same with a seed: the given one, or a new one."""
        return self if self.seed is not None else replace(self, seed=secrets.randbits(63))


_RULES: dict[str, Rule] = {
    "temperature": Real(0),
    "top_p": Real(0, 1, above=True),
    "top_k": Whole(0),  # 0 is off
    "min_p": Real(0, 1),
    "seed": Optional(Whole(), "a new one for each run"),
}
GREEDY = Sampling()


class Sampler:
    """Draws for one document, identified by its number or by a text."""

    def __init__(self, sampling: Sampling, document: int | str) -> None:
        self.greedy = sampling.temperature == 0
        self._sampling = sampling
        text = f"{sampling.seed}/{document}".encode()
        self._key = int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "little")

    def pick(self, logits: Logits, position: int, attempt: int) -> int:
        """The index of the chosen one among `logits`; `position` and `attempt` number the draw."""
        if self.greedy:
            return int(logits.argmax())
        best = float(logits.max())
        if best == -math.inf:  # the model excludes all of them, so they are equal
            return 0
        if not math.isfinite(best):
            raise BackendFailed("logits", "the model answered with values that are not numbers")
        kept = self._filter(logits, best)
        scaled = (logits if kept is None else logits[kept]).astype(np.float64) - best
        cumulative = np.cumsum(np.exp(scaled / self._sampling.temperature))
        target = self._uniform(position, attempt) * cumulative[-1]
        index = min(int(np.searchsorted(cumulative, target, side="right")), len(cumulative) - 1)
        return index if kept is None else int(kept[index])

    def _filter(self, logits: Logits, best: float) -> Positions | None:
        """The indices that the filters keep, most probable first; None where all filters are off."""
        sampling = self._sampling
        if not sampling.top_k and sampling.top_p == 1 and sampling.min_p == 0:
            return None
        order: Positions = np.argsort(-logits, kind="stable")
        if sampling.top_k:
            order = order[: sampling.top_k]
        weights = np.exp(logits[order].astype(np.float64) - best)
        count = len(order)
        if sampling.top_p < 1:
            cumulative = np.cumsum(weights)
            count = min(count, int(np.searchsorted(cumulative, sampling.top_p * cumulative[-1], side="left")) + 1)
        if sampling.min_p > 0:
            # The weight of the best is 1.
            count = min(count, max(1, int(np.count_nonzero(weights >= sampling.min_p))))
        return order[:count]

    def _uniform(self, position: int, attempt: int) -> float:
        return float(np.random.Generator(np.random.Philox(key=self._key, counter=[position, attempt, 0, 0])).random())
