"""LRU: a cache that keeps what was used last, bounded in entries and, where these grow, in what they weigh."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class LruCache(Generic[K, V]):
    """The most recently used values: at most `limit`, and of `weight` bytes together if a `weigh` says what each takes."""

    def __init__(self, limit: int, *, weight: int | None = None, weigh: Callable[[K, V], int] = lambda *_: 0) -> None:
        self._limit = limit
        self._weight, self._weigh = weight, weigh
        self._kept = 0  # bytes
        self._values: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K, make: Callable[[], V]) -> V:
        """The value of a key, made on first use. One that weighs too much by itself is not kept."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
            return value
        value = self._values[key] = make()
        self._kept += self._weigh(key, value)
        while len(self._values) > self._limit or (self._weight is not None and self._kept > self._weight):
            self._kept -= self._weigh(*self._values.popitem(last=False))
        return value
