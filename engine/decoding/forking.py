"""What a fork does to llama.cpp, and how its calls still work in the child.

A forked child has the parent's memory but none of its threads. Handles of the parent must not be used or freed there,
and libgomp's team of threads, which belongs to the thread that called `fork`, is gone: the first parallel region on
that thread waits for ever. A thread that is new in the child has a team of its own, so heavy calls go through one.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class _State:
    """How often this process has been forked off, the thread that survived it, and the thread that works for it."""

    def __init__(self) -> None:
        self.generation = 0
        self.survivor: int | None = None
        self.worker: ThreadPoolExecutor | None = None


_state = _State()


def generation() -> int:
    """How often this process was forked: it differs between a parent and its children."""
    return _state.generation


def call(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function that may start a parallel region."""
    if _state.survivor != threading.get_ident():
        return function(*args, **kwargs)
    if _state.worker is None:
        _state.worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine-after-fork")
    future = _state.worker.submit(function, *args, **kwargs)
    try:
        return future.result()
    except BaseException:
        # Ctrl-C must not give memory back that the worker still writes to.
        wait([future])
        raise


def _after_fork() -> None:
    _state.generation += 1
    _state.survivor = threading.get_ident()
    _state.worker = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
