"""llama.cpp behind two classes: a loaded model, and a context with numbered sequences.

The only module of the package that imports `llama_cpp`; it uses the low-level functions, and checks all their answers:
each failure raises, with what llama.cpp logged about it. What would make llama.cpp abort the process (a batch larger
than promised, more rows of logits than promised, text that is not UTF-8) is refused before the call. A context is
`kv_unified` (otherwise n_ctx is divided by the sequences, and sharing a part of one aborts) and `swa_full` (otherwise
rolling back past a sliding window corrupts it silently).

Calls release the interpreter's lock. A context belongs to one thread at a time, a model may be shared by all.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.decoding import forking
from engine.decoding.cpu_cores import usable_cores
from engine.decoding.handle import Handle, open_handle
from engine.decoding.language_model import Feed, Row
from engine.decoding.memory import CacheShape
from engine.decoding.settings import SEQUENCES, ModelSettings
from engine.errors import BackendFailed, ModelFileInvalid
from engine.models.single_file import gguf_span

# Read when libgomp is loaded. By default its threads spin for about a millisecond at each of the hundreds of barriers
# of a pass; where anything else wants a core, that made a pass ten times as long. On an idle machine it costs 2 %.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

import llama_cpp.llama_cpp as native

# The numbers of ggml's types; not all of them have a name in llama_cpp.
_KV_TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8, "bf16": 30}
_FLASH_ATTENTION = {None: -1, False: 0, True: 1}
_SUPPORTED_VOCABULARIES = (native.LLAMA_VOCAB_TYPE_SPM, native.LLAMA_VOCAB_TYPE_BPE)
_ERROR = 4
_GPU_TYPES = (1, 2)  # with memory of its own, and with the machine's
# Rows of logits in one pass: each costs a row of the vocabulary in the compute buffer (0.2 MB for 50,000 tokens).
_ROWS_PER_SEQUENCE = 8
_ROWS_OF_SEARCH = 128
# Sequences in which continuations are tried; in a unified cache one costs nothing until it holds tokens of its own.
_BRANCHES = 96


class _Log:
    """llama.cpp has one log for the process: kept silent, but for the last errors, which exceptions quote."""

    def __init__(self) -> None:
        self.verbose = False
        self.errors: deque[str] = deque(maxlen=4)
        self.last_level = 0
        self.interrupted = False
        self.heard: Callable[[str], None] | None = None
        # Kept for as long as the process lives: llama.cpp holds the pointer.
        self.callback = native.llama_log_callback(self._receive)
        self.ready = False
        self.lock = threading.Lock()

    def start(self, verbose: bool | None = None) -> None:
        with self.lock:
            if verbose is not None:
                self.verbose = verbose
            if not self.ready:
                native.llama_log_set(self.callback, ctypes.c_void_p(0))
                native.llama_backend_init()
                _load_processors()
                self.ready = True

    def _receive(self, level: int, text: bytes, _data: object) -> None:
        try:
            line = text.decode("utf-8", "replace")
            if level == _ERROR:
                self.errors.append(line.strip())
            if self.verbose:
                sys.stderr.write(line)
            if self.heard is not None:
                self.heard(line)
        except KeyboardInterrupt:  # ctypes would drop it
            self.interrupted = True

    def check(self) -> None:
        """Raise the interrupt that came while llama.cpp was writing its log."""
        if self.interrupted:
            self.interrupted = False
            raise KeyboardInterrupt

    def take(self) -> str:
        """The errors since the last call."""
        lines = [line for line in self.errors if line]
        self.errors.clear()
        return "; ".join(lines) or "no reason given"


def _load_processors() -> None:
    """A build for several kinds of processors has a library for each kind and loads the best one when asked to."""
    library = native._lib
    if library.ggml_backend_reg_count() == 0:
        load_all = library.ggml_backend_load_all_from_path
        load_all.argtypes, load_all.restype = (ctypes.c_char_p,), None
        load_all(os.fsencode(native._base_path))


_log = _Log()


class LlamaModel:
    """A model file that llama.cpp has loaded; with `vocab_only` only its vocabulary and metadata."""

    def __init__(self, path: Path, settings: ModelSettings, *, vocab_only: bool = False) -> None:
        _log.start(None if vocab_only else settings.verbose)
        self.path = path
        self.settings = settings
        params = native.llama_model_default_params()
        params.n_gpu_layers = settings.gpu_layers or 0
        params.vocab_only = vocab_only
        params.use_extra_bufts = settings.extra_buffers is not False
        overrides = _space_prefix_off()
        params.kv_overrides = overrides
        _log.take()
        pointer = _load(path, params)
        if not pointer:
            raise ModelFileInvalid(path, f"llama.cpp cannot load it: {_log.take()}")
        self._handle: Handle | None = Handle(pointer, native.llama_model_free)
        _log.check()
        if native.llama_vocab_type(self.vocabulary) not in _SUPPORTED_VOCABULARIES:
            raise ModelFileInvalid(
                path, "its tokeniser is neither SentencePiece nor byte-level BPE; choose another model"
            )

    @property
    def handle(self) -> Handle:
        return open_handle(self._handle)

    @property
    def pointer(self) -> int:
        return self.handle.pointer

    @property
    def vocabulary(self) -> int:
        return int(native.llama_model_get_vocab(self.pointer))

    def close(self) -> None:
        """Give the model up; it is freed when the contexts that are still open are closed too."""
        self._handle = None

    def metadata(self, key: str) -> str | None:
        """The text of one entry of the file's metadata that is not an array."""
        size = native.llama_model_meta_val_str(self.pointer, key.encode(), None, 0)
        if size < 0:
            return None
        buffer = ctypes.create_string_buffer(size + 1)
        native.llama_model_meta_val_str(self.pointer, key.encode(), buffer, size + 1)
        return buffer.raw[:size].decode("utf-8", "replace")

    @property
    def trained_context(self) -> int:
        return int(native.llama_model_n_ctx_train(self.pointer))

    @property
    def cache_shape(self) -> CacheShape:
        architecture = self.metadata("general.architecture")
        head = native.llama_model_n_embd(self.pointer) // max(1, native.llama_model_n_head(self.pointer))
        lengths = (self.metadata(f"{architecture}.attention.{which}_length") for which in ("key", "value"))
        key, value = (int(length) if length and length.isdigit() else head for length in lengths)
        return CacheShape(
            native.llama_model_n_layer(self.pointer), native.llama_model_n_head_kv(self.pointer), key, value
        )

    # -- tokens

    def __len__(self) -> int:
        return int(native.llama_vocab_n_tokens(self.vocabulary))

    @property
    def is_sentencepiece(self) -> bool:
        return bool(native.llama_vocab_type(self.vocabulary) == native.LLAMA_VOCAB_TYPE_SPM)

    @property
    def bos(self) -> int | None:
        """The token that begins a text, or None where the vocabulary has none."""
        return _token_or_none(native.llama_vocab_bos(self.vocabulary))

    @property
    def eos(self) -> int | None:
        return _token_or_none(native.llama_vocab_eos(self.vocabulary))

    @property
    def adds_bos(self) -> bool:
        return bool(native.llama_vocab_get_add_bos(self.vocabulary))

    def pieces(self) -> list[bytes]:
        """The exact bytes of every token as llama.cpp writes it out; nothing for control tokens."""
        vocabulary, convert = self.vocabulary, native.llama_token_to_piece
        buffer = ctypes.create_string_buffer(256)
        pieces = []
        for token in range(len(self)):
            size = convert(vocabulary, token, buffer, len(buffer), 0, False)
            if size < 0:  # minus the size that it takes
                buffer = ctypes.create_string_buffer(-size)
                size = convert(vocabulary, token, buffer, len(buffer), 0, False)
            if size < 0:
                raise BackendFailed("llama_token_to_piece", f"answered {size} for token {token}")
            pieces.append(ctypes.string_at(buffer, size))
        return pieces

    def attributes(self) -> list[int]:
        """llama.cpp's attribute bits of every token, as it changed them on loading."""
        vocabulary, attribute = self.vocabulary, native.llama_vocab_get_attr
        return [attribute(vocabulary, token) for token in range(len(self))]

    def text(self, token: int) -> bytes:
        """How a token is spelled in the vocabulary; for special tokens, what is parsed as it."""
        return bytes(native.llama_vocab_get_text(self.vocabulary, token) or b"")

    def end_tokens(self) -> frozenset[int]:
        vocabulary, is_end = self.vocabulary, native.llama_vocab_is_eog
        return frozenset(token for token in range(len(self)) if is_end(vocabulary, token))

    def tokenize(self, text: bytes, *, add_special: bool = False, parse_special: bool = False) -> tuple[int, ...]:
        """`text` in UTF-8 as tokens. Without `parse_special` only user-defined tokens are still parsed."""
        text.decode("utf-8")  # llama.cpp may abort on anything else
        room = len(text) + 2
        buffer = (ctypes.c_int32 * room)()
        count = native.llama_tokenize(self.vocabulary, text, len(text), buffer, room, add_special, parse_special)
        if count < 0:
            raise BackendFailed("llama_tokenize", f"answered {count} for {len(text)} bytes")
        return tuple(buffer[:count])


def _token_or_none(token: int) -> int | None:
    return token if token != native.LLAMA_TOKEN_NULL else None


def _space_prefix_off() -> ctypes.Array[native.llama_model_kv_override]:
    """SentencePiece puts a space before every run of text: in the middle of an output it would be wrong.

    The prompt's own spaces are put in by `engine.decoding.prompt_encoder`. Byte-level BPE does not read the entry.
    """
    overrides = (native.llama_model_kv_override * 2)()  # the second, empty one ends the list
    off = native.llama_model_kv_override_value(val_bool=False)
    overrides[0] = native.llama_model_kv_override(
        native.LLAMA_KV_OVERRIDE_TYPE_BOOL, b"tokenizer.ggml.add_space_prefix", off
    )
    return overrides


def _load(path: Path, params: Any) -> int | None:
    """Load a GGUF file, or the GGUF inside a file that carries one, mapped from where it lies."""
    offset = gguf_span(path).offset
    if not offset:
        pointer: int | None = forking.call(native.llama_model_load_from_file, os.fsencode(path), params)
        return pointer
    libc = _c_library(path)
    file = libc.fopen(os.fsencode(path), b"rb")
    if not file:
        raise ModelFileInvalid(path, f"cannot be opened: {os.strerror(ctypes.get_errno())}")
    try:
        if libc.fseeko(file, offset, os.SEEK_SET):
            raise ModelFileInvalid(path, f"cannot be read at {offset}: {os.strerror(ctypes.get_errno())}")
        # The mapping outlives the FILE.
        pointer = forking.call(native.llama_model_load_from_file_ptr, file, params)
        return pointer
    finally:
        libc.fclose(file)


def _c_library(path: Path) -> ctypes.CDLL:
    """The C library, for a FILE, which no part of Python opens. Windows has none by that name."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
        library.fopen.argtypes, library.fopen.restype = (ctypes.c_char_p, ctypes.c_char_p), ctypes.c_void_p
        library.fseeko.argtypes = (ctypes.c_void_p, ctypes.c_int64, ctypes.c_int)
        library.fclose.argtypes = (ctypes.c_void_p,)
        return library
    except (TypeError, OSError, AttributeError) as error:
        reason = (
            "a model inside of another file cannot be read on this system; write it out with `engine models export`"
        )
        raise ModelFileInvalid(path, reason) from error


class LlamaContext:
    """`Sequences` of llama.cpp: one KV cache, a prefix sequence and `count` sequences for documents."""

    def __init__(self, model: LlamaModel, settings: ModelSettings) -> None:
        _refuse_stateful(model)
        self.count = settings.sequences or SEQUENCES
        self.n_batch = min(settings.n_batch, settings.n_ctx)
        self.branches = _BRANCHES
        self.max_rows = min(self.n_batch, max(_ROWS_OF_SEARCH, _ROWS_PER_SEQUENCE * self.count))
        pointer = _create(model, settings, self.n_batch, self.max_rows)
        self._handle: Handle | None = Handle(pointer, native.llama_free, keep=model.handle)
        self.n_ctx = int(native.llama_n_ctx(pointer))
        self.max_length = min(self.n_ctx, model.trained_context or self.n_ctx)
        self._batch = _Batch(self.n_batch)
        self._width = len(model)
        self.usable = True

    @property
    def pointer(self) -> int:
        return open_handle(self._handle).pointer

    def close(self) -> None:
        self._handle = None
        self.usable = False

    def set_threads(self, threads: int) -> None:
        native.llama_set_n_threads(self.pointer, threads, threads)

    def decode(self, feeds: Sequence[Feed]) -> list[list[Row]]:
        total, rows = sum(len(feed.tokens) for feed in feeds), sum(feed.rows for feed in feeds)
        if not 0 < total <= self.n_batch or rows > self.max_rows:
            raise BackendFailed("llama_decode", f"{total} tokens and {rows} rows do not fit into one pass")
        indices = self._batch.fill(feeds, self._width)
        _log.take()
        answer = forking.call(native.llama_decode, self.pointer, self._batch.struct)
        if answer != 0:
            # What is in the cache now is not known any more.
            self.usable = False
            raise BackendFailed("llama_decode", f"{_DECODE_ANSWERS.get(answer, f'answered {answer}')} ({_log.take()})")
        return [[self._row(index) for index in places] for places in indices]

    def truncate(self, sequence: int, length: int) -> None:
        if not native.llama_memory_seq_rm(self._memory(), sequence, length, -1):
            self.usable = False
            raise BackendFailed("llama_memory_seq_rm", f"cannot cut sequence {sequence} at {length}")

    def share(self, source: int, target: int, length: int) -> None:
        memory = self._memory()
        native.llama_memory_seq_cp(memory, source, target, 0, length)
        first, last = (
            position(memory, target) for position in (native.llama_memory_seq_pos_min, native.llama_memory_seq_pos_max)
        )
        if (first, last) != (0, length - 1):
            self.usable = False
            found = f"sequence {target} holds positions {first} to {last}, not 0 to {length - 1}"
            raise BackendFailed("llama_memory_seq_cp", found)

    def _memory(self) -> int:
        return int(native.llama_get_memory(self.pointer))

    def _row(self, index: int) -> Row:
        pointer = native.llama_get_logits_ith(self.pointer, index)
        if not pointer:
            raise BackendFailed("llama_get_logits_ith", _log.take())
        return np.ctypeslib.as_array(pointer, shape=(self._width,))


_DECODE_ANSWERS = {
    1: "the KV cache is full; raise n_ctx or lower the number of sequences",
    2: "aborted",
    -1: "invalid batch",
}


class _Batch:
    """A `llama_batch` over NumPy arrays of its own."""

    def __init__(self, size: int) -> None:
        self._token = np.zeros(size, np.int32)
        self._position = np.zeros(size, np.int32)
        self._sequence = np.zeros(size, np.int32)
        self._counts = np.ones(size, np.int32)
        self._wanted = np.zeros(size, np.int8)
        self._pointers = self._sequence.ctypes.data + self._sequence.itemsize * np.arange(size, dtype=np.uintp)
        self.struct = native.llama_batch(
            0,
            ctypes.cast(self._token.ctypes.data, ctypes.POINTER(ctypes.c_int32)),
            None,
            ctypes.cast(self._position.ctypes.data, ctypes.POINTER(ctypes.c_int32)),
            ctypes.cast(self._counts.ctypes.data, ctypes.POINTER(ctypes.c_int32)),
            ctypes.cast(self._pointers.ctypes.data, ctypes.POINTER(ctypes.POINTER(ctypes.c_int32))),
            ctypes.cast(self._wanted.ctypes.data, ctypes.POINTER(ctypes.c_int8)),
        )

    def fill(self, feeds: Sequence[Feed], width: int) -> list[range]:
        """Write the feeds one after the other; for each, where in the batch its rows are."""
        indices, end = [], 0
        for feed in feeds:
            begin, end = end, end + len(feed.tokens)
            tokens = np.asarray(feed.tokens, np.int32)
            if tokens.min() < 0 or tokens.max() >= width:
                raise BackendFailed("llama_decode", "a token lies outside of the vocabulary")
            self._token[begin:end] = tokens
            self._position[begin:end] = np.arange(feed.start, feed.start + len(feed.tokens))
            self._sequence[begin:end] = feed.sequence
            self._wanted[begin:end] = 0
            self._wanted[end - feed.rows : end] = 1
            indices.append(range(end - feed.rows, end))
        self.struct.n_tokens = end
        return indices


def _refuse_stateful(model: LlamaModel) -> None:
    """Models that cannot be rolled back token by token, or are no plain decoders, would go wrong silently."""
    for test, what in (
        (native.llama_model_is_recurrent, "recurrent"),
        (native.llama_model_is_hybrid, "partly recurrent"),
        (native.llama_model_is_diffusion, "a diffusion model"),
        (native.llama_model_has_encoder, "an encoder-decoder model"),
    ):
        if test(model.pointer):
            raise ModelFileInvalid(
                model.path, f"the model is {what}, which this engine cannot roll back; choose another"
            )


def _create(model: LlamaModel, settings: ModelSettings, n_batch: int, max_rows: int) -> int:
    params = native.llama_context_default_params()
    params.n_ctx = settings.n_ctx
    params.n_batch = n_batch
    params.n_ubatch = min(n_batch, 512)
    params.n_seq_max = 1 + (settings.sequences or SEQUENCES) + _BRANCHES  # sequence 0 is the prefix
    params.n_outputs_max = max(max_rows, params.n_seq_max)  # llama.cpp aborts where there are fewer
    params.n_outputs_max_per_seq = 0
    params.n_threads = params.n_threads_batch = settings.threads or usable_cores()
    params.type_k = params.type_v = _KV_TYPES[settings.kv_type]
    params.flash_attn_type = _FLASH_ATTENTION[settings.flash_attention]
    params.kv_unified = True
    params.swa_full = True
    _log.take()
    pointer = forking.call(native.llama_init_from_model, model.pointer, params)
    if not pointer:
        raise BackendFailed("llama_init_from_model", f"{_log.take()}; lower n_ctx or set kv_type to f16")
    return int(pointer)


def quantize(
    source: Path,
    target: Path,
    file_type: str | None,
    *,
    threads: int,
    layers: int | None = None,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> str:
    """Write a model with weights of another type, or as they are; gives what llama.cpp complained of, nothing where it went well.

    `layers`: only so many of the model's layers, which then says nothing sensible but takes the same time a layer. `tell` hears
    how many tensors are done, of how many.
    """
    _log.start(verbose=False)
    _log.take()
    params = native.llama_model_quantize_default_params()
    if file_type is None:
        params.only_copy = True
    else:
        params.ftype = getattr(native, f"LLAMA_FTYPE_MOSTLY_{file_type}")
    params.nthread, params.allow_requantize = threads, True
    if layers is not None:
        dropped = (ctypes.c_int32 * 4096)(*range(layers, layers + 4095), -1)
        params.prune_layers = ctypes.cast(dropped, type(params.prune_layers))

    def heard(line: str) -> None:
        found = re.match(r"\[ *(\d+)/ *(\d+)\]", line)
        if found:
            tell(int(found[1]), int(found[2]))

    _log.heard = heard
    try:
        answer = native.llama_model_quantize(os.fsencode(source), os.fsencode(target), ctypes.byref(params))
    finally:
        _log.heard = None
    _log.check()
    return _log.take() if answer else ""


def describe_backend() -> str:
    """llama.cpp's version and what it was built for."""
    _log.start()
    return f"{native.llama_version().decode()}: {native.llama_print_system_info().decode()}"


def offloads_to_gpu() -> bool:
    """Whether this build of llama.cpp can compute on a GPU."""
    _log.start()
    return bool(native.llama_supports_gpu_offload())


def gpu_memory() -> int | None:
    """Bytes that are free on the GPUs that llama.cpp can use; 0 where it can use none, None where they do not say."""
    if not offloads_to_gpu():
        return 0
    library, free = native._lib, 0
    library.ggml_backend_dev_get.restype = ctypes.c_void_p
    library.ggml_backend_dev_get.argtypes = (ctypes.c_size_t,)
    library.ggml_backend_dev_type.argtypes = (ctypes.c_void_p,)
    library.ggml_backend_dev_memory.argtypes = (ctypes.c_void_p, *[ctypes.POINTER(ctypes.c_size_t)] * 2)
    devices = [library.ggml_backend_dev_get(index) for index in range(library.ggml_backend_dev_count())]
    found = [device for device in devices if library.ggml_backend_dev_type(device) in _GPU_TYPES]
    for device in found:
        room, total = ctypes.c_size_t(), ctypes.c_size_t()
        library.ggml_backend_dev_memory(device, ctypes.byref(room), ctypes.byref(total))
        free += room.value
    return (free or None) if found else 0
