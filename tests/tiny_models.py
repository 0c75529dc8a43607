"""Tiny GGUF models of random weights: real files for llama.cpp, made in a fraction of a second.

Two vocabularies: byte-level BPE (256 bytes and merges learned from a few lines, among them tokens of more than 32
bytes) and SentencePiece of OpenHermes' kind (the 32,000 tokens of Mistral 7B, which mistral-common carries, and the two
ChatML markers). The model is the adversary of every grammar: it writes what no sane model would.
"""

from __future__ import annotations

import os
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

import gguf
import mistral_common
import numpy as np

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
CHATML = (
    "{% for message in messages %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
MARKERS = ("<|im_end|>", "<|im_start|>")

_CORPUS = (
    'the user said that "name" is John and "age" is 20, so [{"name": "Mary", "age": 21}, {"name": "Bob", "age": 22}] '
    'My name is Alice and I am 23 years old. {"items": [true, false, null, 1.5, -3], "text": "über"} '
    "system user assistant date time 2024-01-31T12:00:00Z http://example.org/a?b=c " + "=" * 64 + " " * 64 + "\n\n"
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a GGUF file says of its vocabulary."""

    model: Literal["gpt2", "llama"]
    texts: tuple[bytes, ...]
    types: tuple[int, ...]
    scores: tuple[float, ...] | None
    merges: tuple[str, ...] | None
    bos: int
    eos: int

    def with_token(self, text: bytes, kind: int = NORMAL) -> Tokens:
        """The same vocabulary with one token more."""
        scores = None if self.scores is None else (*self.scores, 0.0)
        return replace(self, texts=(*self.texts, text), types=(*self.types, kind), scores=scores)


@cache
def bpe_tokens(markers: int = CONTROL, merges: int = 300) -> Tokens:
    """Byte-level BPE: a begin and an end token, the ChatML markers (of type `markers`), all bytes, learned merges."""
    symbols, learned = _learn_merges(_CORPUS, merges)
    signals = (b"<|begin|>", b"<|endoftext|>", *(marker.encode() for marker in MARKERS))
    texts = (*signals, *(symbol.encode() for symbol in symbols))
    types = (CONTROL, CONTROL, markers, markers, *[NORMAL] * len(symbols))
    return Tokens("gpt2", texts, types, None, tuple(learned), bos=0, eos=2)


@cache
def sentencepiece_tokens(markers: int = CONTROL) -> Tokens:
    """Mistral 7B's tokens and the ChatML markers, in OpenHermes' order."""
    pieces = list(_sentencepieces(Path(mistral_common.__file__).parent / "data" / "tokenizer.model.v1"))
    texts = (*(text for text, _, _ in pieces), *(marker.encode() for marker in MARKERS))
    types = (*(kind for _, _, kind in pieces), markers, markers)
    scores = (*(score for _, score, _ in pieces), 0.0, 0.0)
    return Tokens("llama", texts, types, scores, None, bos=1, eos=32000)


@dataclass(frozen=True, slots=True)
class Weights:
    """The shape of the model and the seed of its weights."""

    seed: int = 0
    layers: int = 1
    width: int = 32
    heads: int = 2
    feed_forward: int = 64
    context: int = 2048


def write_model(
    path: Path,
    tokens: Tokens,
    weights: Weights | None = None,
    *,
    chat_template: str | None = CHATML,
    add_bos: bool | None = None,
    add_space_prefix: bool | None = None,
    name: str | None = None,
) -> Path:
    """Write a GGUF file; what is None is not in it, so that llama.cpp's own default holds."""
    weights = weights or Weights()
    writer = gguf.GGUFWriter(path, "llama")
    if name is not None:
        writer.add_name(name)
    _write_shape(writer, weights, len(tokens.texts))
    writer.add_tokenizer_model(tokens.model)
    writer.add_tokenizer_pre("smollm" if tokens.model == "gpt2" else "default")
    writer.add_token_list(list(tokens.texts))
    writer.add_token_types(list(tokens.types))
    if tokens.scores is not None:
        writer.add_token_scores(list(tokens.scores))
    if tokens.merges is not None:
        writer.add_token_merges(list(tokens.merges))
    writer.add_bos_token_id(tokens.bos)
    writer.add_eos_token_id(tokens.eos)
    if chat_template is not None:
        writer.add_chat_template(chat_template)
    if add_bos is not None:
        writer.add_add_bos_token(add_bos)
    if add_space_prefix is not None:
        writer.add_add_space_prefix(add_space_prefix)
    _write_tensors(writer, weights, len(tokens.texts))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def default_model() -> Path | None:
    """The real default model: ENGINE_TEST_MODEL, else what `engine.models` finds or fetches; None where it cannot."""
    chosen = os.environ.get("ENGINE_TEST_MODEL")
    if chosen:
        return Path(chosen)
    from engine.errors import ModelError
    from engine.models.environment import DEFAULT_MODEL
    from engine.models.resolution import resolve

    try:
        return resolve(DEFAULT_MODEL).path
    except ModelError:
        return None


def _write_shape(writer: gguf.GGUFWriter, weights: Weights, vocabulary: int) -> None:
    writer.add_context_length(weights.context)
    writer.add_embedding_length(weights.width)
    writer.add_block_count(weights.layers)
    writer.add_feed_forward_length(weights.feed_forward)
    writer.add_head_count(weights.heads)
    writer.add_head_count_kv(weights.heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(weights.width // weights.heads)
    writer.add_vocab_size(vocabulary)


def _write_tensors(writer: gguf.GGUFWriter, weights: Weights, vocabulary: int) -> None:
    generator = np.random.default_rng(weights.seed)
    width, inner = weights.width, weights.feed_forward

    def add(name: str, *shape: int) -> None:
        values = generator.standard_normal(shape, dtype=np.float32) * (0.5 if len(shape) == 2 else 0.0)
        writer.add_tensor(name, values.astype(np.float16) if len(shape) == 2 else values + np.float32(1))

    add("token_embd.weight", vocabulary, width)
    add("output_norm.weight", width)
    add("output.weight", vocabulary, width)
    for layer in range(weights.layers):
        add(f"blk.{layer}.attn_norm.weight", width)
        add(f"blk.{layer}.ffn_norm.weight", width)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"blk.{layer}.{name}.weight", width, width)
        add(f"blk.{layer}.ffn_gate.weight", inner, width)
        add(f"blk.{layer}.ffn_up.weight", inner, width)
        add(f"blk.{layer}.ffn_down.weight", width, inner)


# -- byte-level BPE


def _byte_characters() -> list[str]:
    """GPT-2's way of writing bytes as printable characters."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    characters = {byte: chr(byte) for byte in printable} | {byte: chr(256 + at) for at, byte in enumerate(others)}
    return [characters[byte] for byte in range(256)]


def _learn_merges(corpus: str, count: int) -> tuple[list[str], list[str]]:
    """All symbols, and the merges in order: most frequent pair first, within words that begin with their space."""
    characters = _byte_characters()
    words = [[characters[byte] for byte in word.encode()] for word in _words(corpus)]
    symbols, merges = list(characters), []
    for _ in range(count):
        pairs = Counter(pair for word in words for pair in pairwise(word))
        if not pairs:
            break
        left, right = max(pairs, key=lambda pair: (pairs[pair], pair))
        symbols.append(left + right)
        merges.append(f"{left} {right}")
        words = [_merged(word, left, right) for word in words]
    return symbols, merges


def _words(corpus: str) -> Iterator[str]:
    word = ""
    for character in corpus:
        if word and _kind(character) != _kind(word[-1]) and word != " ":
            yield word
            word = ""
        word += character
    yield word


def _kind(character: str) -> int:
    return 0 if character.isalpha() else 1 if character.isdigit() else 2 if character.isspace() else 3


def _merged(word: Sequence[str], left: str, right: str) -> list[str]:
    merged: list[str] = []
    at = 0
    while at < len(word):
        pair = tuple(word[at : at + 2]) == (left, right)
        merged.append(left + right if pair else word[at])
        at += 2 if pair else 1
    return merged


# -- SentencePiece: as much of protobuf as its model file needs


def _sentencepieces(path: Path) -> Iterator[tuple[bytes, float, int]]:
    """Text, score and type of each piece; the file is a message whose field 1 repeats."""
    for number, value in _fields(path.read_bytes()):
        if number == 1 and isinstance(value, bytes):
            fields = dict(_fields(value))
            text, score, kind = fields.get(1, b""), fields.get(2, b"\0\0\0\0"), fields.get(3, NORMAL)
            assert isinstance(text, bytes)
            assert isinstance(score, bytes)
            assert isinstance(kind, int)
            yield text, struct.unpack("<f", score)[0], kind


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        size = {1: 8, 5: 4}.get(wire)
        if size is None:
            size, at = _varint(data, at)
        yield number, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
