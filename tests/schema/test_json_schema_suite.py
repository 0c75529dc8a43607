"""The official test suite and real schemas: every group is refused with its keyword, or all its tests are right."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from schema_acceptance import accepts

from engine.errors import SchemaError, UnsatisfiableSchema, UnsupportedSchema
from engine.formats.formats import FORMATS, conforms
from engine.schema import read_json_schema

DATA = Path(os.environ.get("ENGINE_TEST_DATA", ""))
DRAFTS = {"2020-12": None, "7": "http://json-schema.org/draft-07/schema#"}
ANNOTATION_BY_DEFAULT = "format.json"  # says that formats assert nothing; the engine asserts them


def _lines(name: str) -> Iterator[Any]:
    path = DATA / name
    if not os.environ.get("ENGINE_TEST_DATA") or not path.exists():
        pytest.skip(f"set ENGINE_TEST_DATA to the folder that holds {name}")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _wrong(schema: Any, tests: list[Any]) -> list[Any]:
    try:
        read = read_json_schema(schema)
    except UnsatisfiableSchema:
        return [test for test in tests if test["valid"]]
    return [test for test in tests if accepts(read, test["data"]) != test["valid"]]


@pytest.mark.parametrize("draft", DRAFTS)
def test_official_suite(draft: str, capsys: pytest.CaptureFixture[str]) -> None:
    right, elsewhere = 0, 0
    refused: list[str] = []
    wrong: list[str] = []
    unnamed: list[str] = []
    for group in _lines(f"json-schema-test-suite-draft{draft}.jsonl.gz"):
        schema = group["schema"]
        if group["file"] == ANNOTATION_BY_DEFAULT:
            continue
        if DRAFTS[draft] and isinstance(schema, dict):
            schema = {"$schema": DRAFTS[draft]} | schema
        name = f"{group['file']}: {group['description']}"
        try:
            failures = _wrong(schema, group["tests"])
        except UnsupportedSchema as error:
            unnamed += [name] if not error.keyword else []
            needs_another = "another document" in error.reason or error.keyword == "$schema"
            elsewhere += needs_another
            refused += [] if needs_another else [name]
            continue
        right += not failures
        wrong += [name] if failures else []
    with capsys.disabled():
        share = right / (right + len(refused) + len(wrong))
        print(f"\ndraft {draft}: {share:.1%} right, {len(refused)} refused, {elsewhere} need another document")
    assert unnamed == []
    assert wrong == []
    assert refused == []


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_formats_conform_to_the_official_suite(name: str) -> None:
    judged = 0
    for group in _lines("json-schema-test-suite-draft2020-12.jsonl.gz"):
        schema = group["schema"]
        if (
            not group["file"].startswith("optional/format/")
            or not isinstance(schema, dict)
            or schema.get("format") != name
        ):
            continue
        for test in group["tests"]:
            if isinstance(test["data"], str):
                judged += 1
                assert conforms(name, test["data"]) == test["valid"], test
    assert judged or name in {"byte", "base64", "base64url"}


def test_real_schemas(capsys: pytest.CaptureFixture[str]) -> None:
    """A sample; what is not right is listed by the reasons that are known."""
    total, wrong_accepts, wrong_rejects, refused = 0, [], [], []
    for n, group in enumerate(_lines("maskbench-dev.jsonl.gz")):
        if n % 40:
            continue
        total += 1
        try:
            failures = _wrong(group["schema"], group["tests"])
        except SchemaError as error:
            refused.append((group["id"], str(error)))
            continue
        wrong_accepts += [group["id"] for test in failures if not test["valid"]]
        wrong_rejects += [group["id"] for test in failures if test["valid"]]
    with capsys.disabled():
        print(f"\nreal schemas: {total}, wrong rejects {wrong_rejects}, refused {refused}")
    assert wrong_accepts == []
    assert len(wrong_rejects) + len(refused) <= total * 0.01
