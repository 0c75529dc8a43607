"""Models that `ollama pull` left on the disk. The stores here have the layout that Ollama writes."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.decoding.chat_formats import CHAT_FORMATS
from engine.decoding.sampler import Sampling
from engine.decoding.settings import ModelSettings
from engine.errors import ModelFileInvalid, ModelNotFound
from engine.extraction.extractor import Extractor
from engine.models import resolve, verify
from engine.models.ollama import chat_format_of
from engine.models.parameters import Parameters

MakeGguf = Callable[..., bytes]
CHECKOUT = Path(__file__).parents[2]
CHATML = (
    "{{ if .System }}<|im_start|>system\n{{ .System }}<|im_end|>\n{{ end }}<|im_start|>user\n{{ .Prompt }}<|im_end|>"
)


class Store:
    """An Ollama store that is filled by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "blobs").mkdir(parents=True)

    def blob(self, content: bytes) -> tuple[Path, str]:
        digest = hashlib.sha256(content).hexdigest()
        path = self.folder / "blobs" / f"sha256-{digest}"
        path.write_bytes(content)
        return path, digest

    def manifest(self, place: str, **layers: bytes) -> Path:
        path = self.folder / "manifests" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        written = [
            {
                "mediaType": f"application/vnd.ollama.image.{kind.rstrip('_')}",
                "digest": f"sha256:{self.blob(content)[1]}",
                "size": len(content),
            }
            for kind, content in layers.items()
        ]
        path.write_text(json.dumps({"schemaVersion": 2, "layers": written}), encoding="utf-8")
        return path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "ollama")


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("openhermes:v2.5", "registry.ollama.ai/library/openhermes/v2.5"),
        ("openhermes", "registry.ollama.ai/library/openhermes/latest"),
        ("me/mine:Q4_K_M", "registry.ollama.ai/me/mine/Q4_K_M"),
        ("hf.co/Owner/Repo-GGUF:Q5", "hf.co/Owner/Repo-GGUF/Q5"),
        ("localhost:5000/me/mine", "localhost:5000/me/mine/latest"),
    ],
)
def test_name_is_found_where_ollama_puts_it(store: Store, make_gguf: MakeGguf, name: str, place: str) -> None:
    content = make_gguf()
    store.manifest(place, model=content, template=CHATML.encode(), license=b"text", params=b"{}")
    found = resolve(f"ollama/{name}")
    assert found.path.read_bytes() == content
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    assert (found.name, found.chat_format, found.chat_template) == (f"ollama/{name}", "chatml", None)
    assert verify(f"ollama/{name}") == found


def test_default_store_is_in_the_home_folder(
    tmp_path: Path, make_gguf: MakeGguf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OLLAMA_MODELS")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    store = Store(tmp_path / "home" / ".ollama" / "models")
    store.manifest("registry.ollama.ai/library/m/latest", model=make_gguf())
    assert resolve("ollama/m").chat_format is None


@pytest.mark.parametrize(
    "name", ["absent", "m:absent", "", ":", "m:", "../m", "a/b/c/d", "m:../../x", "m\0", ".m", "a//b"]
)
def test_absent_or_odd_name_is_not_found(store: Store, make_gguf: MakeGguf, name: str) -> None:
    store.manifest("registry.ollama.ai/library/m/latest", model=make_gguf())
    with pytest.raises(ModelNotFound) as caught:
        resolve(f"ollama/{name}")
    assert caught.value.name == f"ollama/{name}"


def test_missing_blob_names_the_blob_and_the_manifest(store: Store, make_gguf: MakeGguf) -> None:
    manifest = store.manifest("registry.ollama.ai/library/m/latest", model=make_gguf())
    (blob,) = (store.folder / "blobs").iterdir()
    blob.unlink()
    with pytest.raises(ModelFileInvalid, match="missing") as caught:
        resolve("ollama/m")
    assert caught.value.path == blob
    assert str(manifest) in caught.value.reason


def test_blob_of_another_size_is_refused(store: Store, make_gguf: MakeGguf) -> None:
    store.manifest("registry.ollama.ai/library/m/latest", model=make_gguf())
    (blob,) = (store.folder / "blobs").iterdir()
    blob.write_bytes(blob.read_bytes()[:-1])
    with pytest.raises(ModelFileInvalid, match="pull the model again"):
        resolve("ollama/m")


def test_blob_with_a_changed_byte_is_refused(store: Store, make_gguf: MakeGguf) -> None:
    store.manifest("registry.ollama.ai/library/m/latest", model=make_gguf())
    (blob,) = (store.folder / "blobs").iterdir()
    blob.write_bytes(blob.read_bytes()[:-1] + b"\xee")
    for look in (resolve, verify):
        with pytest.raises(ModelFileInvalid, match=r"its sha256 is \w+, its name says \w+; pull the model again"):
            look("ollama/m")


def test_weights_that_are_no_gguf_are_refused(store: Store) -> None:
    store.manifest("registry.ollama.ai/library/m/latest", model=b"safetensors")
    with pytest.raises(ModelFileInvalid, match="not a GGUF"):
        resolve("ollama/m")


def test_adapter_is_refused(store: Store, make_gguf: MakeGguf) -> None:
    store.manifest("registry.ollama.ai/library/m/latest", model=make_gguf(), adapter=make_gguf(kind="adapter"))
    with pytest.raises(ModelFileInvalid, match="adapter"):
        resolve("ollama/m")


def test_one_layer_of_weights_is_needed(store: Store, make_gguf: MakeGguf) -> None:
    store.manifest("registry.ollama.ai/library/none/latest", template=b"x")
    store.manifest("registry.ollama.ai/library/two/latest", model=make_gguf(), model_=make_gguf(rows=9))
    for name, count in (("none", 0), ("two", 2)):
        with pytest.raises(ModelFileInvalid, match=f"has {count} layers of weights"):
            resolve(f"ollama/{name}")


def test_projector_is_left_aside(store: Store, make_gguf: MakeGguf) -> None:
    store.manifest("registry.ollama.ai/library/m/latest", model=make_gguf(), projector=make_gguf(kind="mmproj"))
    assert resolve("ollama/m").path.read_bytes() == make_gguf()


def test_template_that_is_not_what_its_name_promises_is_refused(store: Store, make_gguf: MakeGguf) -> None:
    store.manifest("registry.ollama.ai/library/m/latest", model=make_gguf(), template=b"aaaa")
    path, _ = store.blob(b"aaaa")
    path.write_bytes(b"bbbb")
    with pytest.raises(ModelFileInvalid, match="promises"):
        resolve("ollama/m")


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"layers": 1}',
        b'{"layers": [1]}',
        b'{"layers": [{}]}',
        b'{"layers": [{"mediaType": 1, "digest": "", "size": 1}]}',
        b'{"layers": [{"mediaType": "m", "digest": "sha256:../../etc/passwd", "size": 1}]}',
        b'{"layers": [{"mediaType": "m", "digest": "sha256:' + b"a" * 64 + b'", "size": "1"}]}',
        b"[" * 100_000,
        b"\xff\xff",
    ],
    ids=range(12),
)
def test_hostile_manifest_is_refused(store: Store, manifest: bytes) -> None:
    path = store.manifest("registry.ollama.ai/library/m/latest")
    path.write_bytes(manifest)
    with pytest.raises(ModelFileInvalid, match="not a manifest") as caught:
        resolve("ollama/m")
    assert caught.value.path == path


def test_huge_manifest_is_not_read(store: Store) -> None:
    path = store.manifest("registry.ollama.ai/library/m/latest")
    with path.open("wb") as file:
        file.truncate(1 << 33)
    with pytest.raises(ModelFileInvalid, match="more than"):
        resolve("ollama/m")


# Shortened from the templates that Ollama's library ships.
TEMPLATES = {
    "chatml": CHATML,
    "llama-3": "<|start_header_id|>user<|end_header_id|>\n\n{{ .Prompt }}<|eot_id|>",
    "llama-2": "[INST] <<SYS>>{{ .System }}<</SYS>>\n\n{{ .Prompt }} [/INST]",
    "mistral-instruct": "[INST] {{ .System }} {{ .Prompt }} [/INST]",
    "gemma": "<start_of_turn>user\n{{ .Prompt }}<end_of_turn>\n<start_of_turn>model\n",
    "zephyr": "<|system|>\n{{ .System }}\n</s>\n<|user|>\n{{ .Prompt }}\n</s>\n<|assistant|>\n",
    "mistral-v7": "[SYSTEM_PROMPT] {{ .System }}[/SYSTEM_PROMPT][INST] {{ .Prompt }}[/INST]",
    "phi-3": "<|system|>\n{{ .System }}<|end|>\n<|user|>\n{{ .Prompt }}<|end|>\n<|assistant|>\n",
    "phi-4": "<|im_start|>user<|im_sep|>{{ .Prompt }}<|im_end|><|im_start|>assistant<|im_sep|>",
    "granite": "<|start_of_role|>user<|end_of_role|>{{ .Prompt }}<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>",
    "command-r": "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>{{ .Prompt }}<|END_OF_TURN_TOKEN|>"
    "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
    "deepseek-3": "{{ .System }}<｜User｜>{{ .Prompt }}<｜Assistant｜>",
    "": "{{ .Prompt }}",
    "phi": "<|user|>\n{{ .Prompt }}<|end|>\n<|assistant|>\n</s>",
    "two at once": CHATML + "<start_of_turn><end_of_turn>",
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_known_template_is_named_and_any_other_is_not(name: str) -> None:
    assert chat_format_of(TEMPLATES[name]) == (name if name in CHAT_FORMATS else None)


def test_every_known_format_has_a_template_of_ollama() -> None:
    assert set(CHAT_FORMATS) <= set(TEMPLATES)


def test_parameters_are_read_and_those_not_applied_are_named(store: Store, make_gguf: MakeGguf) -> None:
    written = {
        "num_ctx": 8192,
        "temperature": 0.5,
        "top_k": 3,
        "seed": 0,
        "stop": ["<|im_end|>"],
        "repeat_penalty": 1.1,
    }
    layer = json.dumps(written).encode()
    store.manifest("registry.ollama.ai/library/m/latest", model=make_gguf(), params=layer)
    assert resolve("ollama/m").parameters == Parameters(
        8192, {"temperature": 0.5, "top_k": 3}, ("repeat_penalty", "stop")
    )


@pytest.mark.parametrize(
    "layer",
    [
        '{"num_ctx": "8192"}',
        '{"num_ctx": 1.5}',
        '{"num_ctx": 1}',
        '{"temperature": -1}',
        '{"top_p": 2}',
        '{"seed": true}',
        '{"temperature": NaN}',
        "[]",
        "{",
        '"',
        "[" * 100_000,
    ],
    ids=range(11),
)
def test_parameters_that_make_no_sense_are_refused(store: Store, make_gguf: MakeGguf, layer: str) -> None:
    store.manifest("registry.ollama.ai/library/m/latest", model=make_gguf(), params=layer.encode())
    with pytest.raises(ModelFileInvalid, match="is no layer of parameters"):
        resolve("ollama/m")


@pytest.mark.real_model
def test_default_model_in_a_store_runs_with_its_parameters(store: Store, real_path: Path) -> None:
    layer = b'{"num_ctx": 2048, "top_k": 1, "temperature": 0.9, "stop": ["}"]}'
    store.manifest(
        "registry.ollama.ai/library/smollm2/135m", model=real_path.read_bytes(), template=CHATML.encode(), params=layer
    )
    said = subprocess.run(
        [sys.executable, "-m", "engine", "extract", "name, age int", "--model", "ollama/smollm2:135m", "--max-items=1"],
        input="My name is John and I am 20 years old",
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stdout) == (0, '{"name":"John","age":20}\n'), said.stderr
    extractor = Extractor({"type": "integer"}, model="ollama/smollm2:135m")
    assert extractor.sampling == Sampling(temperature=0.9, top_k=1)
    assert extractor.model.settings.n_ctx == 2048
    given = Extractor({"type": "integer"}, model="ollama/smollm2:135m", settings=ModelSettings(n_ctx=512))
    assert given.model.settings.n_ctx == 512
