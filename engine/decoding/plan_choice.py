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
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from engine.decoding.plan import PLAINEST, PLANS, USUAL, Plan
from engine.decoding.probe import Trial, attempt, differs, is_finite
from engine.decoding.settings import ModelSettings
from engine.errors import ModelKillsProcess
from engine.models.environment import cache_folder

_HEADER = 1 << 16  # bytes of a file that stand for its header
_SECONDS, _SECONDS_PER_GIB = 60.0, 60.0

Try = Callable[[Path, ModelSettings, Plan], Trial]


@dataclass(frozen=True, slots=True)
class PlanChoice:
    """The plan of a model, and the plans before it with what went wrong under them."""

    plan: Plan
    failed: tuple[tuple[str, str], ...] = ()
    probed: bool = True

    def __str__(self) -> str:
        """In one line."""
        avoided = "; ".join(f"{name}: {fault}" for name, fault in self.failed)
        name = self.plan.name if self.probed else f"{self.plan.name}, not tried"
        return f"{name} ({avoided})" if avoided else name


def is_off() -> bool:
    """Whether models are used without having been tried."""
    return os.environ.get("ENGINE_PROBE", "").strip().lower() in ("off", "0", "no", "false")


def untried() -> PlanChoice | None:
    """The plan of a program that cannot start Python to try one (a single file, or an embedded interpreter)."""
    if sys.executable and not getattr(sys, "frozen", False):
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
) -> PlanChoice:
    """The plan for a model file. `backend` describes llama.cpp's build, `tell` hears what takes time and what was avoided,
    `check` raises what is wrong with the file itself, before it is tried.

    Raises `ModelKillsProcess` where llama.cpp dies with it under every plan.
    """
    if is_off():
        return PlanChoice(USUAL, probed=False)
    blind = untried()
    if blind is not None:
        return blind
    kept = cache_folder() / "plans" / f"{_key(path, settings, backend())}.json"
    known = _read(kept)
    if known is not None:
        return known
    check()
    tell(f"trying {path.name} on this processor, once")
    seconds = _SECONDS + _SECONDS_PER_GIB * path.stat().st_size / 2**30
    choice = choose(path, settings, lambda *order: attempt(*order, seconds=seconds))
    _write(kept, choice)
    if choice.failed:
        tell(f"llama.cpp is run with {choice.plan.name}: {_faults(choice.failed)}; `engine doctor` says what to do")
    return choice


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


def _key(path: Path, settings: ModelSettings, backend: str) -> str:
    with path.open("rb") as file:
        header = hashlib.blake2b(file.read(_HEADER), digest_size=16).hexdigest()
    parts = [backend, processor(), header, path.stat().st_size, sorted(asdict(settings).items(), key=str)]
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


def _read(file: Path) -> PlanChoice | None:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        plan = next(plan for plan in PLANS if plan.name == kept["plan"])
        return PlanChoice(plan, tuple((str(name), str(fault)) for name, fault in kept["failed"]))
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return None  # a damaged file is as good as none


def _write(file: Path, choice: PlanChoice) -> None:
    """Keep a choice; where that is not possible it is made again next time."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, suffix=".tmp", delete=False, encoding="utf-8") as held:
            json.dump({"plan": choice.plan.name, "failed": choice.failed}, held)
        os.replace(held.name, file)
