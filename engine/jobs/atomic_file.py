"""Atomic files: whole or not there, and still there after a power cut."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from pathlib import Path

from engine.errors import OutputFailed


def write_atomically(path: Path, data: bytes) -> None:
    """Replace the file at `path` in one step; `OutputFailed` leaves the old one."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
        sync_folder(path.parent)
    except OSError as error:
        raise OutputFailed(path, str(error.strerror)) from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


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


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable; Windows has no such call and does it by itself."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def file_digest(path: Path) -> str:
    """The sha256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
