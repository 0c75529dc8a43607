"""Replacing: files that are whole or not there, whatever happens while they are written."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path, *, suffix: str = ".tmp", durable: bool = True) -> Iterator[Path]:
    """A new path beside `path` to write to, which becomes `path` at the end of the block and is gone after an error.

    `durable`: on the disk before it gets the name, and the name too, so that a power cut leaves the old file or the new.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}{suffix}")
    try:
        yield draft
        if durable:
            rename_durably(draft, path)
        else:
            os.replace(draft, path)
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def rename_durably(source: Path, target: Path) -> None:
    """Let `target` be what `source` is, both on the disk before anyone relies on it."""
    with source.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(source, target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable; Windows has no such call and does it by itself."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
