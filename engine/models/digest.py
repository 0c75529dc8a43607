"""The sha256 of a model file, computed once.

Hashing four gigabytes takes many seconds, so a digest is remembered for the path, size, modification time and inode
that it was computed for. What is remembered is only ever a shortcut: a damaged or foreign entry is computed anew, and a
folder that cannot be written costs time, not correctness. `fresh` reads the file whatever is remembered.

Of a file that carries a model inside, the digest is that of the model; of a model in several files, that of their bytes one
after the other.

The record beside a file (`FILE.sha256.json`) is another thing: it is the digest of a first download for which no
checksum was known, and every later one is held to it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path

from engine.basics.replacing import replacing
from engine.errors import ModelFileInvalid, ModelNotFound
from engine.models.environment import cache_folder
from engine.models.model_source import SHA256
from engine.models.parts import model_files
from engine.models.progress import SILENT, Progress, stage
from engine.models.single_file import gguf_span

_BLOCK = 1 << 20
_Identity = tuple[str | int, ...]


def sha256_of(path: Path, *, progress: Progress = SILENT, fresh: bool = False) -> str:
    """The sha256 of the file in hexadecimal, from memory where the file is unchanged and `fresh` is not set."""
    path = path.absolute()
    try:
        known = None if fresh else _recall(_identity(path))
        if known is None:
            before = _identity(path)
            known = compute(path, progress=progress)
            if _identity(path) != before:
                raise ModelFileInvalid(path, "changed while it was read")
            _remember(before, known)
    except FileNotFoundError as error:
        raise ModelNotFound(path.name, (str(path),)) from error
    except OSError as error:
        raise ModelFileInvalid(path, f"cannot be read: {error.strerror}") from error
    return known


def compute(path: Path, *, progress: Progress = SILENT) -> str:
    """The sha256 of the file as it is now; nothing is remembered."""
    digest = hashlib.sha256()
    places = [(file, gguf_span(file)) for file in model_files(path)]
    with stage(progress, f"checking the sha256 of {path.name}", sum(span.size for _, span in places)):
        for name, span in places:
            with name.open("rb") as file:
                file.seek(span.offset)
                left = span.size
                while left and (block := file.read(min(_BLOCK, left))):
                    digest.update(block)
                    progress.advance(len(block))
                    left -= len(block)
    return digest.hexdigest()


def remember_as(path: Path, digest: str) -> None:
    """The file at `path` is known to have this digest: it was computed under another name."""
    _remember(_identity(path.absolute()), digest)


def record_path(path: Path) -> Path:
    """Where the digest of a first download is kept."""
    return path.with_name(path.name + ".sha256.json")


def read_record(path: Path) -> str | None:
    """The digest that was recorded for `path` at its first download, None before that."""
    record = record_path(path)
    try:
        digest: str = json.loads(record.read_bytes())["sha256"]
        if not SHA256.fullmatch(digest):
            raise ValueError(digest)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ModelFileInvalid(record, f"cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFileInvalid(
            record, f"is not a record of a checksum; delete it if {path.name} is to be trusted as it is"
        ) from error
    return digest


def write_record(path: Path, digest: str, source: str) -> None:
    """Hold `path` to `digest` from now on."""
    _write(record_path(path), {"file": path.name, "sha256": digest, "source": source})


def _identity(path: Path) -> _Identity:
    found = [file.stat() for file in model_files(path)]
    facts = ((status.st_size, status.st_mtime_ns, status.st_ino) for status in found)
    return str(path), *(number for numbers in facts for number in numbers)


def _memory(identity: _Identity) -> Path:
    path = os.fsencode(str(identity[0]))
    return cache_folder() / "digests" / f"{hashlib.sha256(path).hexdigest()[:32]}.json"


def _recall(identity: _Identity) -> str | None:
    try:
        entry = json.loads(_memory(identity).read_bytes())
        digest: str = entry["sha256"]
        if tuple(entry["identity"]) == identity and SHA256.fullmatch(digest):
            return digest
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return None


def _remember(identity: _Identity, digest: str) -> None:
    # A read-only home folder is not an error: the digest is computed again next time.
    with contextlib.suppress(OSError):
        _write(_memory(identity), {"identity": identity, "sha256": digest})


def _write(path: Path, entry: dict[str, object]) -> None:
    """Written whole or not at all, whoever else writes it now."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as draft:
        draft.write_text(json.dumps(entry), encoding="utf-8")
