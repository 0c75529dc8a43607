"""One is one."""

from __future__ import annotations

from engine.basics.plural import counted


def test_only_one_is_singular() -> None:
    assert [counted(count, "object") for count in (0, 1, 2)] == ["0 objects", "1 object", "2 objects"]
