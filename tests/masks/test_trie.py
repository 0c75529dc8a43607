"""The trie against plain string operations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vocabularies import SMALL

from engine.masks.trie import Trie, build_trie, read_trie
from engine.masks.vocabulary import Vocabulary


def find(trie: Trie, text: bytes) -> int:
    node = 0
    for byte in text:
        node = trie.child(node, byte)
        if node < 0:
            return -1
    return node


def check(vocabulary: Vocabulary) -> None:
    trie = build_trie(vocabulary)
    ordinary = [t for t in range(len(vocabulary.pieces)) if vocabulary.ordinary[t]]
    prefixes = {vocabulary.pieces[t][:n] for t in ordinary for n in range(len(vocabulary.pieces[t]) + 1)}
    assert len(trie) == len(prefixes | {b""})
    for token in ordinary:
        node = find(trie, vocabulary.pieces[token])
        assert node == trie.node_of_token[token]
        assert token in trie.tokens(node)
    assert sorted(t for node in range(len(trie)) for t in trie.tokens(node)) == ordinary
    for low, high in zip(trie.level, trie.level[1:], strict=False):
        parents = trie.parent[low:high]
        assert (np.diff(parents) >= 0).all()
    for node in range(1, len(trie)):
        assert trie.children[trie.parent[node]] <= node < trie.children[trie.parent[node] + 1]


def test_every_token_and_prefix_is_found_in_the_drawn_vocabulary() -> None:
    check(SMALL)


@given(st.lists(st.binary(max_size=6), min_size=1, max_size=40))
def test_every_token_and_prefix_is_found(pieces: list[bytes]) -> None:
    check(Vocabulary.from_pieces(pieces))


def test_signals_and_empty_texts_are_in_no_trie() -> None:
    trie = build_trie(SMALL)
    assert find(trie, b"<") == -1
    assert trie.node_of_token[22] == 0


def test_a_trie_from_the_disk_is_the_one_that_was_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_CACHE_DIR", str(tmp_path))
    built, mapped = read_trie(SMALL), read_trie(SMALL)
    (file,) = (tmp_path / "tries").iterdir()
    file.write_bytes(file.read_bytes()[:-100])
    again = read_trie(SMALL)
    for other in (mapped, again):
        assert other.bytes_ == built.bytes_
        assert other.level == built.level
        assert [other.tokens(n) for n in range(len(other))] == [built.tokens(n) for n in range(len(built))]
