"""Exact, typed data out of text with a language model that runs on your own machine.

A Pydantic model is compiled into a grammar and only tokens that the grammar allows are decoded, so every object is valid by
construction. Names are loaded when they are first used. Errors are in `engine.errors`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.decoding.settings import ModelSettings
    from engine.extraction.api import aextract, extract, extract_one, stream_partial
    from engine.extraction.compilation import compile_schema
    from engine.extraction.extraction import Extracted, Extraction
    from engine.extraction.extractor import Extractor
    from engine.grammar.gbnf_parser import parse_gbnf
    from engine.grammar.gbnf_printer import print_gbnf
    from engine.grammar.grammar import Grammar
    from engine.schema.grounding_marks import Free, Verbatim

_HOMES = {
    "Extracted": "engine.extraction.extraction",
    "Extraction": "engine.extraction.extraction",
    "Extractor": "engine.extraction.extractor",
    "Free": "engine.schema.grounding_marks",
    "Grammar": "engine.grammar.grammar",
    "ModelSettings": "engine.decoding.settings",
    "Verbatim": "engine.schema.grounding_marks",
    "aextract": "engine.extraction.api",
    "compile_schema": "engine.extraction.compilation",
    "extract": "engine.extraction.api",
    "extract_one": "engine.extraction.api",
    "parse_gbnf": "engine.grammar.gbnf_parser",
    "print_gbnf": "engine.grammar.gbnf_printer",
    "stream_partial": "engine.extraction.api",
}

__all__ = [
    "Extracted",
    "Extraction",
    "Extractor",
    "Free",
    "Grammar",
    "ModelSettings",
    "Verbatim",
    "aextract",
    "compile_schema",
    "extract",
    "extract_one",
    "parse_gbnf",
    "print_gbnf",
    "stream_partial",
]

__version__: str


if not TYPE_CHECKING:  # a type checker would take it to have every name

    def __getattr__(name: str) -> object:
        if name == "__version__":
            value: object = _version()
        elif name in _HOMES:
            value = getattr(import_module(_HOMES[name]), name)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = value
        return value


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # half of what importing the package would cost

    try:
        return version("engine")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "0+unknown"


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, "__version__"})
