"""The cutter at every split of the bytes."""

from __future__ import annotations

import json

import pytest

from engine.objects.item_splitter import ClosedItem, ItemSplitter

ITEMS = [{"a": "smile :-}"}, {"a": 'open {["\\'}, 1, "x]é,😀", None, [1, [2]], -3.5e2, {}, []]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_items_come_out_whole_whatever_the_pieces(size: int) -> None:
    text = json.dumps(ITEMS, ensure_ascii=False).encode()
    cutter = ItemSplitter(many=True)
    out = [item for i in range(0, len(text), size) for item in cutter.feed(text[i : i + size])]
    assert [json.loads(text[item.start : item.end]) for item in out] == ITEMS
    assert [item.number for item in out] == list(range(len(ITEMS)))
    assert list(cutter.end()) == []


def test_an_object_is_given_with_its_closing_brace_not_later() -> None:
    cutter = ItemSplitter(many=True)
    assert list(cutter.feed(b'[{"a": "}"')) == []
    assert list(cutter.feed(b"}")) == [ClosedItem(0, 1, 11, 10)]


def test_a_single_value_is_given_at_the_end() -> None:
    cutter = ItemSplitter(many=False)
    assert list(cutter.feed(b'{"a": 1}')) == []
    assert list(cutter.end()) == [ClosedItem(0, 0, 8, 8)]
