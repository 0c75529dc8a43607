"""The header reader against the reference library, and against files that lie."""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Callable
from pathlib import Path

import gguf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import ModelFileInvalid, ModelNotFound
from engine.models.header import TENSOR_BLOCKS, read_header

MakeGguf = Callable[..., bytes]


def text(content: str) -> bytes:
    encoded = content.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def header(tensors: int, entries: int, *parts: bytes) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, entries) + b"".join(parts)


def tensor(shape: tuple[int, ...], kind: int = 0, offset: int = 0) -> bytes:
    packed = struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
    return text("t") + packed + struct.pack("<IQ", kind, offset)


def test_needed_size_is_where_the_last_tensor_of_the_reference_reader_ends(tmp_path: Path, make_gguf: MakeGguf) -> None:
    path = tmp_path / "whole.gguf"
    path.write_bytes(make_gguf())
    reader = gguf.GGUFReader(path)
    assert read_header(path).needed == max(t.data_offset + t.n_bytes for t in reader.tensors)
    assert read_header(path).tensors == len(reader.tensors) == 2


@pytest.mark.parametrize("alignment", [8, 64, 4096])
def test_alignment_of_the_file_is_followed(tmp_path: Path, make_gguf: MakeGguf, alignment: int) -> None:
    path = tmp_path / "aligned.gguf"
    path.write_bytes(make_gguf(alignment=alignment))
    assert read_header(path).needed == max(t.data_offset + t.n_bytes for t in gguf.GGUFReader(path).tensors)


def test_block_sizes_are_those_of_the_reference_library() -> None:
    reference = {int(kind): sizes for kind, sizes in gguf.GGML_QUANT_SIZES.items()}
    assert {kind: reference[kind] for kind in TENSOR_BLOCKS} == TENSOR_BLOCKS


def test_chat_template_is_read(tmp_path: Path, make_gguf: MakeGguf) -> None:
    path = tmp_path / "chat.gguf"
    path.write_bytes(make_gguf(template="{{ messages }} ä"))
    assert read_header(path).chat_template == "{{ messages }} ä"
    path.write_bytes(make_gguf())
    assert read_header(path).chat_template is None


def test_every_cut_of_a_file_is_refused(tmp_path: Path, make_gguf: MakeGguf) -> None:
    content = make_gguf(rows=1)
    path = tmp_path / "cut.gguf"
    path.write_bytes(content)
    needed = read_header(path).needed
    for length in range(needed):
        path.write_bytes(content[:length])
        with pytest.raises(ModelFileInvalid, match=r"truncated|not a GGUF"):
            read_header(path)
    path.write_bytes(content[:needed])
    assert read_header(path).needed == needed


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
def test_damaged_bytes_end_in_a_header_or_a_typed_error(
    tmp_path: Path, make_gguf: MakeGguf, data: st.DataObject
) -> None:
    content = bytearray(make_gguf(rows=1, template="t"))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, 500))
        piece = data.draw(st.binary(min_size=1, max_size=9) | st.sampled_from([b"\xff" * 8, b"\0" * 8]))
        content[at : at + len(piece)] = piece
    path = tmp_path / "damaged.gguf"
    path.write_bytes(content)
    with contextlib.suppress(ModelFileInvalid):
        assert read_header(path).needed <= len(content)


HOSTILE = {
    "two to the 63 tensors": header(2**63, 0),
    "two to the 40 entries": header(0, 2**40),
    "a key of an exabyte": header(0, 1, struct.pack("<Q", 2**60)),
    "a text of an exabyte": header(0, 1, text("k"), struct.pack("<IQ", 8, 2**60)),
    "an array of an exabyte": header(0, 1, text("k"), struct.pack("<IIQ", 9, 10, 2**60)),
    "an array whose size overflows": header(0, 1, text("k"), struct.pack("<IIQ", 9, 10, 2**64 - 1)),
    "many texts": header(0, 1, text("k"), struct.pack("<IIQ", 9, 8, 2**50)),
    "texts that end outside": header(0, 1, text("k"), struct.pack("<IIQQ", 9, 8, 2, 2**64 - 1)),
    "arrays in arrays": header(0, 1, text("k"), struct.pack("<IIQ", 9, 9, 1)),
    "an unknown type": header(0, 1, text("k"), struct.pack("<I", 99)),
    "a key that is not UTF-8": header(0, 1, struct.pack("<Q", 1) + b"\xff" + struct.pack("<IB", 0, 1)),
    "a long template": header(0, 1, text("tokenizer.chat_template"), struct.pack("<IQ", 8, 1 << 21), b"x" * (1 << 21)),
    "an alignment of zero": header(0, 1, text("general.alignment"), struct.pack("<II", 4, 0)),
    "an alignment of three": header(0, 1, text("general.alignment"), struct.pack("<II", 4, 3)),
    "five dimensions": header(1, 0, tensor((1, 1, 1, 1, 1))),
    "a tensor beyond any disk": header(1, 0, tensor((2**60, 2**60, 2**60, 2**60))),
    "an offset beyond any disk": header(1, 0, tensor((1,), offset=2**62)),
    "an odd offset": header(1, 0, tensor((1,), offset=1), b"\0" * 128),
    "a broken block": header(1, 0, tensor((31,), kind=8), b"\0" * 128),
    "a young type outside the file": header(1, 0, tensor((1,), kind=9999, offset=4096)),
    "the wrong byte order": b"GGUF" + struct.pack(">IQQ", 3, 0, 0),
    "version 1": b"GGUF" + struct.pack("<III", 1, 0, 0),
    "an older format": b"ggjt" + bytes(64),
    "a web page": b"<!doctype html>",
    "nothing": b"",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "hostile.gguf"
    path.write_bytes(HOSTILE[name])
    with pytest.raises(ModelFileInvalid, match=r"GGUF|truncated"):
        read_header(path)


def test_more_entries_than_any_model_has_are_not_walked(tmp_path: Path) -> None:
    path = tmp_path / "empty-texts.gguf"
    path.write_bytes(header(0, 1, text("k"), struct.pack("<IIQ", 9, 8, 1 << 25)))
    with path.open("ab") as file:
        file.truncate(1 << 29)
    with pytest.raises(ModelFileInvalid, match="claims 33554432 texts"):
        read_header(path)


def test_tensor_of_a_type_that_is_younger_than_the_table_only_has_to_start_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "young.gguf"
    path.write_bytes(header(1, 0, tensor((7,), kind=9999)) + bytes(64))
    assert read_header(path).tensors == 1


@pytest.mark.parametrize("kind", ["adapter", "mmproj", "imatrix"])
def test_file_that_is_no_model_is_refused(tmp_path: Path, make_gguf: MakeGguf, kind: str) -> None:
    path = tmp_path / "adapter.gguf"
    path.write_bytes(make_gguf(kind=kind))
    with pytest.raises(ModelFileInvalid, match=f"'{kind}', not a model"):
        read_header(path)


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound):
        read_header(tmp_path / "absent.gguf")
    with pytest.raises(ModelNotFound):
        read_header(tmp_path / "nul\0.gguf")
    with pytest.raises(ModelFileInvalid, match="not a regular file"):
        read_header(tmp_path)
    os.mkfifo(tmp_path / "pipe.gguf")
    with pytest.raises(ModelFileInvalid, match="not a regular file"):
        read_header(tmp_path / "pipe.gguf")
