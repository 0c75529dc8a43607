"""The official JSON Schema test suite through compiled grammars, byte by byte in style "any".

Every group is refused with its keyword, or all its tests are right. Formats count as asserted.
"""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from byte_walks import accepts

from engine.automaton.automaton import Automaton
from engine.errors import UnsatisfiableSchema, UnsupportedSchema
from engine.extraction.compilation import compile_schema

DRAFTS = {"2020-12": None, "7": "http://json-schema.org/draft-07/schema#"}
ANNOTATION_BY_DEFAULT = "format.json"  # says that formats assert nothing; the engine asserts them


def wrong_tests(schema: Any, tests: list[Any]) -> list[Any]:
    try:
        automaton = Automaton(compile_schema(schema, style="any"))
    except UnsatisfiableSchema:
        return [test for test in tests if test["valid"]]
    return [test for test in tests if accepts(automaton, json.dumps(test["data"], ensure_ascii=False)) != test["valid"]]


@pytest.mark.parametrize("draft", DRAFTS)
def test_every_group_of_the_official_suite_is_right_or_refused(draft: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = os.environ.get("ENGINE_TEST_DATA")
    path = Path(folder or "") / f"json-schema-test-suite-draft{draft}.jsonl.gz"
    if not folder or not path.exists():
        pytest.skip(f"set ENGINE_TEST_DATA to the folder that holds {path.name}")
    right, elsewhere = 0, 0
    wrong: list[str] = []
    refused: list[str] = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        groups = [json.loads(line) for line in lines]
    for group in groups:
        if group["file"] == ANNOTATION_BY_DEFAULT:
            continue
        schema = group["schema"]
        if DRAFTS[draft] and isinstance(schema, dict):
            schema = {"$schema": DRAFTS[draft]} | schema
        name = f"{group['file']}: {group['description']}"
        try:
            failures = wrong_tests(schema, group["tests"])
        except UnsupportedSchema as error:
            needs_another = "another document" in error.reason or error.keyword == "$schema"
            elsewhere += needs_another
            refused += [] if needs_another and error.keyword else [f"{name}: {error}"]
            continue
        right += not failures
        wrong += [f"{name}: {failures[0]}"] if failures else []
    with capsys.disabled():
        share = right / (right + len(refused) + len(wrong))
        print(f"\ndraft {draft}: {share:.1%} right, {len(refused)} refused, {elsewhere} need another document")
        for line in (*wrong, *refused):
            print("   ", line[:240])
    assert not wrong
    assert share >= 0.96
