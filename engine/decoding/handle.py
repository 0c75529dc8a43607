"""A pointer into a C library that is freed exactly once: with its last user, and never in a forked child.

Whoever uses the pointer holds the handle; dropping the last reference frees. Nothing is freed at exit, because a daemon
thread may still be computing; the system takes the memory back.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable

from engine.decoding import forking
from engine.errors import BackendFailed


class Handle:
    """`keep` stays alive until the pointer is freed: a model must outlive its contexts."""

    def __init__(self, pointer: int, free: Callable[[int], None], *, keep: Handle | None = None) -> None:
        self._pointer = pointer
        self._generation = forking.generation()
        weakref.finalize(self, _free, free, pointer, keep, self._generation).atexit = False

    @property
    def pointer(self) -> int:
        if self._generation != forking.generation():
            raise BackendFailed("handle", "it belongs to the parent of this forked process; start anew in the child")
        return self._pointer


def _free(free: Callable[[int], None], pointer: int, _keep: Handle | None, generation: int) -> None:
    if generation == forking.generation():
        free(pointer)


def open_handle(handle: Handle | None) -> Handle:
    """The handle of an object that was not closed."""
    if handle is None:
        raise BackendFailed("handle", "used after it was closed")
    return handle
