"""Models in several files, and files that hold more than a text model."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import gguf
import numpy as np
import pytest
from local_hub import Hub
from tiny_models import bpe_tokens, write_model

from engine.binary.builder import build_file
from engine.binary.schema_source import document_source
from engine.decoding.loaded_model import load_model
from engine.decoding.settings import ModelSettings
from engine.errors import BuildFailed, CopyFailed, DownloadFailed, ModelFileInvalid
from engine.models import export_model, import_model, resolve, sha256_of, verify_model
from engine.models.environment import user_models_file
from engine.models.header import read_header
from engine.models.parts import model_files, model_size, part_names, read_parts
from engine.models.progress import SILENT

MakeGguf = Callable[..., bytes]
SETTINGS = ModelSettings(n_ctx=256, threads=1, sequences=1)


@pytest.fixture
def parts(tmp_path: Path) -> tuple[Path, ...]:
    """A model of random weights, cut by the reference library as `llama-gguf-split` cuts."""
    folder = tmp_path / "split"
    folder.mkdir()
    whole = write_model(tmp_path / "whole.gguf", bpe_tokens())
    reader = gguf.GGUFReader(whole)
    writer = gguf.GGUFWriter(folder / "m.gguf", "llama", split_max_tensors=5)
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue
        inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, field.contents(), field.types[0], inner)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, np.array(tensor.data), raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    found = tuple(sorted(folder.iterdir()))
    assert len(found) > 2
    return found


def together(parts: tuple[Path, ...]) -> bytes:
    return b"".join(part.read_bytes() for part in parts)


def test_all_parts_are_a_model(parts: tuple[Path, ...]) -> None:
    first = parts[0]
    content = together(parts)
    assert model_files(first) == parts == read_parts(first).files
    assert part_names(first.name) == tuple(part.name for part in parts)
    assert model_size(first) == read_parts(first).size == len(content)
    assert sha256_of(first) == verify_model(first).sha256 == hashlib.sha256(content).hexdigest()
    assert len(load_model(first, SETTINGS).vocabulary) == len(bpe_tokens().texts)


def test_changed_byte_of_any_part_changes_the_digest(parts: tuple[Path, ...]) -> None:
    before = sha256_of(parts[0])
    content = bytearray(parts[-1].read_bytes())
    content[-1] ^= 1
    parts[-1].write_bytes(content)
    assert sha256_of(parts[0]) != before


def test_links_of_a_hubs_cache_are_followed_by_their_names(parts: tuple[Path, ...], tmp_path: Path) -> None:
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "abc"
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    for part in parts:
        blob = blobs / hashlib.sha256(part.read_bytes()).hexdigest()
        shutil.move(part, blob)
        (snapshot / part.name).symlink_to(blob)
    found = resolve(snapshot / parts[0].name)
    assert len(model_files(found.path)) == len(parts)
    assert len(load_model(found.path, SETTINGS).vocabulary) == len(bpe_tokens().texts)


def test_incomplete_model_says_what_is_missing(parts: tuple[Path, ...], tmp_path: Path) -> None:
    with pytest.raises(
        ModelFileInvalid, match=f"is part 2 of {len(parts)} of a model; name the first, .*{parts[0].name}"
    ):
        resolve(parts[1])
    shutil.copy(parts[0], tmp_path / "m.gguf")
    with pytest.raises(ModelFileInvalid, match=r"names must end in -00001-of-.*llama-gguf-split --merge"):
        resolve(tmp_path / "m.gguf")
    parts[2].unlink()
    for look in (resolve, sha256_of, import_model):
        with pytest.raises(ModelFileInvalid, match=f"missing beside it: {parts[2].name}"):
            look(parts[0])
    shutil.copy(parts[1], parts[2])
    with pytest.raises(ModelFileInvalid, match=f"is part 2 of {len(parts)}, and part 3 of {len(parts)} was expected"):
        resolve(parts[0])
    parts[2].write_bytes(b"GGUF")
    with pytest.raises(ModelFileInvalid, match="truncated"):
        resolve(parts[0])


def test_name_of_a_part_alone_makes_no_part(tmp_path: Path, make_gguf: MakeGguf) -> None:
    path = tmp_path / "m-00001-of-00003.gguf"
    path.write_bytes(make_gguf())
    assert model_files(resolve(path).path) == (path,)


def test_import_and_export_carry_all_parts(
    parts: tuple[Path, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = import_model(parts[0], name="mine")
    assert line.file == f"mine-00001-of-{len(parts):05}.gguf"
    assert (line.size, line.sha256) == (len(together(parts)), sha256_of(parts[0]))
    content = together(parts)
    for part in parts:
        part.unlink()
    assert together(model_files(resolve("mine").path)) == content
    stick = tmp_path / "stick"
    stick.mkdir()
    with pytest.raises(CopyFailed, match=f"has {len(parts)} parts; name a folder, or a file that ends in -00001-of-"):
        export_model("mine", stick / "m.gguf")
    export_model("mine", stick)
    assert len(list(stick.glob("mine-*.gguf"))) == len(parts)
    for variable in ("ENGINE_MODELS_DIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / "other" / variable))
    import_model(stick / f"mine-00001-of-{len(parts):05}.gguf")
    assert together(model_files(verify_model("mine").path)) == content
    assert len(load_model(resolve("mine").path, SETTINGS).vocabulary) == len(bpe_tokens().texts)


def test_model_in_parts_does_not_take_the_name_of_one_in_a_file(parts: tuple[Path, ...]) -> None:
    user_models_file().parent.mkdir(parents=True)
    user_models_file().write_text("known hf:me/models k.gguf - - MIT -\n", encoding="utf-8")
    with pytest.raises(CopyFailed, match=rf"is a model in {len(parts)} files, and known is one in 1"):
        import_model(parts[0], name="known")


@pytest.fixture
def hub(parts: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A server that has the parts as a hub has them."""
    served = Hub({part.name: part.read_bytes() for part in parts})
    monkeypatch.setenv("ENGINE_HF_ENDPOINT", served.url)
    served.thread.start()
    yield served
    served.close()


def test_download_brings_all_parts(hub: Hub, parts: tuple[Path, ...]) -> None:
    user_models_file().parent.mkdir(parents=True)
    line = f"mine hf:me/models {parts[0].name} {len(together(parts))} {sha256_of(parts[0])} MIT -\n"
    user_models_file().write_text(line, encoding="utf-8")
    found = resolve("mine")
    assert together(model_files(found.path)) == together(parts)
    assert verify_model("mine") == found


def test_parts_that_are_another_model_are_not_kept(hub: Hub, parts: tuple[Path, ...]) -> None:
    user_models_file().parent.mkdir(parents=True)
    user_models_file().write_text(f"mine hf:me/models {parts[0].name} - {'0' * 64} MIT -\n", encoding="utf-8")
    with pytest.raises(DownloadFailed, match="the parts together are"):
        resolve("mine")
    folder = Path(os.environ["ENGINE_MODELS_DIR"]) / "mine"
    assert {path.name for path in folder.iterdir()} <= {".lock"}
    del hub.files[parts[-1].name]
    with pytest.raises(DownloadFailed, match="no such file"):
        resolve("mine")


def test_build_refuses_parts_and_says_how_to_merge_them(parts: tuple[Path, ...], tmp_path: Path) -> None:
    subject = document_source(tmp_path / "s.json")
    with pytest.raises(BuildFailed, match=f"is in {len(parts)} files.*llama-gguf-split --merge {parts[0]} WHOLE"):
        build_file(
            subject, {"type": "integer"}, tmp_path / "out", model=resolve(parts[0]), portable=False, progress=SILENT
        )


# -- files that hold more than a text model


def with_tensor(path: Path, name: str, arch: str = "llama") -> Path:
    writer = gguf.GGUFWriter(path, arch)
    writer.add_tensor("token_embd.weight", np.zeros((4, 32), dtype=np.float32))
    writer.add_tensor(name, np.zeros((4, 32), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize(
    ("tensor", "sense"),
    [("v.blk.0.attn_k.weight", "vision"), ("mm.mm_input_projection.weight", "vision"), ("a.conv1d.0.weight", "audio")],
)
def test_model_that_sees_or_hears_is_refused_before_it_is_hashed(tensor: str, sense: str, tmp_path: Path) -> None:
    path = with_tensor(tmp_path / "m.gguf", tensor)
    told: list[str] = []

    class Told:
        def start(self, description: str, total: int | None) -> None:
            told.append(description)

        def advance(self, count: int) -> None: ...

        def finish(self) -> None: ...

    for look in (resolve, verify_model):
        with pytest.raises(
            ModelFileInvalid, match=rf"holds {sense} tensors too \(the first is '{tensor}'\).*hf\.co/OWNER"
        ):
            look(path, progress=Told())
    assert not told


def test_projector_without_a_type_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileInvalid, match="holds the projector of a model, not the model"):
        read_header(with_tensor(tmp_path / "m.gguf", "v.blk.0.attn_k.weight", "clip"))


def test_tensor_of_a_text_model_is_none_that_sees(tmp_path: Path) -> None:
    for name in ("value.weight", "mm", "audio", "blk.0.attn_v.weight", "output.weight"):
        assert read_header(with_tensor(tmp_path / "m.gguf", name)).tensors == 2
