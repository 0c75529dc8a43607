"""A model in the store that `ollama pull` leaves on the disk; no server is asked.

In: `[REGISTRY/][NAMESPACE/]NAME[:TAG]`, as Ollama spells it. Out: the blob with the weights, the digest that its name
promises, and the chat format where the template layer is one of the known ones. Ollama's templates are Go text, not
Jinja, so the format is recognised by its markers and named. Refused: adapters, weights in several layers, blobs that
are absent or have another size than the manifest says, parameters that make no sense. Left aside are a projector (the part
that sees pictures), and the system and example messages: an extraction has its own.

Layout: manifests/REGISTRY/NAMESPACE/NAME/TAG is JSON with layers; the blob of sha256:HEX is blobs/sha256-HEX.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from engine.errors import ModelFileInvalid, ModelNotFound
from engine.models.environment import ollama_stores
from engine.models.parameters import NO_PARAMETERS, Parameters, read_parameters

REGISTRY, NAMESPACE, TAG = "registry.ollama.ai", "library", "latest"
_PART = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?")
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_KIND = "application/vnd.ollama.image."
_LARGEST_TEXT = 4 << 20
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
    parameters: Parameters = NO_PARAMETERS


@dataclass(frozen=True, slots=True)
class _Layer:
    kind: str
    sha256: str
    size: int


def find_ollama(name: str) -> OllamaModel:
    """The model that Ollama knows as `name`; `ModelNotFound` or `ModelFileInvalid` say what is amiss."""
    place = _place(name)
    manifests = [store.joinpath("manifests", *place) for store in ollama_stores()]
    for store, manifest in zip(ollama_stores(), manifests, strict=True):
        content = _read(manifest)
        if content is not None:
            return _model(name, store, manifest, _layers(manifest, content))
    raise ModelNotFound(
        f"ollama/{name}", tuple(map(str, manifests)), f"Fetch it with `ollama pull {name}`, or set OLLAMA_MODELS"
    )


def chat_format_of(template: str) -> str | None:
    """The one known format whose markers stand in `template`, None where none does or several do."""
    found = [
        name
        for name, present, absent in _FORMATS
        if all(marker in template for marker in present) and not any(marker in template for marker in absent)
    ]
    return found[0] if len(found) == 1 else None


def _place(name: str) -> tuple[str, str, str, str]:
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
    if any(layer.kind == "adapter" for layer in layers):
        raise ModelFileInvalid(manifest, "the model is a base with an adapter; merge them into one GGUF file")
    weights = [layer for layer in layers if layer.kind == "model"]
    if len(weights) != 1:
        raise ModelFileInvalid(manifest, f"the model has {len(weights)} layers of weights, one GGUF file is needed")
    blob = _blob(store, manifest, weights[0])
    templates = [layer for layer in layers if layer.kind == "template"]
    chat_format = _template_format(_blob(store, manifest, templates[-1]), templates[-1]) if templates else None
    settings = [layer for layer in layers if layer.kind == "params"]
    parameters = _parameters(_blob(store, manifest, settings[-1]), settings[-1]) if settings else NO_PARAMETERS
    return OllamaModel(f"ollama/{name}", blob, weights[0].sha256, chat_format, parameters)


def _layers(manifest: Path, content: bytes) -> tuple[_Layer, ...]:
    try:
        return tuple(_layer(entry) for entry in json.loads(content)["layers"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelFileInvalid(manifest, f"is not a manifest of Ollama: {error!r}") from error


def _layer(entry: dict[str, object]) -> _Layer:
    kind, digest, size = entry["mediaType"], entry["digest"], entry["size"]
    if not isinstance(kind, str) or not isinstance(digest, str) or type(size) is not int:
        raise TypeError("a layer has a mediaType, a digest and a size")
    found = _DIGEST.fullmatch(digest)
    if not found:
        raise ValueError(f"{digest[:100]!r} is not a sha256 digest")
    return _Layer(kind.removeprefix(_KIND), found[1], size)


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


def _parameters(path: Path, layer: _Layer) -> Parameters:
    try:
        return read_parameters(_checked(path, layer))
    except (ValueError, RecursionError) as error:
        raise ModelFileInvalid(path, f"is no layer of parameters: {error}") from error


def _checked(path: Path, layer: _Layer) -> bytes:
    content = _read(path)
    if content is None or hashlib.sha256(content).hexdigest() != layer.sha256:
        raise ModelFileInvalid(path, "is not what its name promises; pull the model again")
    return content


def _read(path: Path) -> bytes | None:
    """The content of a small file, None where there is none."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_TEXT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ModelFileInvalid(path, f"cannot be read: {error.strerror}") from error
    if len(content) > _LARGEST_TEXT:
        raise ModelFileInvalid(path, f"has more than {_LARGEST_TEXT} bytes")
    return content
