"""From what the user typed to a model file that can be loaded.

In: a name of `models.txt`, `hf:OWNER/REPO[:QUANT or FILE]`, `ollama/NAME:TAG`, a path, or nothing (ENGINE_MODEL, else the
default). Out: a `ModelFile`.
A known name is fetched where it is missing and held to its size and sha256 at every use; every file must be a complete
GGUF. Names come before files: `./NAME` says that a file is meant.
"""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass, replace
from pathlib import Path

from engine.errors import ModelFileInvalid, ModelNotFound
from engine.models.catalogue import ModelLine, catalogue_files, list_models
from engine.models.digest import read_record, record_path, sha256_of, write_record
from engine.models.download import fetch
from engine.models.environment import default_model
from engine.models.header import Header
from engine.models.hub_name import HUB, find_hub_model
from engine.models.ollama import find_ollama
from engine.models.ollama_parameters import NO_PARAMETERS, RecommendedParameters
from engine.models.parts import read_parts
from engine.models.progress import SILENT, Progress
from engine.models.single_file import PackedModel, read_single_file

OLLAMA = "ollama/"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A complete GGUF file, or the first of several; `model_files` names all.

    `chat_template` is the Jinja text that the file carries; `chat_format` is the name that `models.txt` or Ollama gives
    for a file that carries none. `sha256` is None for a plain path, for which no checksum is known; `sha256_of`
    computes it. `ollama_parameters` are what Ollama keeps beside the model.
    """

    path: Path
    name: str
    chat_format: str | None
    chat_template: str | None
    sha256: str | None
    parameters: RecommendedParameters = NO_PARAMETERS


def resolve(name: str | Path | None = None, *, progress: Progress | None = None) -> ModelFile:
    """The model file that `name` means, fetched if it is missing.

    `ModelNotFound`: nothing has that name. `ModelFileInvalid`: a file is damaged or is not what it should be.
    `DownloadFailed`: it could not be fetched.
    """
    return _resolve(name, progress or SILENT, fresh=False)


def verify_model(name: str | Path | None = None, *, progress: Progress | None = None) -> ModelFile:
    """Like `resolve`, but nothing is fetched and the file is read whole, whatever is remembered of it."""
    return _resolve(name, progress or SILENT, fresh=True)


def _resolve(name: str | Path | None, progress: Progress, *, fresh: bool) -> ModelFile:
    wanted = default_model() if name is None else name
    if isinstance(wanted, Path):
        return _plain(wanted, progress, fresh=fresh)
    lines = {line.name: line for line in list_models()}
    if wanted in lines:
        return _listed(lines[wanted], progress, fresh=fresh)
    if wanted.startswith(HUB):
        return replace(_listed(find_hub_model(wanted), progress, fresh=fresh), name=wanted)
    if wanted.startswith(OLLAMA):
        return _pulled(wanted.removeprefix(OLLAMA), progress, fresh=fresh)
    if wanted.endswith(".gguf") or os.path.isfile(os.path.expanduser(wanted)):
        return _plain(Path(wanted), progress, fresh=fresh)
    close = difflib.get_close_matches(wanted, lines, n=1, cutoff=0.5)
    raise ModelNotFound(
        wanted,
        (*catalogue_files(), str(Path(wanted).absolute())),
        f"Did you mean {close[0]}?" if close else f"Known names: {', '.join(lines)}",
    )


def _plain(path: Path, progress: Progress, *, fresh: bool) -> ModelFile:
    path = Path(os.path.expanduser(path)).absolute()
    header = read_parts(path).header
    carrier = read_single_file(path)
    if carrier is not None and carrier.model is not None:
        return _carried(path, carrier.model, header, progress, fresh=fresh)
    digest = sha256_of(path, progress=progress, fresh=True) if fresh else None
    return ModelFile(path, path.name, None, header.chat_template, digest)


def _carried(path: Path, model: PackedModel, header: Header, progress: Progress, *, fresh: bool) -> ModelFile:
    """The model inside a file that `engine build` made, which is copied from machine to machine."""
    digest = sha256_of(path, progress=progress, fresh=fresh)
    if digest != model.sha256:
        raise ModelFileInvalid(path, f"the sha256 of its model is {digest}, not {model.sha256}; copy the file again")
    return ModelFile(path, model.name, model.chat_format, header.chat_template, digest, model.parameters)


def _pulled(name: str, progress: Progress, *, fresh: bool) -> ModelFile:
    model = find_ollama(name)
    header = read_parts(model.blob).header
    digest = sha256_of(model.blob, progress=progress, fresh=fresh)
    if digest != model.sha256:
        raise ModelFileInvalid(
            model.blob, f"its sha256 is {digest}, its name says {model.sha256}; pull the model again"
        )
    chat = model.chat_format, header.chat_template
    return ModelFile(model.blob, model.name, *chat, model.sha256, model.parameters)


def _listed(line: ModelLine, progress: Progress, *, fresh: bool) -> ModelFile:
    path = line.path
    if not path.exists():
        if fresh:
            raise ModelNotFound(line.name, (str(path),), f"Fetch it with `engine models pull {line.name}`")
        fetch(line, progress=progress)
    parts = read_parts(path)
    if line.size is not None and parts.size != line.size:
        raise ModelFileInvalid(
            path, f"has {parts.size} bytes, models.txt says {line.size}; delete it and fetch it again"
        )
    digest = sha256_of(path, progress=progress, fresh=fresh)
    _hold(line, path, digest)
    return ModelFile(path, line.name, line.chat_format, parts.header.chat_template, digest)


def _hold(line: ModelLine, path: Path, digest: str) -> None:
    """The digest is the one that is known; where none is, it is from now on."""
    expected = line.sha256 or read_record(path)
    if expected is None:
        try:
            write_record(path, digest, str(line.source))
        except OSError as error:
            raise ModelFileInvalid(
                record_path(path), f"cannot be written ({error.strerror}); put the checksum {digest} into models.txt"
            ) from error
    elif expected != digest:
        says = "models.txt" if line.sha256 else str(record_path(path))
        raise ModelFileInvalid(path, f"its sha256 is {digest}, {says} says {expected}; delete it and fetch it again")
