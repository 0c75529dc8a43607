"""The examples in docstrings give what they say."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import engine

_FOLDER = Path(engine.__file__).parent
_WITH_EXAMPLES = [
    ".".join(path.relative_to(_FOLDER.parent).with_suffix("").parts)
    for path in sorted(_FOLDER.rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", _WITH_EXAMPLES)
def test_examples_in_docstrings(name: str) -> None:
    failed, tried = doctest.testmod(import_module(name))
    assert tried
    assert not failed


def test_no_example_is_skipped() -> None:
    assert [p for p in _FOLDER.rglob("*.py") if "doctest: +SKIP" in p.read_text(encoding="utf-8")] == []
