"""Requantizing: a model with weights of another type, made on this machine by llama.cpp's own quantiser.

How fast a type runs depends on the processor more than on its size: Q4_1 has fast kernels nowhere, and as Q8_0, which holds its
values nearly exactly, the same model reads a prompt in half the time on many. The quantiser runs in a child process, so that it
can be interrupted; the new file gets its name when it is whole, and a line in the user's `models.txt` with its sha256 and that of
the model that it was made from.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from engine.basics.replacing import replacing
from engine.decoding.child import can_start_children, child_command, child_environment, ending
from engine.decoding.cpu_cores import usable_cores
from engine.decoding.settings import WEIGHT_TYPES
from engine.errors import CopyFailed, UsageError
from engine.models import ModelFile, ModelLine, list_models, sha256_of
from engine.models.catalogue import add_line
from engine.models.digest import remember_as
from engine.models.download import alone
from engine.models.header import read_header
from engine.models.import_export import model_slug
from engine.models.model_source import Requantized
from engine.models.parts import model_size
from engine.models.progress import SILENT, Progress, stage
from engine.models.single_file import gguf_span

_TYPE_IN_NAME = re.compile(r"[._-](?:i?q\d\w*|b?f16|f32)(?=[._-]|$)|-00001-of-\d{5}", re.IGNORECASE)
_DRAFT = ".requantized"


def requantize(model: ModelFile, to: str, *, name: str | None = None, progress: Progress = SILENT) -> ModelLine:
    """Make `model` with weights of type `to`; the line that it is known by, which may have been there before.

    `UsageError`: no such type or name. `CopyFailed`: it could not be made.
    """
    if to not in WEIGHT_TYPES:
        raise UsageError(f"weights of type {to!r} are not made here; there are {', '.join(WEIGHT_TYPES)}")
    if gguf_span(model.path).offset:
        raise CopyFailed(str(model.path), "carries a model; write it out first, with `engine models export`")
    digest = model.sha256 or sha256_of(model.path, progress=progress)
    known = {line.name: line for line in list_models()}
    line = _line(model, digest, to, name, known.get(model.name))
    there = known.get(line.name)
    if there is not None and there.source != line.source:
        raise CopyFailed(str(model.path), f"{line.name} is the name of another model; give it a name with --name NAME")
    try:
        line.path.parent.mkdir(parents=True, exist_ok=True)
        with alone(line.path, progress):
            for left in line.path.parent.glob(f".*{_DRAFT}"):  # of one that was killed: we have the lock
                left.unlink()
            if there is None or not line.path.exists():
                _make(model.path, line.path, to, progress)
            found = sha256_of(line.path, progress=progress)
            if there is not None and there.sha256 != found:
                line.path.unlink()
                raise CopyFailed(
                    str(line.path), f"came out differently than before; delete the line of {line.name} in models.txt"
                )
            line = replace(line, size=model_size(line.path), sha256=found)
            add_line(line)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise CopyFailed(str(line.path), f"{error.strerror or error}{where}") from error
    return line


def requantized_name(name: str, to: str) -> str:
    """What a model with weights of type `to` is called: `smollm2-135m-instruct-q8_0`."""
    return f"{_TYPE_IN_NAME.sub('', model_slug(name))}-{to.lower()}"


def _line(model: ModelFile, digest: str, to: str, name: str | None, origin: ModelLine | None) -> ModelLine:
    file = f"{_TYPE_IN_NAME.sub('', model.path.name.removesuffix('.gguf'))}.{to}.gguf"
    licence = origin.licence if origin else None
    try:
        return ModelLine(
            name or requantized_name(model.name, to),
            Requantized(digest, to),
            file,
            None,
            None,
            licence,
            model.chat_format,
        )
    except ValueError as error:
        raise UsageError(str(error)) from error


def _make(source: Path, target: Path, to: str, progress: Progress) -> None:
    with replacing(target, suffix=_DRAFT) as draft:
        quantize_in_child(source, draft, to, progress=progress)
        read_header(draft)
    remember_as(target, sha256_of(target, progress=progress, fresh=True))


def quantize_in_child(source: Path, target: Path, to: str, *, progress: Progress = SILENT) -> None:
    """Write `source` with weights of type `to` to `target`. Raises `CopyFailed`."""
    if not can_start_children():
        raise CopyFailed(str(source), "a single file cannot requantize; do it where the engine is installed")
    order = json.dumps({"source": str(source), "target": str(target), "to": to, "threads": usable_cores()})
    child = subprocess.Popen(
        child_command("engine.decoding.requantize:answer_quantizing"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=child_environment(),
    )
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stderr is not None
    size, shown = model_size(source), 0
    try:
        with stage(progress, f"making {to} weights of {source.name}", size), suppress(BrokenPipeError):
            child.stdin.write(order)
            child.stdin.close()
            for line in child.stdout:
                done, total = map(int, line.split())
                progress.advance(size * done // total - shown)
                shown = size * done // total
        said = child.stderr.read()
        child.wait()
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
        for stream in (child.stdout, child.stderr):
            stream.close()
    if child.returncode:
        raise CopyFailed(str(source), f"llama.cpp's quantiser {ending(child.returncode, said)}")


def answer_quantizing() -> None:
    """The program of the child: `DONE TOTAL` for each tensor."""
    order = json.load(sys.stdin)
    from engine.decoding.llama import quantize  # llama.cpp is loaded in the child alone

    failed = quantize(
        Path(order["source"]),
        Path(order["target"]),
        order["to"],
        threads=order["threads"],
        tell=lambda done, total: print(done, total, flush=True),
    )
    if failed:
        sys.exit(failed)
