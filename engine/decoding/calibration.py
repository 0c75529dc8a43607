"""Calibration: the pass times of a model on this machine, measured in a child process.

It takes five seconds at most for a small model, and no longer than it took to load a large one: what does not fit into that is
left out, the dearest first. All choices take turns, so that what disturbs the machine disturbs all of them, and the least time of
each counts. In the child this module is the program (see `child`).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.decoding.child import ChildFailed, ask_child
from engine.decoding.cpu_cores import is_busy, usable_cores
from engine.decoding.language_model import Feed
from engine.decoding.pass_times import PassTimes, times_as_json, times_from_json
from engine.decoding.settings import ModelSettings

if TYPE_CHECKING:
    from engine.decoding.llama import LlamaContext, LlamaModel

ROWS = (1, 2, 4, 8, 16)
_ORDER = (1, 4, 8, 2, 16)  # the most telling first
_SECONDS = 5.0
_ROUNDS = 5
_HELD = 128  # tokens in the cache
_PROMPT = 256
_SHORTEST_PROMPT = 32


def calibrate(path: Path, settings: ModelSettings, *, seconds: float) -> tuple[PassTimes, ...]:
    """The pass times of each choice that `settings` leave open, llama.cpp's own first; none where they cannot be had."""
    try:
        answer = ask_child(
            "engine.decoding.calibration:answer_times",
            {"path": str(path), "settings": asdict(settings)},
            seconds=seconds,
        )
        return times_from_json(answer["times"])
    except (ChildFailed, KeyError, TypeError, ValueError):
        return ()  # it runs, as the probe has shown; only how fast is not known


def answer_times() -> None:
    """The program of the child."""
    order = json.load(sys.stdin)
    settings = ModelSettings(**order["settings"])
    started = time.perf_counter()
    from engine.decoding.llama import LlamaModel  # llama.cpp is loaded in the child alone

    model = LlamaModel(Path(order["path"]), settings)
    loaded = time.perf_counter()
    times = measure(model, settings, until=loaded + max(_SECONDS - 1, loaded - started))
    json.dump({"times": times_as_json(times)}, sys.stdout)


def measure(model: LlamaModel, settings: ModelSettings, *, until: float) -> list[PassTimes]:
    """Measure the choices that are open until a time of `time.perf_counter`."""
    kinds = (None, False) if settings.flash_attention is None else (settings.flash_attention,)
    cores = settings.threads or usable_cores()
    timers = [PassTimer.of(model, settings, flash, cores) for flash in kinds]
    for _ in range(_ROUNDS):
        for rows in _ORDER:
            for timer in timers:
                timer.time_rows(rows, until)
        for timer in timers:
            timer.time_prompt(until)
    if settings.threads is None and not is_busy():  # among others fewer threads are faster, but not for long
        timers += _fewer_threads(timers[0], cores, until)
    return [timer.times() for timer in timers if timer.rows]


def _fewer_threads(usual: PassTimer, cores: int, until: float) -> Iterator[PassTimer]:
    """The same with fewer threads, as long as that makes a pass faster."""
    fastest = usual.rows.get(1, 0.0)
    for threads in sorted({1, cores // 2, cores * 3 // 4} - {0, cores}, reverse=True):
        timer = usual.with_threads(threads)
        for _ in range(3):
            timer.time_rows(1, until)
        if not timer.rows or timer.rows[1] >= fastest:
            return
        fastest = timer.rows[1]
        for rows in _ORDER:
            timer.time_rows(rows, until)
        timer.time_prompt(until)
        if timer.rows.keys() == usual.rows.keys():
            yield timer


class PassTimer:
    """One choice, with a context that holds the same text in all its sequences."""

    def __init__(self, context: LlamaContext, width: int, flash_attention: bool | None, threads: int) -> None:
        self.rows: dict[int, float] = {}
        self._prompt: float | None = None
        self._context, self._width = context, width
        self._flash_attention, self._threads = flash_attention, threads
        self._held = min(_HELD, context.n_batch, context.max_length - 1)

    @staticmethod
    def of(model: LlamaModel, settings: ModelSettings, flash_attention: bool | None, threads: int) -> PassTimer:
        from engine.decoding.llama import LlamaContext

        room = _HELD + max(ROWS) + _PROMPT + 64
        wanted = replace(
            settings,
            n_ctx=room,
            n_batch=min(settings.n_batch, room),
            sequences=max(ROWS),
            flash_attention=flash_attention,
            threads=threads,
        )
        timer = PassTimer(LlamaContext(model, wanted), len(model), flash_attention, threads)
        timer._context.decode([Feed(1, 0, timer._tokens(timer._held), 1)])
        for sequence in range(2, max(ROWS) + 1):
            timer._context.share(1, sequence, timer._held)
        return timer

    def with_threads(self, threads: int) -> PassTimer:
        """The same context with another number of threads, from now on."""
        self._context.set_threads(threads)
        return PassTimer(self._context, self._width, self._flash_attention, threads)

    def time_rows(self, rows: int, until: float) -> None:
        expected = self.rows.get(rows, self.rows.get(1, 0.0) * rows)
        if self.rows and time.perf_counter() + expected / 1e3 > until:
            return
        feeds = [Feed(sequence, self._held, self._tokens(1), 1) for sequence in range(1, rows + 1)]
        found = self._milliseconds(feeds)
        for feed in feeds:
            self._context.truncate(feed.sequence, self._held)
        self.rows[rows] = min(found, self.rows.get(rows, found))

    def time_prompt(self, until: float) -> None:
        """A prompt as long as a fourth of the time that is left allows; the first time, at least a short one."""
        most, left = min(_PROMPT, self._context.n_batch, self._context.max_length), (until - time.perf_counter()) * 1e3
        length = min(most, int(left / 4 / (self._prompt or self.rows[1] / 2)))
        shortest = min(_SHORTEST_PROMPT, most)
        if length < shortest and self._prompt is not None:
            return
        length = max(length, shortest)
        sequence = self._context.count + 1
        found = self._milliseconds([Feed(sequence, 0, self._tokens(length), 1)]) / length
        self._context.truncate(sequence, 0)
        self._prompt = min(found, self._prompt or found)

    def times(self) -> PassTimes:
        prompt = self.rows[1] if self._prompt is None else self._prompt
        return PassTimes(self._flash_attention, self._threads, tuple(sorted(self.rows.items())), prompt)

    def _milliseconds(self, feeds: list[Feed]) -> float:
        started = time.perf_counter()
        self._context.decode(feeds)
        return (time.perf_counter() - started) * 1e3

    def _tokens(self, count: int) -> tuple[int, ...]:
        return tuple(index * 7919 % self._width for index in range(1, count + 1))
