"""The cache keeps what was used last, within its bounds."""

from __future__ import annotations

from engine.basics.lru import LruCache


def test_the_least_recently_used_is_dropped() -> None:
    cache: LruCache[str, int] = LruCache(2)
    for key in ("a", "b", "a", "c"):
        cache.get(key, lambda: 1)
    assert [cache.get(key, lambda: 2) for key in ("a", "c", "b")] == [1, 1, 2]


def test_what_the_entries_weigh_is_bounded() -> None:
    cache: LruCache[str, bytes] = LruCache(100, weight=10, weigh=lambda key, value: len(value))
    for key in "abcd":
        cache.get(key, lambda: b"xxxx")
    assert len(cache) == 2
    assert cache.get("heavy", lambda: b"x" * 11) == b"x" * 11
    assert len(cache) == 0
