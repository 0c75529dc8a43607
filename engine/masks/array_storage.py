"""Arrays kept on the disk between runs: memory-mapped, no pickle, replaced in one step.

A file holds named arrays and the key of what they were made from. A file that is damaged, of another format or made
from something else counts as absent: `load_arrays` answers None and the caller makes the arrays anew. Writing is an
optimisation, so a folder that cannot be written to is not an error.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import platformdirs

from engine.basics.replacing import replacing

StoredArray = npt.NDArray[np.generic]

_MAGIC = b"ENGINE-ARRAYS-1\n"
_DIGEST_SIZE = 16
# The digest covers all that follows it.
_PREAMBLE = len(_MAGIC) + _DIGEST_SIZE
_ALIGNMENT = 64


def array_cache_folder() -> Path:
    """`ENGINE_CACHE_DIR`, or the user's own folder for caches."""
    chosen = os.environ.get("ENGINE_CACHE_DIR")
    return Path(chosen).expanduser().absolute() if chosen else Path(platformdirs.user_cache_dir("engine"))


def load_arrays(path: Path, key: str) -> dict[str, StoredArray] | None:
    """The arrays that were saved under `key`, mapped read-only; None where there are none."""
    try:
        data = np.memmap(path, dtype=np.uint8, mode="r")
    except (OSError, ValueError):  # absent, unreadable or empty
        return None
    try:
        return _read(data, key)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):  # whatever a foreign file may hold
        return None


def save_arrays(path: Path, key: str, arrays: Mapping[str, StoredArray]) -> None:
    """Write the arrays beside `path` and move them there."""
    entries, parts, offset = [], [], 0
    for name, array in arrays.items():
        raw = np.ascontiguousarray(array).tobytes()
        entries.append([name, array.dtype.str, list(array.shape), offset])
        padded = raw + bytes(-len(raw) % _ALIGNMENT)
        parts.append(padded)
        offset += len(padded)
    body = b"".join(parts)
    header = json.dumps({"key": key, "arrays": entries}).encode()
    head = len(header).to_bytes(8, "little") + header
    checked = head + bytes(-(_PREAMBLE + len(head)) % _ALIGNMENT) + body
    with contextlib.suppress(OSError):
        _replace(path, _MAGIC + _digest(checked) + checked)


def _read(data: npt.NDArray[np.uint8], key: str) -> dict[str, StoredArray] | None:
    if data[: len(_MAGIC)].tobytes() != _MAGIC:
        return None
    if data[len(_MAGIC) : _PREAMBLE].tobytes() != _digest(data[_PREAMBLE:].data):
        return None
    start = _PREAMBLE + 8
    end = start + int.from_bytes(data[_PREAMBLE:start].tobytes(), "little")
    header = json.loads(data[start:end].tobytes())
    if header["key"] != key:
        return None
    body = data[end + -end % _ALIGNMENT :]
    arrays = {}
    for name, kind, shape, offset in header["arrays"]:
        dtype = np.dtype(kind)
        count = int(np.prod(shape, dtype=np.int64))
        arrays[name] = np.frombuffer(body, dtype=dtype, count=count, offset=offset).reshape(shape)
    return arrays


def _digest(content: bytes | memoryview) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST_SIZE).digest()


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, durable=False) as draft:  # a cache: one that a power cut spoils is made anew
        draft.write_bytes(content)
