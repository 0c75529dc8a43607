"""Atomic files: whole or not there, and still there after a power cut."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from engine.basics.replacing import replacing, sync_folder
from engine.errors import OutputFailed


def write_atomically(path: Path, data: bytes) -> None:
    """Replace the file at `path` in one step; `OutputFailed` leaves the old one."""
    try:
        with replacing(path) as draft:
            draft.write_bytes(data)
    except OSError as error:
        raise OutputFailed(path, str(error.strerror)) from error


def replace(source: Path, target: Path) -> None:
    """Let `target` be what `source` is."""
    try:
        os.replace(source, target)
        sync_folder(target.parent)
    except OSError as error:
        raise OutputFailed(target, str(error.strerror)) from error


def remove(path: Path) -> None:
    """Let there be no file at `path`."""
    try:
        path.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise OutputFailed(path, str(error.strerror)) from error


def file_digest(path: Path) -> str:
    """The sha256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
