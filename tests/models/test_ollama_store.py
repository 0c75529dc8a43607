"""Models that `ollama pull` left on the disk. The stores here have the layout that Ollama writes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.decoding.chat_formats import CHAT_FORMATS
from engine.decoding.sampler import Sampling
from engine.decoding.settings import ModelSettings
from engine.errors import ModelError, ModelFileInvalid, ModelNotFound
from engine.extraction.extractor import Extractor
from engine.models import resolve, verify_model
from engine.models.ollama import chat_format_of
from engine.models.ollama_parameters import NO_PARAMETERS, RecommendedParameters, parameters_of, read_parameters

MakeGguf = Callable[..., bytes]
CHECKOUT = Path(__file__).parents[2]
CHATML = (
    "{{ if .System }}<|im_start|>system\n{{ .System }}<|im_end|>\n{{ end }}<|im_start|>user\n{{ .Prompt }}<|im_end|>"
)

KNOWN_WORDS = [f"application/vnd.ollama.image.{kind}" for kind in ("model", "adapter", "tensor", "params", "template")]


def json_values() -> st.SearchStrategy[Any]:
    """Any JSON value, and what Python's reader takes beyond."""
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
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
    assert verify_model(f"ollama/{name}") == found


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
    for look in (resolve, verify_model):
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


HOSTILE = {
    "nothing": (b"", "not JSON that can be read"),
    "no layers": (b"{}", "it has no member 'layers'"),
    "array": (b"[]", "a JSON array instead of an object"),
    "null": (b"null", "a JSON null instead of an object"),
    "one number": (b'{"layers": 1}', "its 'layers' are a number instead of an array"),
    "number as a layer": (b'{"layers": [1]}', "layer 0 is a number instead of an object"),
    "empty layer": (b'{"layers": [{}]}', "the 'mediaType' of layer 0 is absent, a string was expected"),
    "null as a digest": (
        b'{"layers": [{"mediaType": "m", "digest": null, "size": 1}]}',
        "the 'digest' of layer 0 is null",
    ),
    "path as a digest": (
        b'{"layers": [{"mediaType": "m", "digest": "sha256:../../etc/passwd", "size": 1}]}',
        "the digest of layer 0 is 'sha256:../../etc/passwd', not a sha256",
    ),
    "text as a size": (
        b'{"layers": [{"mediaType": "m", "digest": "sha256:' + b"a" * 64 + b'", "size": "1"}]}',
        "the 'size' of layer 0 is string, a whole number was expected",
    ),
    "truth as a size": (
        b'{"layers": [{"mediaType": "m", "digest": "sha256:' + b"a" * 64 + b'", "size": true}]}',
        "the 'size' of layer 0 is boolean",
    ),
    "deep": (b"[" * 100_000, "not JSON that can be read"),
    "no text": (b"\xff\xff", "not JSON that can be read"),
    "huge number": (b'{"layers": ' + b"9" * 5000 + b"}", "not JSON that can be read"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_manifest_is_refused_in_words(store: Store, kind: str) -> None:
    manifest, words = HOSTILE[kind]
    path = store.manifest("registry.ollama.ai/library/m/latest")
    path.write_bytes(manifest)
    with pytest.raises(ModelFileInvalid, match=re.escape(f"is not a manifest of Ollama: {words}"[:60])) as caught:
        resolve("ollama/m")
    assert caught.value.path == path
    assert words in caught.value.reason
    assert "Error" not in caught.value.reason


@pytest.mark.parametrize("layers", [None, []])
def test_cloud_model_is_named_as_one(store: Store, layers: object) -> None:
    path = store.manifest("registry.ollama.ai/library/m/120b-cloud")
    path.write_text(json.dumps({"schemaVersion": 2, "config": {}, "layers": layers}), encoding="utf-8")
    with pytest.raises(ModelFileInvalid, match=r"cloud runs on its servers .* `ollama pull m:TAG`"):
        resolve("ollama/m:120b-cloud")


def test_weights_that_are_no_gguf_layer_are_named(store: Store) -> None:
    store.manifest("registry.ollama.ai/library/m/latest", tensor=b"x", tensor_=b"y")
    with pytest.raises(ModelFileInvalid, match=r"safetensors, one layer a tensor"):
        resolve("ollama/m")


def test_absent_tag_names_those_that_are_there(store: Store, make_gguf: MakeGguf) -> None:
    for place in ("library/m/latest", "library/m/7b", "me/mine/q4", "library/other/1b"):
        store.manifest(f"registry.ollama.ai/{place}", model=make_gguf())
    store.manifest("hf.co/Owner/Repo-GGUF/Q5", model=make_gguf())
    with pytest.raises(ModelNotFound, match=r"Tags of it that are there: ollama/m:7b, ollama/m:latest$"):
        resolve("ollama/m:8b")
    with pytest.raises(ModelNotFound, match=r"Tags of it that are there: ollama/me/mine:q4$"):
        resolve("ollama/me/mine")
    with pytest.raises(ModelNotFound, match=r"Models that are there: .*ollama/hf.co/Owner/Repo-GGUF:Q5"):
        resolve("ollama/hf.co/Owner/Repo:Q5")
    with pytest.raises(ModelNotFound, match=r"Fetch it with `ollama pull othr`.*ollama/other:1b"):
        resolve("ollama/othr")


def test_store_with_odd_folders_is_walked(store: Store, make_gguf: MakeGguf) -> None:
    store.manifest("registry.ollama.ai/library/m/7b", model=make_gguf())
    manifests = store.folder / "manifests"
    (manifests / ".DS_Store").write_bytes(b"x")
    (manifests / "registry.ollama.ai" / "library" / "file").write_bytes(b"x")
    (manifests / "registry.ollama.ai" / "library" / "m" / "loop").symlink_to("loop")
    os.mkfifo(manifests / "registry.ollama.ai" / "library" / "m" / "pipe")
    (manifests / "loop").symlink_to(manifests)
    with pytest.raises(ModelNotFound, match=r"Models that are there: .*ollama/m:7b$"):
        resolve("ollama/n")
    with pytest.raises(ModelNotFound, match=r"Tags of it that are there: ollama/m:7b$"):
        resolve("ollama/m:8b")
    for tag, words in (("pipe", "not a regular file"), ("loop", "cannot be read: Too many levels")):
        with pytest.raises(ModelFileInvalid, match=words):
            resolve(f"ollama/m:{tag}")
    (manifests / "registry.ollama.ai" / "library" / "m" / "folder").mkdir()
    with pytest.raises(ModelFileInvalid, match="not a regular file"):
        resolve("ollama/m:folder")


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


def parameters(store: Store, make_gguf: MakeGguf, layer: bytes) -> RecommendedParameters:
    store.manifest("registry.ollama.ai/library/m/latest", model=make_gguf(), params=layer)
    return resolve("ollama/m").parameters


def test_parameters_are_read_and_those_not_applied_are_named(store: Store, make_gguf: MakeGguf) -> None:
    written = {
        "num_ctx": 8192,
        "temperature": 0.5,
        "top_k": 3,
        "seed": 0,
        "stop": ["<|im_end|>"],
        "repeat_penalty": 1.1,
    }
    found = parameters(store, make_gguf, json.dumps(written).encode())
    assert found == RecommendedParameters(8192, {"temperature": 0.5, "top_k": 3, "seed": 0}, ("repeat_penalty", "stop"))
    assert parameters_of(json.loads(json.dumps(found.as_json()))) == found


# What stands in the layer, what is applied of it, and the beginning of the note about it.
ODD_PARAMETERS: list[tuple[str, int | None, dict[str, float], str]] = [
    ('"seed": -1', None, {}, ""),
    ('"seed": -7', None, {"seed": -7}, ""),
    ('"seed": 1e3', None, {"seed": 1000}, ""),
    ('"seed": true', None, {}, "seed is true: not a finite number; not applied"),
    ('"num_ctx": 8192.0', 8192, {}, ""),
    ('"num_ctx": 2048.7', 2048, {}, "num_ctx is 2048.7: taken as 2048"),
    ('"num_ctx": "8192"', None, {}, 'num_ctx is "8192": not a finite number; not applied'),
    ('"num_ctx": 1', None, {}, "num_ctx is 1: a context has 16 to"),
    ('"num_ctx": 1e30', None, {}, "num_ctx is 1e+30: a context has 16 to"),
    ('"top_k": -1', None, {"top_k": 0}, ""),
    ('"top_k": 0', None, {"top_k": 0}, ""),
    ('"top_p": 0', None, {"top_k": 1}, ""),
    ('"top_p": 2', None, {"top_p": 1}, "top_p is 2: taken as 1"),
    ('"min_p": -0.5', None, {"min_p": 0}, "min_p is -0.5: taken as 0"),
    ('"temperature": -1', None, {"temperature": 0}, "temperature is -1: taken as 0"),
    ('"temperature": NaN', None, {}, "temperature is NaN: not a finite number; not applied"),
    ('"temperature": 1e999', None, {}, "temperature is Infinity: not a finite number; not applied"),
    ('"temperature": ' + "9" * 400, None, {}, "temperature is 999"),
    ('"temperature": null', None, {}, ""),
    ('"temperature": [[[1]]]', None, {}, "temperature is [[[1]]]: not a finite number; not applied"),
]


@pytest.mark.parametrize(("written", "n_ctx", "sampling", "note"), ODD_PARAMETERS, ids=range(len(ODD_PARAMETERS)))
def test_parameter_is_read_as_ollama_does_and_an_odd_one_is_noted(
    store: Store, make_gguf: MakeGguf, written: str, n_ctx: int | None, sampling: dict[str, float], note: str
) -> None:
    found = parameters(store, make_gguf, f"{{{written}}}".encode())
    assert (found.n_ctx, dict(found.sampling)) == (n_ctx, sampling)
    assert len(found.notes) == (1 if note else 0)
    assert "".join(found.notes).startswith(note)
    Sampling(**found.sampling)  # type: ignore[arg-type]


@given(
    st.dictionaries(st.sampled_from(["num_ctx", "temperature", "top_p", "top_k", "min_p", "seed", "x"]), json_values())
)
def test_any_parameters_give_settings_that_can_be_used(written: dict[str, object]) -> None:
    found = read_parameters(json.dumps(written).encode())
    Sampling(**found.sampling)  # type: ignore[arg-type]
    ModelSettings(n_ctx=found.n_ctx or 512)


def test_null_is_no_parameters(store: Store, make_gguf: MakeGguf) -> None:
    assert parameters(store, make_gguf, b"null") == NO_PARAMETERS


@pytest.mark.parametrize("layer", ["[]", "{", '"', "[" * 100_000], ids=range(4))
def test_layer_that_is_not_an_object_is_refused(store: Store, make_gguf: MakeGguf, layer: str) -> None:
    with pytest.raises(ModelFileInvalid, match="is not a layer of parameters"):
        parameters(store, make_gguf, layer.encode())


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
def test_whatever_a_store_holds_ends_in_a_model_or_a_typed_error(
    store: Store, make_gguf: MakeGguf, data: st.DataObject
) -> None:
    path = store.manifest("registry.ollama.ai/library/m/latest", model=make_gguf(), template=b"t", params=b"{}")
    manifest = json.loads(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place: Any = manifest
        while isinstance(place, dict | list) and place:
            key = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else range(len(place))))
            if data.draw(st.booleans()) or not isinstance(place[key], dict | list):
                place[key] = data.draw(json_values() | st.sampled_from(KNOWN_WORDS))
                break
            place = place[key]
    content = json.dumps(manifest).encode()
    at = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:at] if data.draw(st.integers(0, 5)) == 0 else content)
    with contextlib.suppress(ModelError):
        assert resolve("ollama/m").path.is_file()


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
