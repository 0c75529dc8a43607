"""Pass times: what a forward pass costs on this machine by the rows in it, and what follows for a kind of work.

How the time grows with the rows differs by more than a factor of two between processors and between types of weights, so it is
measured (see `calibration`), once, and everything that weighs one pass against several asks here.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

# What another choice must save at least before it is taken: less is within what the machine's other work does to a time.
_GAIN = 0.05


@dataclass(frozen=True, slots=True)
class Workload:
    """What is mostly done: `prompt` new tokens are read for each document, `answer` tokens chosen, so many documents at once."""

    prompt: int = 300
    answer: int = 40
    sequences: int = 1


@dataclass(frozen=True, slots=True)
class PassTimes:
    """Milliseconds under one choice: of a pass by its rows, smallest first, and of one token of a long prompt.

    `flash_attention` None is llama.cpp's own choice.
    """

    flash_attention: bool | None
    threads: int
    rows: tuple[tuple[int, float], ...]
    prompt: float

    def of(self, rows: int) -> float:
        """Milliseconds of a pass of so many rows; between what was measured, and behind it, on straight lines."""
        counts = [count for count, _ in self.rows]
        place = bisect_left(counts, rows)
        if place < len(counts) and counts[place] == rows:
            return self.rows[place][1]
        if len(counts) == 1:
            return self.rows[0][1] * rows / counts[0]
        place = min(max(place, 1), len(counts) - 1)
        (left, low), (right, high) = self.rows[place - 1 : place + 1]
        return max(min(low, high), low + (high - low) * (rows - left) / (right - left))

    def cost(self, work: Workload) -> float:
        """Milliseconds a document."""
        return work.prompt * self.prompt + work.answer * self.of(work.sequences) / work.sequences

    def __str__(self) -> str:
        counts = "/".join(str(count) for count, _ in self.rows)
        times = "/".join(f"{time:.1f}" for _, time in self.rows)
        return f"{times} ms for {counts} rows, {self.prompt:.2f} ms a token of a prompt"


def best_times(tables: Iterable[PassTimes], work: Workload) -> PassTimes:
    """The choice that costs least for some work; the first one, llama.cpp's own, where no other is clearly better."""
    usual, *others = tables
    best = min(others, key=lambda one: one.cost(work), default=usual)
    return best if best.cost(work) < (1 - _GAIN) * usual.cost(work) else usual


def best_sequences(times: PassTimes, most: int) -> int:
    """How many documents, at most `most`, are best decoded at once: more save too little for what they hold of the cache."""
    costs = {
        count: times.cost(Workload(sequences=count))
        for count in {1, *(rows for rows, _ in times.rows)}
        if count <= most
    }
    least = min(costs.values())
    return min(count for count, cost in costs.items() if cost <= (1 + _GAIN) * least)


def times_as_json(tables: Iterable[PassTimes]) -> list[dict[str, Any]]:
    """What `times_from_json` reads."""
    return [
        {"flash_attention": one.flash_attention, "threads": one.threads, "rows": one.rows, "prompt": one.prompt}
        for one in tables
    ]


def times_from_json(written: Iterable[dict[str, Any]]) -> tuple[PassTimes, ...]:
    """Raises `KeyError`, `TypeError` or `ValueError` on what was not written by `times_as_json`."""
    return tuple(
        PassTimes(
            None if one["flash_attention"] is None else bool(one["flash_attention"]),
            int(one["threads"]),
            tuple((int(count), float(time)) for count, time in one["rows"]),
            float(one["prompt"]),
        )
        for one in written
        if one["rows"]
    )
