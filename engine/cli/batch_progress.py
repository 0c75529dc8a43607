"""Progress of a job: a bar in a terminal, a plain line now and then elsewhere.

All of it goes to standard error. The figures are those of this run; what an earlier run has done counts as done.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from engine.basics.plural import counted
from engine.jobs.estimate import Estimate
from engine.jobs.job import JobProgress
from engine.jobs.manifest import Manifest

_EVERY = 10.0  # seconds between two plain lines


class ProgressDisplay:
    """Updated at every record; `quiet` shows nothing."""

    def __init__(self, *, quiet: bool, console: Console | None = None) -> None:
        self._quiet = quiet
        self._console = console or Console(stderr=True, soft_wrap=True)
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._last = time.monotonic()

    def __enter__(self) -> ProgressDisplay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, figures: JobProgress) -> None:
        if self._quiet:
            return
        if self._console.is_terminal:
            self._draw(figures)
        elif time.monotonic() - self._last >= _EVERY:
            self._last = time.monotonic()
            total = f" of {figures.total}" if figures.total is not None else ""
            self.say(f"{figures.counts.documents}{total} documents, {_rates(figures)}{_eta(figures)}")

    def say(self, text: str) -> None:
        """A line above the bar."""
        if not self._quiet:
            self._console.print(text, markup=False, highlight=False)

    def _draw(self, figures: JobProgress) -> None:
        if self._bar is None:
            self._bar = Progress(
                BarColumn(bar_width=20),
                MofNCompleteColumn(),
                TextColumn("{task.description}", markup=False),
                TimeRemainingColumn(),
                console=self._console,
            )
            # What an earlier run has done must not count for the speed of this one.
            self._task = self._bar.add_task("", total=figures.total, completed=figures.before)
            self._bar.start()
        assert self._task is not None, "it was added with the bar"
        self._bar.update(self._task, completed=figures.counts.documents, description=_rates(figures))


def summary(manifest: Manifest, figures: JobProgress) -> str:
    """`313 documents: 300 complete, 13 closed early, 0 errors; 313 objects; 87.2 s, 3.59 documents/s, …`."""
    counts = manifest.counts
    early = f", {counts.budget} closed early" if counts.budget else ""
    early += f", {counts.loop} with a loop ended" if counts.loop else ""
    ended = f"{counts.complete} complete{early}, {counted(counts.errors, 'error')}"
    text = f"{counted(counts.documents, 'document')}: {ended}; {counted(counts.objects, 'object')}"
    if figures.before:
        text += f"; {counts.documents - figures.before} of them in this run"
    if counts.documents > figures.before:
        text += f"; {figures.seconds:.1f} s, {_rates(figures, errors=False)}"
    if figures.restarts:
        text += f"; {figures.restarts} {'worker was' if figures.restarts == 1 else 'workers were'} started again"
    return text


def _rates(figures: JobProgress, *, errors: bool = True) -> str:
    tokens = figures.tokens / figures.seconds if figures.seconds else 0.0
    text = f"{figures.documents_per_second:.2f} documents/s, {tokens:.0f} tokens/s"
    return f"{text}, {counted(figures.counts.errors, 'error')}" if errors else text


def _eta(figures: JobProgress) -> str:
    rate = figures.documents_per_second
    if figures.total is None or not rate:
        return ""
    return f", {_duration((figures.total - figures.counts.documents) / rate)} left"


def estimate_lines(found: Estimate, workers: int) -> Iterator[str]:
    """The lines of `--dry-run`."""
    yield f"documents   {found.documents}" + (f", {found.no_text} of them without text" if found.no_text else "")
    pieces = f" in {found.chunks} pieces" if found.chunks > found.documents - found.no_text else ""
    yield f"prompts     {found.tokens} tokens{pieces}, the longest {found.longest}; {found.fits} fit beside the output"
    if found.unfit:
        listed = ", ".join(f"{name} ({tokens})" for name, tokens in found.too_long)
        more = " …" if found.unfit > len(found.too_long) else ""
        yield f"too long    {found.unfit}: {listed}{more}"
    if found.sample:
        rate = f"{found.sample} documents took {found.sample_seconds:.1f} s"
        many = f", {workers} workers" if workers > 1 else ""
        yield f"time        about {_duration(found.seconds)} ({rate}{many})"
    there = "" if found.available is None else f"; {_mib(found.available)} available"
    parts = f"{_mib(found.weights)} weights, shared, + {_mib(found.context)} contexts"
    yield f"memory      about {_mib(found.weights + found.context)} = {parts}{there}"


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _mib(count: int) -> str:
    return f"{count / 2**20:,.0f} MiB"
