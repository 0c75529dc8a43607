"""Names of the hub: `hf:OWNER/REPO`, `hf:OWNER/REPO:QUANT` and `hf:OWNER/REPO:FILE.gguf` as lines of a catalogue.

A file that is on this disk already is found without asking the hub. QUANT is a part of the file's name, such as Q4_K_M; without
one it is Q4_K_M, or whatever the repository has alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.errors import ModelNotFound, UsageError
from engine.models.catalogue import ModelLine
from engine.models.environment import hub_endpoint, models_folder, offline
from engine.models.hub import list_hub_files
from engine.models.model_source import Repository, parse_source
from engine.models.parts import part_names

HUB = "hf:"
USUAL_QUANT = "Q4_K_M"


def find_hub_model(name: str) -> ModelLine:
    """The line of a name that begins with `hf:`; `ModelNotFound` lists what the repository has."""
    repository, _, wanted = name.removeprefix(HUB).partition(":")
    try:
        source = parse_source(HUB + repository)
        assert isinstance(source, Repository)
        if wanted.endswith(".gguf"):
            return _line(source, wanted)
    except ValueError as error:
        raise UsageError(f"{name}: {error}; after a second colon stands a QUANT or a FILE.gguf") from error
    folder = models_folder() / _folder(source)
    here = _fitting((file.name for file in folder.glob("*.gguf")), wanted) if wanted or offline() else ()
    if len(here) == 1:
        return _line(source, here[0])
    there = _models(list_hub_files(source.name))
    found = _fitting(there, wanted or USUAL_QUANT) or (there if len(there) == 1 and not wanted else ())
    if len(found) == 1:
        return _line(source, found[0])
    what = "several files of that name" if found else "no such file" if wanted else f"no {USUAL_QUANT}"
    have = ", ".join(there) or "no GGUF file at all"
    raise ModelNotFound(
        name, (f"{hub_endpoint()}/{source.name}",), f"It has {what}; name one after a colon. There are: {have}"
    )


def _folder(source: Repository) -> str:
    return "hf." + source.name.lower().replace("/", "--")


def _line(source: Repository, file: str) -> ModelLine:
    return ModelLine(_folder(source), source, file, None, None, None, None)


def _models(names: Iterable[str]) -> tuple[str, ...]:
    """One name a model: no projectors, and of several parts the first."""
    return tuple(name for name in names if name == part_names(name)[0] and "mmproj" not in name.lower())


def _fitting(names: Iterable[str], quant: str) -> tuple[str, ...]:
    whole = re.compile(rf"(?<![a-z0-9_]){re.escape(quant.lower())}(?![a-z0-9_])") if quant else re.compile("")
    return tuple(name for name in _models(names) if whole.search(name.lower()))
