"""One server with the default model for all tests of this folder."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from running_server import RunningServer, start

pytest.importorskip("starlette", reason="pip install 'engine[serve]'")


@pytest.fixture(scope="session")
def server(real_path: Path) -> Iterator[RunningServer]:
    running = start(str(real_path))
    yield running
    running.process.terminate()
    assert running.process.wait(60) in (0, -15)


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """What clients leave to the collector is found while its warnings are expected, not during a later test."""
    yield
    gc.collect()
