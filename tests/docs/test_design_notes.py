"""Bounds that the design notes name are those of the code."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import engine
from engine.automaton import automaton, completion, stacks, terminal
from engine.decoding import forced_tokens, pool
from engine.extraction import extractor
from engine.guards import check
from engine.masks import mask
from engine.regular import charset
from engine.regular.expression import node

NOTES = Path(engine.__file__).parent / "docs" / "design"


def test_bounds_of_caches_are_those_of_the_code() -> None:
    page = (NOTES / "caches.md").read_text(encoding="utf-8")
    for bound, text in (
        (automaton.STATE_LIMIT, "500,000 (`automaton.STATE_LIMIT`)"),
        (stacks.STACK_LIMIT, "500,000"),
        (extractor._KEPT_STATES, "100,000"),
        (mask._CACHE_BYTES, "64 MiB"),
        (completion._MOST_KEPT, "32 MiB"),
        (check.MEMO_SIZE, "4,096 texts"),
        (check.LONGEST_REMEMBERED, "16 KiB"),
        (forced_tokens._REMEMBERED, "4,096 and 4 MiB a model"),
        (pool.IDLE_CONTEXTS, "2 a model"),
        (node._INTERN_LIMIT, "131,072"),
        (terminal._SHARED, "512"),
        (charset._MANY, "16,384"),
        (charset._FEW, "512"),
        (extractor.shared_walks.cache_parameters()["maxsize"], "4 vocabularies"),
    ):
        assert text in page
        number = int(text.split()[0].replace(",", ""))
        assert number in (bound, bound >> 20, bound >> 10), text


def test_modules_that_the_notes_name_exist() -> None:
    package = Path(inspect.getfile(engine)).parent
    for page in NOTES.glob("*.md"):
        for named in re.findall(r"`((?:[a-z_]+/)+[a-z_]+)(?:\.py|\.[A-Za-z_.]+)?`", page.read_text(encoding="utf-8")):
            place = package / named.removeprefix("engine/")
            assert place.is_dir() or place.with_suffix(".py").is_file() or (package.parent / named).is_dir(), (
                page,
                named,
            )
