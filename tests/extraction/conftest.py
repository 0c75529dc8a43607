"""Settings under which the tiny models answer at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import ModelSettings


@pytest.fixture(scope="session")
def options(bpe_path: Path) -> dict[str, Any]:
    """A model of random weights at a high temperature: whatever comes out right was not the model's merit."""
    settings = ModelSettings(n_ctx=2048, threads=1, sequences=3)
    return {
        "model": bpe_path,
        "settings": settings,
        "max_tokens": 60,
        "temperature": 1.5,
        "seed": 1,
        "on_budget": "keep",
    }


@pytest.fixture(scope="session")
def real_options(real_path: Path) -> dict[str, Any]:
    return {"model": real_path, "settings": ModelSettings(n_ctx=2048, threads=1)}
