"""The index of a runtime: its files, folders and links, and where their bytes lie in the file that carries it.

The launcher reads it before there is a Python, so it is binary and little-endian: a count, then for each entry kind,
mode, offset, stored and unpacked size, sha256, path and link target, both texts with their length before and a zero
behind them. Folders come before what is in them. A path that leaves the runtime is refused.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path, PurePosixPath

_HEAD = struct.Struct("<IIQQQ32s")
_NUMBER = struct.Struct("<I")


class Kind(IntEnum):
    """What an entry of the index is on the disk."""

    FILE, FOLDER, LINK = range(3)


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One entry; `stored` is smaller than `size` where the bytes are deflated."""

    kind: Kind
    path: str
    mode: int = 0
    size: int = 0
    sha256: bytes = bytes(32)
    link: str = ""
    offset: int = 0
    stored: int = 0

    def __post_init__(self) -> None:
        parts = PurePosixPath(self.path).parts
        if not parts or ".." in parts or self.path.startswith("/") or "\0" in self.path + self.link:
            raise ValueError(f"{self.path!r} is not a path inside a runtime")

    def at_offset(self, offset: int, stored: int) -> IndexEntry:
        return replace(self, offset=offset, stored=stored)


def list_runtime(folder: Path) -> tuple[IndexEntry, ...]:
    """The entries of an unpacked runtime in the order of their paths; modes are 755 or 644, whatever the umask was."""
    return tuple(_entries(folder, folder))


def pack_index(entries: tuple[IndexEntry, ...]) -> bytes:
    """The index as bytes; the launcher reads the same layout."""
    parts = [_NUMBER.pack(len(entries))]
    for entry in entries:
        parts.append(_HEAD.pack(entry.kind, entry.mode, entry.offset, entry.stored, entry.size, entry.sha256))
        for text in (os.fsencode(entry.path), os.fsencode(entry.link)):
            parts.append(_NUMBER.pack(len(text)) + text + b"\0")
    return b"".join(parts)


def unpack_index(data: bytes) -> tuple[IndexEntry, ...]:
    """The entries again; `ValueError` or `struct.error` where `data` is not an index."""
    (count,), at = _NUMBER.unpack_from(data), _NUMBER.size
    entries = []
    for _ in range(count):
        kind, mode, offset, stored, size, sha256 = _HEAD.unpack_from(data, at)
        path, at = _text(data, at + _HEAD.size)
        link, at = _text(data, at)
        entries.append(IndexEntry(Kind(kind), path, mode, size, sha256, link, offset, stored))
    return tuple(entries)


def differing(folder: Path, entries: tuple[IndexEntry, ...]) -> list[str]:
    """The paths of an unpacked runtime that are not what the index says; each file is read whole."""
    return [entry.path for entry in entries if not _same(folder / entry.path, entry)]


def _same(path: Path, entry: IndexEntry) -> bool:
    try:
        if entry.kind is Kind.FILE:
            return hashlib.sha256(path.read_bytes()).digest() == entry.sha256
        return path.is_dir() if entry.kind is Kind.FOLDER else os.readlink(path) == entry.link
    except OSError:
        return False


def _entries(root: Path, folder: Path) -> Iterator[IndexEntry]:
    for path in sorted(folder.iterdir()):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            yield IndexEntry(Kind.LINK, name, link=os.readlink(path))
        elif path.is_dir():
            yield IndexEntry(Kind.FOLDER, name, 0o755)
            yield from _entries(root, path)
        else:
            content = path.read_bytes()
            mode = 0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644
            yield IndexEntry(Kind.FILE, name, mode, len(content), hashlib.sha256(content).digest())


def _text(data: bytes, at: int) -> tuple[str, int]:
    (length,) = _NUMBER.unpack_from(data, at)
    start = at + _NUMBER.size
    end = start + length
    if data[end : end + 1] != b"\0":
        raise ValueError("a text that does not end")
    return os.fsdecode(data[start:end]), end + 1
