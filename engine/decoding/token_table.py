"""Reading the tokens of a GGUF file, once per file: afterwards they come from a cache on the disk.

llama.cpp reads them, because it changes types on loading (a chat marker that was stored as an ordinary token becomes a
control token) and knows which tokens end a generation. Reading takes 0.2 to 0.8 s, the cache a few milliseconds.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.decoding.settings import ModelSettings
from engine.decoding.special_tokens import (
    BYTE,
    CONTROL,
    NORMAL,
    SPECIAL,
    UNKNOWN,
    UNUSED,
    USER_DEFINED,
    SpecialToken,
    SpecialTokens,
)
from engine.errors import ModelFileInvalid, ModelNotFound
from engine.masks import array_storage
from engine.masks.vocabulary import BoolArray, Vocabulary, vocabulary_digest

# Part of the key: to be raised when the same file is to be read differently.
_VERSION = "1"
_HEADER = 1 << 20
# What llama.cpp writes for a byte-level token whose text is no byte-level text.
_UNREADABLE = b"[UNK_BYTE_0x"


@dataclass(frozen=True, slots=True)
class TokenTable:
    """The vocabulary, the special tokens, and which of those are markers (with the file's own template)."""

    vocabulary: Vocabulary
    specials: SpecialTokens
    markers: frozenset[int]


def read_vocabulary(path: str | Path) -> Vocabulary:
    """The vocabulary of a GGUF file; `ModelNotFound` or `ModelFileInvalid` where there is none."""
    return read_tokens(Path(path)).vocabulary


def read_tokens(path: Path) -> TokenTable:
    """The tokens of a GGUF file, from the cache where the file is the same.

    Raises `ModelNotFound` and `ModelFileInvalid`.
    """
    try:
        key = _file_key(path)
    except FileNotFoundError as error:
        raise ModelNotFound(path.name, (str(path),)) from error
    except OSError as error:
        raise ModelFileInvalid(path, f"cannot be read: {error.strerror}") from error
    cache = _cache_path(path)
    arrays = array_storage.load_arrays(cache, key)
    if arrays is not None:
        return _unpack(arrays)
    table = _read(path)
    array_storage.save_arrays(cache, key, _pack(table))
    return table


def _read(path: Path) -> TokenTable:
    # Here and not above: with a filled cache, the vocabulary is there without llama.cpp.
    from engine.decoding.llama import LlamaModel

    model = LlamaModel(path, ModelSettings(), vocab_only=True)
    pieces, attributes, ends = model.pieces(), model.attributes(), model.end_tokens()
    if model.is_sentencepiece and sum(bool(bits & BYTE) for bits in attributes) < 256:
        raise ModelFileInvalid(path, "its SentencePiece vocabulary lacks byte tokens, so llama.cpp cannot split texts")
    specials = SpecialTokens(
        SpecialToken(token, model.text(token), bits) for token, bits in enumerate(attributes) if bits & SPECIAL
    )
    markers = specials.markers(model.metadata("tokenizer.chat_template"))
    ordinary = _ordinary(pieces, attributes, markers | ends)
    kept = tuple(piece if keep else b"" for piece, keep in zip(pieces, ordinary, strict=True))
    return TokenTable(Vocabulary(kept, ordinary, ends, vocabulary_digest(kept, ordinary, ends)), specials, markers)


def _ordinary(pieces: Sequence[bytes], attributes: Sequence[int], never: Iterable[int]) -> BoolArray:
    bits = np.array(attributes, dtype=np.int64)
    ordinary: BoolArray = (bits & (NORMAL | BYTE | USER_DEFINED) != 0) & (bits & (CONTROL | UNKNOWN | UNUSED) == 0)
    ordinary &= np.array([bool(piece) and not piece.startswith(_UNREADABLE) for piece in pieces], dtype=np.bool_)
    ordinary[list(never)] = False
    return ordinary


# -- the cache


def _file_key(path: Path) -> str:
    status = path.stat()
    with path.open("rb") as stream:
        header = hashlib.blake2b(stream.read(_HEADER), digest_size=16).hexdigest()
    backend = importlib.metadata.version("llama-cpp-python")
    identity = (path.resolve(), status.st_size, status.st_mtime_ns, status.st_ino, header, backend, _VERSION)
    return "|".join(map(str, identity))


def _cache_path(path: Path) -> Path:
    """One file for each model file, so that a changed model replaces what was kept of it."""
    name = hashlib.blake2b(str(path.resolve()).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
    return array_storage.array_cache_folder() / "vocabularies" / f"{name}.arrays"


def _pack(table: TokenTable) -> dict[str, array_storage.StoredArray]:
    vocabulary, specials = table.vocabulary, table.specials.tokens
    return {
        "pieces": _bytes_array(vocabulary.pieces),
        "piece_ends": _ends_array(vocabulary.pieces),
        "ordinary": vocabulary.ordinary,
        "end_tokens": np.array(sorted(vocabulary.end_tokens), dtype=np.int32),
        "identity": np.frombuffer(vocabulary.identity.encode("ascii"), dtype=np.uint8),
        "special_tokens": np.array([special.token for special in specials], dtype=np.int32),
        "special_attributes": np.array([special.attributes for special in specials], dtype=np.int32),
        "special_texts": _bytes_array([special.text for special in specials]),
        "special_ends": _ends_array([special.text for special in specials]),
        "markers": np.array(sorted(table.markers), dtype=np.int32),
    }


def _unpack(arrays: dict[str, array_storage.StoredArray]) -> TokenTable:
    vocabulary = Vocabulary(
        tuple(_texts(arrays["pieces"], arrays["piece_ends"])),
        arrays["ordinary"].astype(np.bool_),
        frozenset(arrays["end_tokens"].tolist()),
        arrays["identity"].tobytes().decode("ascii"),
    )
    columns = (arrays["special_tokens"].tolist(), _texts(arrays["special_texts"], arrays["special_ends"]))
    specials = map(SpecialToken, *columns, arrays["special_attributes"].tolist())
    return TokenTable(vocabulary, SpecialTokens(specials), frozenset(arrays["markers"].tolist()))


def _bytes_array(texts: Iterable[bytes]) -> array_storage.StoredArray:
    return np.frombuffer(b"".join(texts), dtype=np.uint8)


def _ends_array(texts: Iterable[bytes]) -> array_storage.StoredArray:
    return np.cumsum([0, *map(len, texts)], dtype=np.int64)


def _texts(data: array_storage.StoredArray, ends: array_storage.StoredArray) -> list[bytes]:
    blob, places = data.tobytes(), ends.tolist()
    return [blob[start:end] for start, end in itertools.pairwise(places)]
