"""A digest is computed once for a file that does not change, and again for one that does."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from engine.errors import ModelFileInvalid, ModelNotFound
from engine.models import sha256_of
from engine.models.digest import read_record, record_path, write_record
from engine.models.environment import cache_folder


class Reads:
    """Counts the stages, hence the times that a file was read whole."""

    def __init__(self) -> None:
        self.started = 0
        self.finished = 0
        self.bytes = 0

    def start(self, description: str, total: int | None) -> None:
        self.started += 1

    def advance(self, count: int) -> None:
        self.bytes += count

    def finish(self) -> None:
        self.finished += 1


def test_digest_is_that_of_the_bytes_and_is_remembered(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content" * 300_000)
    reads = Reads()
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    assert [sha256_of(path, progress=reads) for _ in range(3)] == [expected] * 3
    assert (reads.started, reads.finished, reads.bytes) == (1, 1, 2_100_000)
    assert sha256_of(path, progress=reads, fresh=True) == expected
    assert reads.started == 2


@pytest.mark.parametrize("change", ["size", "mtime", "inode", "path"])
def test_changed_file_is_read_again(tmp_path: Path, change: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    before = path.stat()
    sha256_of(path)
    replaced = b"two" if change != "size" else b"three"
    if change == "path":
        path = tmp_path / "another"
    if change == "inode":
        other = tmp_path / "new"
        other.write_bytes(replaced)
        os.replace(other, path)
    else:
        path.write_bytes(replaced)
    later = 10**9 if change == "mtime" else 0
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + later))
    assert sha256_of(path) == hashlib.sha256(replaced).hexdigest()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"identity": 1, "sha256": "x"}', b"\xff", b'{"identity": []}'])
def test_damaged_memory_is_ignored_and_rewritten(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    expected = sha256_of(path)
    (entry,) = (cache_folder() / "digests").iterdir()
    whole = entry.read_bytes()
    entry.write_bytes(damage)
    assert sha256_of(path) == expected
    assert entry.read_bytes() == whole


def test_memory_of_another_file_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    expected = sha256_of(path)
    (entry,) = (cache_folder() / "digests").iterdir()
    entry.write_text(
        entry.read_text(encoding="utf-8").replace("file", "life").replace(expected, "0" * 64), encoding="utf-8"
    )
    assert sha256_of(path) == expected


def test_cache_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    cache_folder().parent.mkdir(parents=True)
    cache_folder().write_bytes(b"in the way")
    path = tmp_path / "file"
    path.write_bytes(b"content")
    assert sha256_of(path) == hashlib.sha256(b"content").hexdigest()


def test_absent_file_and_folder_are_typed_errors(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound):
        sha256_of(tmp_path / "absent")
    with pytest.raises(ModelFileInvalid, match="cannot be read"):
        sha256_of(tmp_path)


def test_record_is_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "file.gguf"
    assert read_record(path) is None
    write_record(path, "a" * 64, "somewhere")
    assert read_record(path) == "a" * 64
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.gguf.sha256.json"]


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]", b'{"sha256": 1}', b'{"sha256": "abc"}', b"\xff"])
def test_damaged_record_is_refused_not_replaced(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "file.gguf"
    record_path(path).write_bytes(damage)
    with pytest.raises(ModelFileInvalid, match="not a record"):
        read_record(path)
