"""The decode loop: prompt, llama.cpp's context, sampler, jump-forward, budget, scheduler.

The names are loaded when they are first used: NumPy and llama.cpp cost a third of a second.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.decoding.settings import ModelSettings
    from engine.decoding.token_table import read_vocabulary

_MODULES = {
    "ModelSettings": "engine.decoding.settings",
    "read_vocabulary": "engine.decoding.token_table",
}

__all__ = ["ModelSettings", "read_vocabulary"]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
