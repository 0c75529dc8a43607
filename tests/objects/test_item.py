"""Items: what a text is read as, and what is refused that should never have been decoded."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import UnsoundOutput, ValidatorFailed
from engine.objects.item import InvalidValue, JsonItem

PAIRS: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"type": "array", "uniqueItems": True}, "b": {"format": "date"}},
    "required": ["a"],
}


def test_plain_value_is_judged_by_its_schema() -> None:
    item = JsonItem(PAIRS)
    assert item.read(b'{"a": [1, 2], "b": "2024-02-29"}', None) == {"a": [1, 2], "b": "2024-02-29"}
    for text, place in (
        (b'{"a": [1, 1]}', "/a: "),
        (b'{"a": [], "b": "2023-02-29"}', "/b: "),
        (b"{}", "/: 'a' is a req"),
    ):
        with pytest.raises(UnsoundOutput, match=place):
            item.read(text, None)


def test_value_that_is_too_deep_for_the_judge_is_an_error_and_no_crash() -> None:
    node = {"allOf": [{"anyOf": [{"type": "object", "properties": {"c": {"oneOf": [{"$ref": "#/$defs/n"}]}}}]}]}
    item = JsonItem({"$ref": "#/$defs/n", "$defs": {"n": node}})
    assert item.read(b'{"c": {}}', None) == {"c": {}}
    with pytest.raises(ValidatorFailed, match="nested too deeply"):
        item.read(b'{"c": ' * 400 + b"{}" + b"}" * 400, None)


def test_place_is_a_json_pointer() -> None:
    schema = {"properties": {"a/b~": {"items": {"type": "integer"}}}}
    with pytest.raises(InvalidValue) as raised:
        JsonItem(schema).respelled({"a/b~": [1, "x"]}, None)
    assert raised.value.path == "/a~1b~0/1"
