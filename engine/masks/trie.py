"""Trie: all token texts of a vocabulary as one tree in flat arrays.

Nodes are numbered level by level, the children of a node side by side in order of their byte, so that a walk can take a
whole level in one NumPy operation and a single step is one `bytes.find`. Node 0 is the root. Built once a vocabulary, in
O(bytes of all texts); only ordinary tokens are in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engine.masks import array_storage
from engine.masks.vocabulary import Vocabulary

Ints = npt.NDArray[np.int32]

_KEY = "trie 1 "  # to be raised when the arrays change their meaning


@dataclass(frozen=True, slots=True, eq=False)
class Trie:
    """`parent`, `byte`: of each node (the root's are 0). `first_child[n]:first_child[n + 1]` are the children of n.
    `level[d]:level[d + 1]` are the nodes of depth d. `node_of_token[t]` is where token t ends (0: not in the trie)."""

    parent: Ints
    byte: npt.NDArray[np.uint8]
    first_child: Ints
    level: tuple[int, ...]
    node_of_token: Ints
    bytes_: bytes = field(repr=False)
    children: list[int] = field(repr=False)
    _by_node: list[int] = field(repr=False)
    _first_token: list[int] = field(repr=False)

    def tokens(self, node: int) -> list[int]:
        """The tokens that end at `node`; several may have the same text."""
        return self._by_node[self._first_token[node] : self._first_token[node + 1]]

    def child(self, node: int, byte: int) -> int:
        """The child of `node` by `byte`, or −1."""
        return self.bytes_.find(byte, self.children[node], self.children[node + 1])

    def text(self, node: int) -> bytes:
        """The bytes that lead to `node`."""
        out = bytearray()
        while node:
            out.append(self.bytes_[node])
            node = int(self.parent[node])
        return bytes(reversed(out))

    def __len__(self) -> int:
        return len(self.parent)


def read_trie(vocabulary: Vocabulary) -> Trie:
    """The trie of a vocabulary: built the first time on this machine, mapped from the disk afterwards."""
    path = array_storage.array_cache_folder() / "tries" / f"{vocabulary.identity}.arrays"
    arrays = array_storage.load_arrays(path, _KEY + vocabulary.identity)
    if arrays is not None:
        level = tuple(arrays["level"].tolist())
        return _assemble(_ints(arrays["parent"]), arrays["byte"].view(np.uint8), level, _ints(arrays["node_of_token"]))
    trie = build_trie(vocabulary)
    level_array = np.array(trie.level, np.int32)
    columns: dict[str, array_storage.StoredArray] = {
        "parent": trie.parent,
        "byte": trie.byte,
        "level": level_array,
        "node_of_token": trie.node_of_token,
    }
    array_storage.save_arrays(path, _KEY + vocabulary.identity, columns)
    return trie


def _ints(array: array_storage.StoredArray) -> Ints:
    return array.view(np.int32)


def build_trie(vocabulary: Vocabulary) -> Trie:
    """The same without the disk, O(bytes of all texts)."""
    ids = np.flatnonzero(vocabulary.ordinary)
    order = sorted(ids.tolist(), key=vocabulary.pieces.__getitem__)
    matrix, lengths = _matrix([vocabulary.pieces[t] for t in order])
    common = _common_prefixes(matrix, lengths)
    parents, labels, level = [np.zeros(1, np.int32)], [np.zeros(1, np.uint8)], [0, 1]
    node_of_token = np.zeros(len(vocabulary.pieces), np.int32)
    above = np.zeros(1, np.int64)  # rows at which a node of the level above begins
    token_ids = np.array(order, np.int64)
    for depth in range(1, matrix.shape[1] + 1):
        reaches = lengths >= depth
        begins = np.flatnonzero(reaches & (common < depth))
        if not len(begins):
            break
        owner = np.searchsorted(above, begins, side="right") - 1
        parents.append((owner + level[-2]).astype(np.int32))
        labels.append(matrix[begins, depth - 1])
        ends = np.flatnonzero(lengths == depth)
        node_of_token[token_ids[ends]] = np.searchsorted(begins, ends, side="right") - 1 + level[-1]
        level.append(level[-1] + len(begins))
        above = begins
    return _assemble(np.concatenate(parents), np.concatenate(labels), tuple(level), node_of_token)


def _matrix(pieces: list[bytes]) -> tuple[npt.NDArray[np.uint8], Ints]:
    """The texts as rows, padded with zeros, and their lengths."""
    lengths = np.fromiter(map(len, pieces), np.int32, len(pieces))
    width = int(lengths.max(initial=0))
    matrix = np.zeros((len(pieces), width), np.uint8)
    filled = np.arange(width) < lengths[:, None]
    matrix[filled] = np.frombuffer(b"".join(pieces), np.uint8)
    return matrix, lengths


def _common_prefixes(matrix: npt.NDArray[np.uint8], lengths: Ints) -> Ints:
    """For each row, how many bytes it shares with the row before (rows are sorted)."""
    common = np.zeros(len(lengths), np.int32)
    if len(lengths) > 1 and matrix.shape[1]:
        differs = matrix[1:] != matrix[:-1]
        first = np.where(differs.any(axis=1), differs.argmax(axis=1), matrix.shape[1])
        common[1:] = np.minimum(first, np.minimum(lengths[1:], lengths[:-1]))
    return common


def _assemble(parent: Ints, byte: npt.NDArray[np.uint8], level: tuple[int, ...], node_of_token: Ints) -> Trie:
    counts = np.bincount(parent[1:], minlength=len(parent))
    first_child = np.concatenate(([1], 1 + np.cumsum(counts))).astype(np.int32)
    by_node = np.argsort(node_of_token, kind="stable")
    first_token = np.searchsorted(node_of_token[by_node], np.arange(len(parent) + 1))
    first_token[0] = first_token[1]  # tokens without text are at no node
    lists = first_child.tolist(), by_node.tolist(), first_token.tolist()
    return Trie(parent, byte, first_child, level, node_of_token, byte.tobytes(), *lists)
