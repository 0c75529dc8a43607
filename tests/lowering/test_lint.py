"""What is legal in a schema and probably not meant, or costly, is said with its path."""

from __future__ import annotations

from typing import Any

import pytest

from engine.extraction.compilation import certify


@pytest.mark.parametrize(
    ("schema", "path", "said"),
    [
        ({"type": "string"}, "", "unbounded string"),
        ({"type": "string", "pattern": "[0-9]{3}"}, "", "is not anchored"),
        ({"type": "string", "pattern": ".*", "maxLength": 5}, "", "matches every string"),
        ({"type": "array", "items": {"type": "integer"}}, "", "no maxItems"),
        ({"type": "object"}, "", "open object"),
        ({"type": "string", "maxLength": 5000}, "", "up to 5,000 characters"),
        (
            {"type": "object", "properties": {"a": {"$ref": "#"}}, "additionalProperties": False},
            "",
            "recursive",
        ),
    ],
)
def test_a_finding_names_its_place(schema: Any, path: str, said: str) -> None:
    found = [(lint.path, lint.text) for lint in certify(schema).lints]
    assert any(where == path and said in text for where, text in found), found


def test_a_closed_and_bounded_schema_has_none() -> None:
    properties = {"a": {"type": "integer"}, "b": {"type": "string", "maxLength": 5}}
    assert certify({"type": "object", "properties": properties, "additionalProperties": False}).lints == ()
