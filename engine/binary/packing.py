"""Launcher, runtime, model and manifest become one file.

In: the parts. Out: the file, executable, at a path that nobody relies on yet. The runtime's files are deflated where that
makes them smaller; the model lies at a multiple of `carrier.ALIGNMENT` as it is, read from its place in the source, and
is held to its sha256 while it is copied. The same parts give the same bytes: no times, no owners, sorted paths.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from engine.binary.index import IndexEntry, Kind, list_runtime, pack_index
from engine.errors import BuildFailed
from engine.models.progress import Progress, stage
from engine.models.single_file import ALIGNMENT, TRAILER_SIZE, FilePart, Trailer, gguf_span

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Weights:
    """A model file (or a file that carries one) and the sha256 that its GGUF must have."""

    path: Path
    sha256: str


def pack(
    target: Path,
    launcher: Path,
    runtime: Path,
    manifest: Mapping[str, Any],
    weights: Weights | None,
    progress: Progress,
) -> None:
    """Write the file to `target`, which must not exist."""
    size = gguf_span(weights.path).size if weights else 0
    _check_room(target.parent, size)
    with target.open("xb") as out:
        out.write(launcher.read_bytes())
        with stage(progress, "packing the runtime", None):
            entries = tuple(_store(out, runtime, entry, progress) for entry in list_runtime(runtime))
        index, index_part = _append(out, pack_index(entries))
        text, text_part = _append(out, json.dumps(manifest, ensure_ascii=False).encode())
        model = _append_model(out, weights, progress) if weights else FilePart(0, 0)
        trailer = Trailer(index_part, model, text_part, hashlib.sha256(index).digest(), hashlib.sha256(text).digest())
        written = out.write(trailer.packed())
        assert written == TRAILER_SIZE
        out.flush()
        os.fsync(out.fileno())
    target.chmod(0o755)


def _check_room(folder: Path, model_size: int) -> None:
    free = shutil.disk_usage(folder).free
    if model_size > free:
        raise BuildFailed(f"{folder} has {free} bytes free, the model alone has {model_size}")


def _store(out: IO[bytes], runtime: Path, entry: IndexEntry, progress: Progress) -> IndexEntry:
    if entry.kind is not Kind.FILE:
        return entry
    content = (runtime / entry.path).read_bytes()
    deflated = _deflate(content)
    stored = deflated if len(deflated) < len(content) else content
    offset = out.tell()
    out.write(stored)
    progress.advance(len(content))
    return entry.at_offset(offset, len(stored))


def _deflate(content: bytes) -> bytes:
    # Without a header of zlib's: the launcher has the sizes and checksums in its index.
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return compressor.compress(content) + compressor.flush()


def _append(out: IO[bytes], content: bytes) -> tuple[bytes, FilePart]:
    part = FilePart(out.tell(), len(content))
    out.write(content)
    return content, part


def _append_model(out: IO[bytes], weights: Weights, progress: Progress) -> FilePart:
    out.write(bytes(-out.tell() % ALIGNMENT))
    source = gguf_span(weights.path)
    part = FilePart(out.tell(), source.size)
    digest, left = hashlib.sha256(), source.size
    with stage(progress, f"packing {weights.path.name}", source.size), weights.path.open("rb") as model:
        model.seek(source.offset)
        while left and (block := model.read(min(_BLOCK, left))):
            digest.update(block)
            out.write(block)
            progress.advance(len(block))
            left -= len(block)
    if left or digest.hexdigest() != weights.sha256:
        raise BuildFailed(f"{weights.path} changed while it was copied")
    return part
