"""Single file: an executable with a model inside, and where its GGUF lies.

In: a path. Out: a `FilePart`, the whole of a plain GGUF file or a part of a file that `engine build` made. Such a file ends
with a trailer of fixed size, which names its parts by offset and length: the index of its runtime (read by its launcher),
the GGUF, and a manifest in JSON. The GGUF begins at a multiple of `ALIGNMENT`, so it can be mapped where it lies. A
trailer or manifest that contradicts itself or the file is refused with `ModelFileInvalid`: the file was cut or changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from engine.errors import ModelFileInvalid
from engine.models.model_source import SHA256
from engine.models.ollama_parameters import RecommendedParameters, parameters_of

TRAILER_MAGIC = b"engine-carrier-1"
# The largest page that Linux uses by default on any machine.
ALIGNMENT = 1 << 16
_TRAILER = struct.Struct("<16s6Q32s32s")
TRAILER_SIZE = _TRAILER.size
_LARGEST_MANIFEST = 16 << 20


@dataclass(frozen=True, slots=True)
class FilePart:
    """`size` bytes from `offset`."""

    offset: int
    size: int

    @property
    def end(self) -> int:
        return self.offset + self.size


@dataclass(frozen=True, slots=True)
class Trailer:
    """Where the parts lie; `model.size` is 0 where the file carries none."""

    index: FilePart
    model: FilePart
    manifest: FilePart
    index_sha256: bytes
    manifest_sha256: bytes

    def packed(self) -> bytes:
        parts = (self.index, self.model, self.manifest)
        numbers = (number for part in parts for number in (part.offset, part.size))
        return _TRAILER.pack(TRAILER_MAGIC, *numbers, self.index_sha256, self.manifest_sha256)


@dataclass(frozen=True, slots=True)
class PackedModel:
    """What the manifest says of the model."""

    name: str
    sha256: str
    chat_format: str | None
    parameters: RecommendedParameters

    def as_json(self) -> dict[str, Any]:
        parameters = self.parameters.as_json()
        return {"name": self.name, "sha256": self.sha256, "chat_format": self.chat_format, "parameters": parameters}


@dataclass(frozen=True, slots=True)
class SingleFile:
    """A file that `engine build` made; `model` is None where it carries none."""

    path: Path
    trailer: Trailer
    manifest: dict[str, Any]
    model: PackedModel | None


def read_single_file(path: Path) -> SingleFile | None:
    """The parts of a file that `engine build` made, None where `path` is another file. `OSError` as `open` raises it."""
    with path.open("rb") as file:
        trailer = _read_trailer(path, file)
        if trailer is None:
            return None
        file.seek(trailer.manifest.offset)
        written = file.read(trailer.manifest.size)
    if hashlib.sha256(written).digest() != trailer.manifest_sha256:
        raise ModelFileInvalid(path, "its manifest is damaged; copy the file again")
    try:
        manifest = json.loads(written)
        model = None if manifest["model"] is None else _carried(manifest["model"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFileInvalid(
            path, f"its manifest was not written by this version of the engine: {error!r}"
        ) from error
    if (model is None) != (trailer.model.size == 0):
        raise ModelFileInvalid(path, "its manifest and its trailer disagree about the model; copy the file again")
    return SingleFile(path, trailer, manifest, model)


def _carried(entry: dict[str, Any]) -> PackedModel:
    if not SHA256.fullmatch(entry["sha256"]):
        raise ValueError(f"{entry['sha256']!r} is not a sha256")
    return PackedModel(entry["name"], entry["sha256"], entry["chat_format"], parameters_of(entry["parameters"]))


def gguf_span(path: Path, descriptor: int | None = None) -> FilePart:
    """Where the GGUF lies in `path`: all of the file, or the part of it that a trailer names.

    `descriptor` is the open file where there is one. `OSError` as `open` raises it.
    """
    with path.open("rb") if descriptor is None else open(descriptor, "rb", closefd=False) as file:
        size = os.fstat(file.fileno()).st_size
        trailer = _read_trailer(path, file)
    if trailer is None:
        return FilePart(0, size)
    if trailer.model.size == 0:
        raise ModelFileInvalid(path, "was built without a model; name one with --model")
    return trailer.model


def _read_trailer(path: Path, file: IO[bytes]) -> Trailer | None:
    size = os.fstat(file.fileno()).st_size
    start = file.read(4)
    if size < TRAILER_SIZE or start == b"GGUF":
        return None
    file.seek(size - TRAILER_SIZE)
    magic, *numbers, index_sha256, manifest_sha256 = _TRAILER.unpack(file.read(TRAILER_SIZE))
    if magic != TRAILER_MAGIC:
        return None
    index, model, manifest = (FilePart(*numbers[at : at + 2]) for at in (0, 2, 4))
    parts = (index, model, manifest)
    if any(part.end > size - TRAILER_SIZE for part in parts) or manifest.size > _LARGEST_MANIFEST:
        raise ModelFileInvalid(path, "its trailer names parts that it does not have; copy the file again")
    if model.offset % ALIGNMENT:
        raise ModelFileInvalid(path, f"its model begins at {model.offset}, which is not a multiple of {ALIGNMENT}")
    return Trailer(index, model, manifest, index_sha256, manifest_sha256)
