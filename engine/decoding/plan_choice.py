"""The choice of a plan: the first under which a model lives, remembered for this machine.

Before a model is used for the first time with this build of llama.cpp on this processor, `engine.decoding.probe` tries the
plans in turn. What was found is kept beside the other caches, by llama.cpp's build, the processor's features, the model's
header and the settings that matter; a run that finds it there costs nothing more. `ENGINE_PROBE=off` takes the usual plan.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from filelock import FileLock

from engine.decoding.calibration import calibrate
from engine.decoding.child import can_start_children
from engine.decoding.cpu_cores import is_busy, usable_cores
from engine.decoding.pass_times import PassTimes, Workload, best_times, times_as_json, times_from_json
from engine.decoding.plan import PLAINEST, PLANS, USUAL, Plan, tuned
from engine.decoding.probe import Trial, attempt, differs, is_finite
from engine.decoding.settings import SEQUENCES, ModelSettings
from engine.errors import ModelKillsProcess
from engine.models.catalogue import replace_text
from engine.models.environment import cache_folder

_HEADER = 1 << 16  # bytes of a file that stand for its header
_SECONDS, _SECONDS_PER_GIB = 60.0, 60.0
# The settings that decide which kernels run, and how fast.
_THAT_MATTER = ("threads", "gpu_layers", "kv_type", "n_batch", "extra_buffers", "flash_attention")

Try = Callable[[Path, ModelSettings, Plan], Trial]


@dataclass(frozen=True, slots=True)
class PlanChoice:
    """The plan of a model, the plans before it with what went wrong under them, and its pass times where they are known."""

    plan: Plan
    failed: tuple[tuple[str, str], ...] = ()
    probed: bool = True
    times: PassTimes | None = None
    busy: bool = False  # while the times were measured

    def __str__(self) -> str:
        """In one line."""
        name = self.plan.name if self.probed else f"{self.plan.name}, not tried"
        parts = [f"{name} ({_faults(self.failed)})" if self.failed else name]
        if self.plan.flash_attention is False and self.plan.name in (USUAL.name, PLANS[1].name):
            parts.append("no flash attention, which is faster")
        if self.plan.threads is not None and self.plan.name != PLANS[-1].name:
            parts.append(f"{self.plan.threads} threads")
        if self.plan.gpu_layers:
            parts.append(f"{'all' if self.plan.gpu_layers < 0 else self.plan.gpu_layers} layers on the GPU")
        if self.times is not None:
            parts.append(f"{self.plan.sequences} documents at once")
            parts.append(f"{self.times}{', on a busy machine' if self.busy else ''}")
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What is kept: the plan that lives, and the pass times of what it leaves open."""

    plan: Plan
    failed: tuple[tuple[str, str], ...]
    times: tuple[PassTimes, ...] | None = None  # None: not measured yet
    busy: bool = False

    def choice(self, settings: ModelSettings, work: Workload) -> PlanChoice:
        if not self.times or not settings.calibrated:
            return PlanChoice(self.plan, self.failed)
        best = best_times(self.times, work)
        return PlanChoice(tuned(self.plan, best, settings), self.failed, times=best, busy=self.busy)


def is_off() -> bool:
    """Whether models are used without having been tried."""
    return os.environ.get("ENGINE_PROBE", "").strip().lower() in ("off", "0", "no", "false")


def untried() -> PlanChoice | None:
    """The plan of a program that cannot start Python to try one (a single file, or an embedded interpreter)."""
    if can_start_children():
        return None
    if "amx_tile" in processor():  # where builds for the native processor are known to die
        return PlanChoice(PLANS[1], ((USUAL.name, "not tried, and this processor has AMX"),), probed=False)
    return PlanChoice(USUAL, probed=False)


def plan_for(
    path: Path,
    settings: ModelSettings,
    backend: Callable[[], str],
    tell: Callable[[str], None],
    check: Callable[[], None],
    work: Workload | None = None,
) -> PlanChoice:
    """The plan for a model file and for some work. `backend` describes llama.cpp's build, `tell` hears what takes time and what
    was avoided, `check` raises what is wrong with the file itself, before it is tried.

    Raises `ModelKillsProcess` where llama.cpp dies with it under every plan.
    """
    if is_off():
        return PlanChoice(USUAL, probed=False)
    blind = untried()
    if blind is not None:
        return blind
    kept = kept_plan(path, settings, backend())
    work = work or Workload(sequences=settings.sequences or SEQUENCES)
    known = _read(kept)
    if known is None or (settings.calibrated and known.times is None):
        check()
        with alone_with(kept) as writable:
            # Somebody else may have found it out meanwhile. What cannot be kept is not measured each time.
            known = _found(_read(kept), path, settings, tell, measure=settings.calibrated and writable)
            _write(kept, known)
    return known.choice(settings, work)


def _found(
    known: _Verdict | None, path: Path, settings: ModelSettings, tell: Callable[[str], None], *, measure: bool
) -> _Verdict:
    """What is known, with what was not known yet."""
    seconds = _SECONDS + _SECONDS_PER_GIB * path.stat().st_size / 2**30
    if known is None:
        tell(f"trying {path.name} on this processor, once")
        choice = choose(path, settings, lambda *order: attempt(*order, seconds=seconds))
        if choice.failed:
            tell(f"llama.cpp is run with {choice.plan.name}: {_faults(choice.failed)}; `engine doctor` says what to do")
        known = _Verdict(choice.plan, choice.failed)
    if measure and known.times is None:
        tell(f"measuring how {path.name} runs fastest, once")
        busy = is_busy()
        times = calibrate(path, known.plan.applied(settings), seconds=seconds)
        known = replace(known, times=times, busy=busy)
    return known


@contextmanager
def alone_with(kept: Path) -> Iterator[bool]:
    """Nobody else finds out meanwhile what is kept in a file; False where nothing can be kept there."""
    lock = FileLock(kept.with_suffix(".lock"))
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def choose(path: Path, settings: ModelSettings, trial_of: Try) -> PlanChoice:
    """The first plan under which the model answers, and as it does under the plainest one."""
    failed: list[tuple[str, str]] = []
    reference: Trial | None = None
    for plan in PLANS:
        trial = trial_of(path, settings, plan)
        fault = trial.fault or ("" if is_finite(trial) else "its logits are not numbers")
        if not fault and plan not in (PLAINEST, PLANS[-1]):
            reference = reference or trial_of(path, settings, PLAINEST)
            if is_finite(reference) and differs(trial, reference):
                fault = "its logits are not those of the plain kernels"
        if not fault:
            return PlanChoice(plan, tuple(failed))
        failed.append((plan.name, fault))
    raise ModelKillsProcess(path, tuple(failed))


def _faults(failed: tuple[tuple[str, str], ...]) -> str:
    return "; ".join(f"{name}: {fault}" for name, fault in failed)


def kept_plan(path: Path, settings: ModelSettings, backend: str) -> Path:
    """The file in which the findings about a model are kept."""
    return cache_folder() / "plans" / f"{model_key(path, settings, backend)}.json"


def model_key(path: Path, settings: ModelSettings, backend: str) -> str:
    """What findings about a model are kept by."""
    with path.open("rb") as file:
        header = hashlib.blake2b(file.read(_HEADER), digest_size=16).hexdigest()
    facts = [getattr(settings, name) for name in _THAT_MATTER]
    parts = [backend, processor(), usable_cores(), header, path.stat().st_size, facts]
    return hashlib.blake2b(json.dumps(parts, default=str).encode(), digest_size=16).hexdigest()


@cache
def processor() -> str:
    """What tells this processor's features apart from another's, as far as the system says."""
    lines: set[str] = set()
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.startswith(("flags", "Features", "model name")):
                lines.add(line)
    return "\n".join(sorted(lines)) or f"{platform.machine()} {platform.processor()}"


def _read(file: Path) -> _Verdict | None:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        plan = next(plan for plan in PLANS if plan.name == kept["plan"])
        failed = tuple((str(name), str(fault)) for name, fault in kept["failed"])
        times = kept["times"]
        return _Verdict(plan, failed, None if times is None else times_from_json(times), bool(kept["busy"]))
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return None  # a damaged file is as good as none


def _write(file: Path, found: _Verdict) -> None:
    """Keep what was found; where that is not possible it is found again next time."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        times = None if found.times is None else times_as_json(found.times)
        kept = {"plan": found.plan.name, "failed": found.failed, "times": times, "busy": found.busy}
        replace_text(file, json.dumps(kept))
