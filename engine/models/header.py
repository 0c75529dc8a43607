"""The header of a GGUF file: is this a model, and is all of it here?

In: a path. Out: a `Header` with the size that the file needs and the chat template that it carries. Refused with
`ModelFileInvalid`: what is not a GGUF of version 2 or 3, impossible values, adapters and projectors, models with
tensors that see or hear, and a file that is shorter than its tensors. The file is mapped, nothing is allocated by its
say-so, and the number of entries that are walked is bounded, because a file from elsewhere may lie. Cost: about 50 ns for
each token of the vocabulary.

Source: the GGUF specification (ggml, docs/gguf.md). What llama.cpp reads beyond it is left to llama.cpp.
"""

from __future__ import annotations

import mmap
import os
import stat
import struct
from dataclasses import dataclass
from pathlib import Path

from engine.errors import ModelFileInvalid, ModelNotFound
from engine.models.single_file import gguf_span

GGUF_MAGIC = b"GGUF"
# More entries than any vocabulary has; a file that claims them would only keep us busy.
MAX_ENTRIES = 1 << 24
MAX_NAME = 1 << 16
MAX_TEMPLATE = 1 << 20
MAX_DIMENSIONS = 4
DEFAULT_ALIGNMENT = 32

_STRING, _ARRAY, _U16, _U32, _I32 = 8, 9, 2, 4, 5
_FORMS = {_U16: "<H", _U32: "<I", _I32: "<i"}
# Bytes of each scalar of the metadata, by its type number.
_SCALARS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
# Elements and bytes of one block of each tensor type, by its number in ggml.h.
TENSOR_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 40),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 16: (256, 66),
    17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136),
    24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54),
    35: (256, 66), 39: (32, 17), 40: (64, 36), 41: (128, 18),
}  # fmt: skip
_READ_FOR = {
    "general.alignment": _U32,
    "general.architecture": _STRING,
    "general.type": _STRING,
    "split.count": _U16,
    "split.no": _U16,
    "split.tensors.count": _I32,
    "tokenizer.chat_template": _STRING,
}
_NOT_MODELS = ("adapter", "mmproj", "imatrix")
_PROJECTOR = "clip"  # the architecture of projectors that are older than `general.type`
# What the names of tensors begin with that see or hear. Ollama's conversions keep them in the file of the text model, which
# llama.cpp then refuses for its wrong number of tensors; in other files they are a projector of their own.
_SENSES = {"v.": "vision", "mm.": "vision", "a.": "audio"}


@dataclass(frozen=True, slots=True)
class Header:
    """`needed` is the number of bytes that the file must have for its tensors. Of a model in several files, `part` counts
    from 0, `parts` is how many there are, and `all_tensors` is how many tensors those have together."""

    version: int
    tensors: int
    needed: int
    chat_template: str | None
    part: int = 0
    parts: int = 1
    all_tensors: int | None = None


def read_header(path: Path) -> Header:
    """The header of a complete GGUF model; `ModelFileInvalid` says why a file is not one."""
    try:
        # Not blocking: a named pipe would wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError as error:
        raise ModelNotFound(path.name, (str(path),)) from error
    except OSError as error:
        raise ModelFileInvalid(path, f"cannot be opened: {error.strerror}") from error
    except ValueError as error:
        raise ModelNotFound(str(path), ("no file can have that name",)) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ModelFileInvalid(path, "not a regular file")
        if status.st_size < len(GGUF_MAGIC):
            raise ModelFileInvalid(path, f"not a GGUF file: it has {status.st_size} bytes")
        span = gguf_span(path, descriptor)
        with mmap.mmap(descriptor, span.size, access=mmap.ACCESS_READ, offset=span.offset) as view:
            return _parse(_Cursor(path, view))
    finally:
        os.close(descriptor)


class _Cursor:
    """A position in the mapped file that cannot leave it."""

    def __init__(self, path: Path, view: mmap.mmap) -> None:
        self.path = path
        self.view = view
        self.size = len(view)
        self.position = 0
        self.entries = 0

    def refuse(self, reason: str) -> ModelFileInvalid:
        return ModelFileInvalid(self.path, f"not a usable GGUF file: {reason}")

    def skip(self, count: int) -> int:
        """Where the `count` bytes begin that are left behind."""
        start = self.position
        if count > self.size - start:
            raise ModelFileInvalid(
                self.path, f"truncated: it ends inside its header after {self.size} bytes; fetch it again"
            )
        self.position = start + count
        return start

    def number(self, form: str) -> int:
        start = self.skip(struct.calcsize(form))
        value: int = struct.unpack_from(form, self.view, start)[0]
        return value

    def count(self, what: str) -> int:
        """A number of entries, each of which takes at least eight bytes, within the bound."""
        count = self.number("<Q")
        self.entries += count
        if self.entries > MAX_ENTRIES:
            raise self.refuse(f"it claims {count} {what}")
        return count

    def text(self, limit: int, what: str) -> str:
        length = self.number("<Q")
        if length > limit:
            raise self.refuse(f"{what} claims {length} bytes, the most is {limit}")
        start = self.skip(length)
        try:
            return self.view[start : start + length].decode("utf-8")
        except UnicodeDecodeError as error:
            raise self.refuse(f"{what} is not UTF-8") from error

    def skip_texts(self, count: int) -> None:
        position, size, view = self.position, self.size, self.view
        length_at = struct.Struct("<Q").unpack_from
        for _ in range(count):
            if position + 8 > size:
                break
            position += 8 + length_at(view, position)[0]
        else:
            self.skip(position - self.position)
            return
        self.skip(size)  # beyond the end, whatever the position: raises


def _parse(cursor: _Cursor) -> Header:
    version = _version(cursor)
    tensors = cursor.count("tensors")
    read = _metadata(cursor, cursor.count("metadata entries"))
    alignment = read.get("general.alignment", DEFAULT_ALIGNMENT)
    if not isinstance(alignment, int) or alignment <= 0 or alignment & (alignment - 1):
        raise cursor.refuse(f"invalid alignment {alignment}")
    kind = read.get("general.type")
    if kind in _NOT_MODELS:
        raise ModelFileInvalid(cursor.path, f"holds a GGUF of type {kind!r}, not a model")
    if read.get("general.architecture") == _PROJECTOR:
        raise ModelFileInvalid(cursor.path, "holds the projector of a model, not the model; name the file beside it")
    data = max((_tensor_end(cursor, alignment) for _ in range(tensors)), default=0)
    needed = cursor.position
    if tensors:
        needed += -needed % alignment + data
    if needed > cursor.size:
        raise ModelFileInvalid(
            cursor.path, f"truncated: it has {cursor.size} bytes, its tensors need {needed}; fetch it again"
        )
    template = read.get("tokenizer.chat_template")
    part, parts, together = (read.get(f"split.{name}") for name in ("no", "count", "tensors.count"))
    return Header(
        version,
        tensors,
        needed,
        template if isinstance(template, str) else None,
        part if isinstance(part, int) else 0,
        parts if isinstance(parts, int) else 1,
        together if isinstance(together, int) else None,
    )


def _version(cursor: _Cursor) -> int:
    start = cursor.skip(len(GGUF_MAGIC))
    magic = cursor.view[start : start + len(GGUF_MAGIC)]
    if magic != GGUF_MAGIC:
        raise ModelFileInvalid(cursor.path, f"not a GGUF file: it starts with {magic!r}")
    version = cursor.number("<I")
    if version not in (2, 3):
        swapped = version & 0xFFFF == 0
        raise cursor.refuse("its bytes are in big-endian order" if swapped else f"version {version}, known are 2 and 3")
    return version


def _metadata(cursor: _Cursor, count: int) -> dict[str, int | str]:
    """The entries of `_READ_FOR` that have the type that they should; the others are skipped."""
    read: dict[str, int | str] = {}
    for _ in range(count):
        key = cursor.text(MAX_NAME, "a key of the metadata")
        kind = cursor.number("<I")
        if _READ_FOR.get(key) != kind:
            _skip_value(cursor, key, kind)
        elif kind == _STRING:
            read[key] = cursor.text(MAX_TEMPLATE, key)
        else:
            read[key] = cursor.number(_FORMS[kind])
    return read


def _skip_value(cursor: _Cursor, key: str, kind: int) -> None:
    if kind == _STRING:
        cursor.skip(cursor.number("<Q"))
    elif kind != _ARRAY:
        cursor.skip(_scalar_size(cursor, key, kind))
    else:
        kind = cursor.number("<I")
        if kind == _STRING:
            cursor.skip_texts(cursor.count(f"texts in {key}"))
        else:
            cursor.skip(_scalar_size(cursor, key, kind) * cursor.number("<Q"))


def _scalar_size(cursor: _Cursor, key: str, kind: int) -> int:
    size = _SCALARS.get(kind)
    if size is None:
        raise cursor.refuse(f"{key!r} has a value of the unknown type {kind}")
    return size


def _refuse_senses(cursor: _Cursor, name: str) -> None:
    """Such a file would be hashed and mapped whole before llama.cpp refuses it."""
    sense = next((sense for start, sense in _SENSES.items() if name.startswith(start)), None)
    if sense is not None:
        raise ModelFileInvalid(
            cursor.path,
            f"holds {sense} tensors too (the first is {name!r}), as conversions of Ollama do, and llama.cpp loads text models "
            "alone; take a GGUF whose projector is a file of its own, as `ollama pull hf.co/OWNER/REPO-GGUF` brings one, "
            "or a model that reads text only",
        )


def _tensor_end(cursor: _Cursor, alignment: int) -> int:
    """Where the next tensor ends, counted from the start of the data."""
    name = cursor.text(MAX_NAME, "the name of a tensor")
    _refuse_senses(cursor, name)
    dimensions = cursor.number("<I")
    if dimensions > MAX_DIMENSIONS:
        raise cursor.refuse(f"tensor {name!r} has {dimensions} dimensions")
    shape = [cursor.number("<Q") for _ in range(dimensions)]
    kind = cursor.number("<I")
    offset = cursor.number("<Q")
    if offset % alignment:
        raise cursor.refuse(f"tensor {name!r} starts at {offset}, which is not a multiple of {alignment}")
    if kind not in TENSOR_BLOCKS:
        # A type that is younger than this table: llama.cpp knows its size, here it only has to start in the file.
        return offset + 1
    elements, size = TENSOR_BLOCKS[kind]
    row = shape[0] if shape else 1
    if row % elements:
        raise cursor.refuse(f"tensor {name!r} has rows of {row}, its type packs {elements}")
    count = row // elements
    for length in shape[1:]:
        count *= length
    return offset + count * size
