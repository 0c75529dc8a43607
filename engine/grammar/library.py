"""The GBNF files that come with the engine: terminals named by their RFC, and a few whole grammars as examples.

In an installed package or a binary they lie in `engine/grammars/`, in a checkout in `grammars/` beside `engine/`. An
unknown name is a UsageError that lists the known ones.
"""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from engine.errors import UsageError
from engine.grammar.gbnf_parser import parse_gbnf
from engine.grammar.grammar import Grammar

_SUFFIX = ".gbnf"


def library_folder() -> Traversable:
    """Where the files are; it also holds NAME.accept and NAME.reject, JSON lines of texts."""
    inside = files("engine").joinpath("grammars")
    return inside if inside.is_dir() else Path(__file__).resolve().parents[2] / "grammars"


def library_names() -> tuple[str, ...]:
    """The names that `load_library` knows, sorted."""
    found = (entry.name for entry in library_folder().iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX)))


def load_library(name: str) -> Grammar:
    """The grammar of that name, for example `date-time`."""
    names = library_names()
    if name not in names:
        raise UsageError(f"no grammar named {name!r} in the library; there are {', '.join(names)}")
    return parse_gbnf(library_folder().joinpath(name + _SUFFIX).read_text(encoding="utf-8"))
