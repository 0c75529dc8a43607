"""How many threads are worth starting: the physical cores that this process may run on.

Two threads on one core, or more threads than cores, make llama.cpp slower, not faster: it waits for the slowest thread
after each operation (4 threads on 2 cores took three times as long as 2).
"""

from __future__ import annotations

import os
from pathlib import Path


def usable_cores() -> int:
    """Physical cores within the process's affinity and its control group's quota; at least one."""
    if hasattr(os, "sched_getaffinity"):
        allowed = os.sched_getaffinity(0)
        cores = len({_siblings(processor) for processor in allowed})
    else:
        cores = os.cpu_count() or 1
    quota = _quota()
    return max(1, cores if quota is None else min(cores, quota))


def is_busy() -> bool:
    """Whether others use the cores now, so that no time that is measured says much; so is a system that does not tell."""
    try:
        return os.getloadavg()[0] > 1 + usable_cores() / 4
    except (AttributeError, OSError):
        return True


def _siblings(processor: int) -> str:
    """The processors that share a core with this one; itself where the system does not say."""
    listing = Path(f"/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list")
    try:
        return listing.read_text("ascii")
    except OSError:
        return str(processor)


def _quota() -> int | None:
    """Whole processors that the control group grants, rounded up; None without a limit."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text("ascii").split()
        return -(-int(quota) // int(period))
    except (OSError, ValueError):  # no control group of version 2, or "max"
        return None
