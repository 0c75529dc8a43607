"""A model inside a file is a model like any other, read from where it lies."""

from __future__ import annotations

import hashlib
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader

from engine import Extractor, ModelSettings
from engine.binary.packing import Weights, pack
from engine.decoding.language_model import Feed
from engine.decoding.llama import LlamaContext, LlamaModel
from engine.decoding.token_table import read_vocabulary
from engine.errors import BuildFailed, ModelFileInvalid
from engine.models import import_model, resolve, sha256_of, verify_model
from engine.models.header import read_header
from engine.models.progress import SILENT
from engine.models.single_file import ALIGNMENT, TRAILER_SIZE, gguf_span, read_single_file

MakeFile = Callable[..., Path]
SETTINGS = ModelSettings(n_ctx=128, threads=1, sequences=1)


@pytest.fixture
def file(make_file: MakeFile, bpe_path: Path) -> Path:
    return make_file(model=bpe_path)


def test_model_lies_whole_at_a_page(file: Path, bpe_path: Path, tmp_path: Path) -> None:
    place = gguf_span(file)
    assert place.offset % ALIGNMENT == 0
    content = file.read_bytes()[place.offset : place.end]
    assert content == bpe_path.read_bytes()
    (tmp_path / "cut.gguf").write_bytes(content)
    assert GGUFReader(tmp_path / "cut.gguf").tensors, "for the reference library it is a file too"


def test_carried_model_is_found_by_the_path_of_its_file(file: Path, bpe_path: Path) -> None:
    found, plain = resolve(file), resolve(bpe_path)
    assert (found.path, found.name, found.chat_format) == (file, "tiny", "chatml")
    assert found.chat_template == plain.chat_template
    assert found.parameters.n_ctx == 2048
    assert found.sha256 == hashlib.sha256(bpe_path.read_bytes()).hexdigest() == sha256_of(file)
    assert read_header(file) == read_header(bpe_path)
    assert verify_model(file) == found


def test_logits_are_those_of_the_plain_file(file: Path, bpe_path: Path) -> None:
    rows = []
    for path in (file, bpe_path):
        context = LlamaContext(LlamaModel(path, SETTINGS), SETTINGS)
        ((row,),) = context.decode([Feed(0, 0, (5, 6, 7, 8), 1)])
        rows.append(np.array(row))
    assert np.array_equal(rows[0], rows[1])
    assert read_vocabulary(file).pieces == read_vocabulary(bpe_path).pieces


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc/self/maps is Linux's")
def test_carried_model_is_mapped_from_the_file(file: Path) -> None:
    model = LlamaModel(file, SETTINGS)
    place = gguf_span(file)
    mapped = [line.split() for line in Path("/proc/self/maps").read_text().splitlines() if line.endswith(str(file))]
    starts = [int(words[2], 16) for words in mapped]
    assert any(start <= place.offset + place.size // 2 for start in starts), mapped
    model.close()


def test_extraction_is_that_of_the_plain_file(file: Path, bpe_path: Path) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer", "maximum": 99}}, "required": ["a"]}
    said = [
        list(Extractor(schema, model=path, max_items=2, settings=SETTINGS).extract("one", max_tokens=60))
        for path in (file, bpe_path)
    ]
    assert said[0] == said[1]


def test_changed_weights_are_found_out(file: Path) -> None:
    place = gguf_span(file)
    with file.open("rb+") as stream:
        stream.seek(place.end - 1)
        last = stream.read(1)[0]
        stream.seek(place.end - 1)
        stream.write(bytes([last ^ 1]))
    with pytest.raises(ModelFileInvalid, match="copy the file again"):
        resolve(file)


def test_changed_manifest_is_found_out(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content.replace(b'"tiny"', b'"huge"'))
    with pytest.raises(ModelFileInvalid, match="its manifest is damaged"):
        resolve(file)


@pytest.mark.parametrize(("at", "value"), [(32, 5), (40, 2**60), (48, 2**60), (56, 2**40)])
def test_trailer_that_contradicts_the_file_is_refused(file: Path, at: int, value: int) -> None:
    content = bytearray(file.read_bytes())
    struct.pack_into("<Q", content, len(content) - TRAILER_SIZE + at, value)
    file.write_bytes(content)
    with pytest.raises(ModelFileInvalid, match=r"its trailer names parts|not a multiple of"):
        resolve(file)


def test_file_without_a_model_says_so(make_file: MakeFile) -> None:
    file = make_file()
    carrier = read_single_file(file)
    assert carrier is not None
    assert carrier.model is None
    with pytest.raises(ModelFileInvalid, match=r"built without a model; name one with --model"):
        resolve(file)


def test_plain_file_that_ends_like_a_carrier_is_plain(bpe_path: Path, make_file: MakeFile, tmp_path: Path) -> None:
    tail = make_file(model=bpe_path).read_bytes()[-TRAILER_SIZE:]
    (tmp_path / "plain.gguf").write_bytes(bpe_path.read_bytes() + tail)
    assert gguf_span(tmp_path / "plain.gguf").offset == 0


def test_same_parts_give_the_same_bytes(make_file: MakeFile, runtime: Path, bpe_path: Path) -> None:
    first = make_file("first", bpe_path).read_bytes()
    for path in runtime.rglob("*"):
        if not path.is_symlink():
            path.touch()
    (runtime / "data" / "text").chmod(0o600)
    assert make_file("second", bpe_path).read_bytes() == first


def test_model_may_come_out_of_another_file(make_file: MakeFile, bpe_path: Path, tmp_path: Path) -> None:
    second = make_file("second", make_file("first", bpe_path))
    assert gguf_span(second).size == bpe_path.stat().st_size
    assert resolve(second).sha256 == resolve(tmp_path / "first").sha256


def test_model_that_is_another_one_than_promised_is_not_packed(
    launcher: Path, runtime: Path, bpe_path: Path, tmp_path: Path
) -> None:
    with pytest.raises(BuildFailed, match="changed while it was copied"):
        pack(tmp_path / "file", launcher, runtime, {"model": None}, Weights(bpe_path, "0" * 64), SILENT)


def test_model_in_a_file_can_be_imported(
    file: Path, bpe_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINE_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    line = import_model(file)
    assert (line.name, line.chat_format) == ("tiny", "chatml")
    assert line.path.read_bytes() == bpe_path.read_bytes()
