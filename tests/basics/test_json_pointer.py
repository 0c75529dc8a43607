"""Pointers are those of RFC 6901."""

from __future__ import annotations

import pytest

from engine.basics.json_pointer import json_pointer, pointer_tokens


@pytest.mark.parametrize(
    ("path", "pointer"),
    [([], ""), (["foo", 0], "/foo/0"), ([""], "/"), (["a/b"], "/a~1b"), (["m~n"], "/m~0n"), (["~1"], "/~01")],
)
def test_a_path_and_its_pointer(path: list[str | int], pointer: str) -> None:
    assert json_pointer(path) == pointer
    assert pointer_tokens(pointer) == [str(step) for step in path]
