"""A model in the store that `ollama pull` leaves on the disk; no server is asked.

In: `[REGISTRY/][NAMESPACE/]NAME[:TAG]`, as Ollama spells it. Out: the blob with the weights, the digest that its name
promises, and the chat format where the template layer is one of the known ones. Ollama's templates are Go text, not
Jinja, so the format is recognised by its markers and named. Refused, each with what to take instead: models of Ollama's
cloud, weights that are not GGUF, weights in several layers, adapters, blobs that are absent or have another size than the
manifest says. Left aside are a projector (the part that sees pictures), and the system and example messages: an extraction
has its own. Whatever a store holds ends in a model or in a `ModelError`.

Layout: manifests/REGISTRY/NAMESPACE/NAME/TAG is JSON with layers; the blob of sha256:HEX is blobs/sha256-HEX. A cloud model
has no layers, and a config blob that names the `remote_host`.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from engine.errors import ModelFileInvalid, ModelNotFound
from engine.models.environment import ollama_stores
from engine.models.ollama_parameters import NO_PARAMETERS, RecommendedParameters, read_parameters

REGISTRY, NAMESPACE, TAG = "registry.ollama.ai", "library", "latest"
_PART = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?")
_DIGEST = re.compile(r"sha256[:-]([0-9a-fA-F]{64})")
_KIND = "application/vnd.ollama.image."
_LARGEST_TEXT = 4 << 20
# Of a large store, so many names are looked at and so many shown.
_NAMES_READ, _NAMES_SHOWN = 10_000, 8
# Name of the format, markers that its template holds, markers that it does not.
_FORMATS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("chatml", ("<|im_start|>", "<|im_end|>"), ("<|im_sep|>",)),
    ("phi-4", ("<|im_start|>", "<|im_sep|>", "<|im_end|>"), ()),
    ("phi-3", ("<|user|>", "<|assistant|>", "<|end|>"), ("</s>",)),
    ("mistral-v7", ("[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[INST]", "[/INST]"), ("<<SYS>>",)),
    ("granite", ("<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>"), ()),
    ("command-r", ("<|START_OF_TURN_TOKEN|>", "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>", "<|END_OF_TURN_TOKEN|>"), ()),
    ("deepseek-3", ("<｜User｜>", "<｜Assistant｜>"), ()),
    ("llama-3", ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"), ()),
    ("llama-2", ("[INST]", "[/INST]", "<<SYS>>"), ()),
    ("mistral-instruct", ("[INST]", "[/INST]"), ("<<SYS>>", "[SYSTEM_PROMPT]")),
    ("gemma", ("<start_of_turn>", "<end_of_turn>"), ()),
    ("zephyr", ("<|user|>", "<|assistant|>", "</s>"), ("<|end|>",)),
)


@dataclass(frozen=True, slots=True)
class OllamaModel:
    """`sha256` is what the blob's name promises; `chat_format` is None where the template is not a known one."""

    name: str
    blob: Path
    sha256: str
    chat_format: str | None
    parameters: RecommendedParameters = NO_PARAMETERS


@dataclass(frozen=True, slots=True)
class _Layer:
    """`sha256` as it is spelled, because the blob's name is spelled so too."""

    kind: str
    sha256: str
    size: int


def find_ollama(name: str) -> OllamaModel:
    """The model that Ollama knows as `name`; `ModelNotFound` or `ModelFileInvalid` say what is amiss."""
    path_parts = _registry_path(name)
    manifests = [store.joinpath("manifests", *path_parts) for store in ollama_stores()]
    for store, manifest in zip(ollama_stores(), manifests, strict=True):
        content = _read(manifest)
        if content is not None:
            return _model(name, store, manifest, _layers(manifest, content))
    raise ModelNotFound(f"ollama/{name}", tuple(map(str, manifests)), _remedy(name, path_parts))


def chat_format_of(template: str) -> str | None:
    """The one known format whose markers stand in `template`, None where none does or several do."""
    found = [
        name
        for name, present, absent in _FORMATS
        if all(marker in template for marker in present) and not any(marker in template for marker in absent)
    ]
    return found[0] if len(found) == 1 else None


def _registry_path(name: str) -> tuple[str, str, str, str]:
    path, _, last = name.rpartition("/")
    last, colon, tag = last.partition(":")
    parts = [*path.split("/"), last] if path else [last]
    known = [REGISTRY, NAMESPACE][: max(0, 3 - len(parts))]
    parts = known + parts
    tag = tag if colon else TAG
    if len(parts) != 3 or not _HOST.fullmatch(parts[0]) or not all(map(_PART.fullmatch, [*parts[1:], tag])):
        raise ModelNotFound(f"ollama/{name}", ("nowhere",), "Expected: ollama/[REGISTRY/][NAMESPACE/]NAME[:TAG]")
    return parts[0], parts[1], parts[2], tag


def _model(name: str, store: Path, manifest: Path, layers: tuple[_Layer, ...]) -> OllamaModel:
    weights = _weights(name, manifest, layers)
    blob = _blob(store, manifest, weights)
    templates = [layer for layer in layers if layer.kind == "template"]
    chat_format = _template_format(_blob(store, manifest, templates[-1]), templates[-1]) if templates else None
    settings = [layer for layer in layers if layer.kind == "params"]
    parameters = _parameters(_blob(store, manifest, settings[-1]), settings[-1]) if settings else NO_PARAMETERS
    return OllamaModel(f"ollama/{name}", blob, weights.sha256.lower(), chat_format, parameters)


def _weights(name: str, manifest: Path, layers: tuple[_Layer, ...]) -> _Layer:
    """The one layer that is a GGUF file of its own."""
    kinds = [layer.kind for layer in layers]
    if "adapter" in kinds:
        raise ModelFileInvalid(manifest, "the model is a base with an adapter; merge them into one GGUF file")
    weights = [layer for layer in layers if layer.kind == "model"]
    if not layers:
        raise ModelFileInvalid(manifest, f"it has no layers: {_remote(name)}")
    if not weights and "tensor" in kinds:
        raise ModelFileInvalid(
            manifest, "its weights are safetensors, one layer a tensor; take a model whose weights are a GGUF file"
        )
    if len(weights) > 1:
        raise ModelFileInvalid(
            manifest,
            f"the model has {len(weights)} layers of weights, and one GGUF file is needed; where they are the parts of a "
            "split file, merge them with `llama-gguf-split --merge FIRST-PART WHOLE.gguf` and name that file",
        )
    if not weights:
        raise ModelFileInvalid(manifest, "the model has 0 layers of weights, one GGUF file is needed")
    return weights[0]


def _remote(name: str) -> str:
    plain = name.partition(":")[0]
    return (
        "a model of Ollama's cloud runs on its servers and has no weights on this disk; pull a tag with weights, "
        f"as in `ollama pull {plain}:TAG`, where TAG does not end in cloud"
    )


def _layers(manifest: Path, content: bytes) -> tuple[_Layer, ...]:
    try:
        written = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _not_a_manifest(manifest, "not JSON that can be read") from error
    if not isinstance(written, dict):
        raise _not_a_manifest(manifest, f"a JSON {_json_kind(written)} instead of an object")
    if "layers" not in written:
        raise _not_a_manifest(manifest, "it has no member 'layers'")
    layers = written["layers"]
    if layers is None:  # so written for a cloud model
        return ()
    if not isinstance(layers, list):
        raise _not_a_manifest(manifest, f"its 'layers' are a {_json_kind(layers)} instead of an array")
    return tuple(_layer(manifest, path_parts, entry) for path_parts, entry in enumerate(layers))


def _layer(manifest: Path, path_parts: int, entry: Any) -> _Layer:
    if not isinstance(entry, dict):
        raise _not_a_manifest(manifest, f"layer {path_parts} is a {_json_kind(entry)} instead of an object")
    for member, kind in (("mediaType", str), ("digest", str), ("size", int)):
        if type(entry.get(member)) is not kind:
            expected = "whole number" if kind is int else "string"
            found = _json_kind(entry[member]) if member in entry else "absent"
            raise _not_a_manifest(
                manifest, f"the {member!r} of layer {path_parts} is {found}, a {expected} was expected"
            )
    digest = _DIGEST.fullmatch(entry["digest"])
    if not digest:
        raise _not_a_manifest(manifest, f"the digest of layer {path_parts} is {entry['digest'][:100]!r}, not a sha256")
    return _Layer(entry["mediaType"].removeprefix(_KIND), digest[1], entry["size"])


def _not_a_manifest(path: Path, reason: str) -> ModelFileInvalid:
    return ModelFileInvalid(path, f"is not a manifest of Ollama: {reason}; pull the model again")


def _json_kind(value: Any) -> str:
    kinds = {dict: "object", list: "array", str: "string", bool: "boolean", int: "number", float: "number"}
    return kinds.get(type(value), "null")


# -- names that are there


def _remedy(name: str, path_parts: tuple[str, str, str, str]) -> str:
    """What to do about a model that is not there: the tags that are, or the nearest names."""
    *family, _ = path_parts
    for store in ollama_stores():
        if tags := _folder_names(store.joinpath("manifests", *family), files=True):
            plain = name.rpartition(":")[0] if ":" in name.rpartition("/")[2] else name
            return f"Tags of it that are there: {_some([f'ollama/{plain}:{tag}' for tag in tags])}"
    there = sorted({known for store in ollama_stores() for known in _known(store)})
    fetch = f"Fetch it with `ollama pull {name}`, or set OLLAMA_MODELS"
    if not there:
        return fetch
    wanted = name if ":" in name.rpartition("/")[2] else f"{name}:{TAG}"
    close = difflib.get_close_matches(wanted, there, n=_NAMES_SHOWN, cutoff=0.4) or there
    return f"{fetch}. Models that are there: {_some([f'ollama/{known}' for known in close])}"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + more


def _known(store: Path) -> Iterator[str]:
    """The models of a store, as they are typed."""

    def walk(folder: Path, parts: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for part in _folder_names(folder, files=len(parts) == 3):
            if len(parts) == 3:
                yield (*parts, part)
            else:
                yield from walk(folder / part, (*parts, part))

    for registry, namespace, model, tag in islice(walk(store / "manifests", ()), _NAMES_READ):
        known = "" if registry == REGISTRY and namespace == NAMESPACE else f"{namespace}/"
        yield ("" if registry == REGISTRY else f"{registry}/") + f"{known}{model}:{tag}"


def _folder_names(folder: Path, *, files: bool) -> list[str]:
    """The files or folders in a folder that Ollama could have named so, in order; none where it cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            found = [entry.name for entry in islice(entries, _NAMES_READ) if _is_of_kind(entry, files)]
    except OSError:
        return []
    return sorted(name for name in found if _PART.fullmatch(name) or _HOST.fullmatch(name))


def _is_of_kind(entry: os.DirEntry[str], file: bool) -> bool:
    try:
        return entry.is_file() if file else entry.is_dir()
    except OSError:  # a link that leads round in a circle
        return False


# -- blobs


def _blob(store: Path, manifest: Path, layer: _Layer) -> Path:
    path = store / "blobs" / f"sha256-{layer.sha256}"
    try:
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise ModelFileInvalid(path, f"missing, though {manifest} names it; pull the model again") from error
    except OSError as error:
        raise ModelFileInvalid(path, f"cannot be read: {error.strerror}") from error
    if size != layer.size:
        raise ModelFileInvalid(path, f"has {size} bytes, {manifest} says {layer.size}; pull the model again")
    return path


def _template_format(path: Path, layer: _Layer) -> str | None:
    return chat_format_of(_checked(path, layer).decode("utf-8", errors="replace"))


def _parameters(path: Path, layer: _Layer) -> RecommendedParameters:
    try:
        return read_parameters(_checked(path, layer))
    except (ValueError, RecursionError) as error:
        raise ModelFileInvalid(path, f"is not a layer of parameters: {error}; pull the model again") from error


def _checked(path: Path, layer: _Layer) -> bytes:
    content = _read(path)
    if content is None or hashlib.sha256(content).hexdigest() != layer.sha256.lower():
        raise ModelFileInvalid(path, "is not what its name promises; pull the model again")
    return content


def _read(path: Path) -> bytes | None:
    """The content of a small file, None where there is none."""
    try:
        # Not blocking: a named pipe would wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ModelFileInvalid(path, "is not a regular file")
            with open(descriptor, "rb", closefd=False) as file:
                content = file.read(_LARGEST_TEXT + 1)
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ModelFileInvalid(path, f"cannot be read: {error.strerror}") from error
    if len(content) > _LARGEST_TEXT:
        raise ModelFileInvalid(path, f"has more than {_LARGEST_TEXT} bytes")
    return content
