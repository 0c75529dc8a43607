"""Patterns of thousands of real schemas: nearly all are read, and mean for real strings what Python's `re` finds."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.regular.pattern import InvalidPattern, UnsupportedPattern, parse_pattern

DATA = os.environ.get("ENGINE_TEST_DATA", "")
pytestmark = [
    pytest.mark.skipif(not DATA, reason="ENGINE_TEST_DATA names no folder"),
    pytest.mark.filterwarnings("ignore:Possible (nested set|set):FutureWarning"),  # what `re` may mean one day
]

# Where `re` and ECMAScript may differ on the strings of this corpus.
DIFFERENT = re.compile(r"\\[pPcZAz/]|\$.|\(\?[<P]|\\u[dD]|\[\^?\]|\{,")


def documents() -> Iterator[dict[str, Any]]:
    with gzip.open(Path(DATA) / "maskbench-dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def patterns_in(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "pattern" and isinstance(value, str):
                yield value
            elif key == "patternProperties" and isinstance(value, dict):
                yield from value
            yield from patterns_in(value)
    elif isinstance(node, list):
        for item in node:
            yield from patterns_in(item)


def strings_in(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield key
            yield from strings_in(value)
    elif isinstance(node, list):
        for item in node:
            yield from strings_in(item)


def test_nearly_all_patterns_are_read() -> None:
    found = {pattern for document in documents() for pattern in patterns_in(document["schema"])}
    refused = {}
    for pattern in found:
        try:
            parse_pattern(pattern, "ecma")
        except (UnsupportedPattern, InvalidPattern) as error:
            refused[pattern] = error
    assert len(found) > 1500
    assert {type(error) for error in refused.values()} <= {UnsupportedPattern}
    assert {error.reason for error in refused.values()} <= {"look-around", "a back-reference"}
    assert len(refused) <= 13


def test_patterns_find_in_real_strings_what_re_finds() -> None:
    compared = 0
    for document in documents():
        patterns = set(patterns_in(document["schema"]))
        texts = {text for test in document["tests"] for text in strings_in(test["data"]) if len(text) < 200}
        for source in patterns:
            if DIFFERENT.search(source):
                continue
            try:
                language = parse_pattern(source, "ecma")
            except UnsupportedPattern:
                continue
            found = re.compile(source.removesuffix("$") + r"\Z" if source.endswith("$") else source)
            for text in texts:
                if text.isascii() and text.isprintable():
                    compared += 1
                    assert language.matches(text) == (found.search(text) is not None), (source, text)
    assert compared > 50_000
