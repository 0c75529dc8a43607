"""Import and export: a model file brought by hand is stored under a name, and a known one is written out.

`import_model` takes a GGUF (or a file that carries one). It belongs to the line of `models.txt` that has its sha256, else to
one without a sha256 that has its file name; otherwise it gets a line of its own in the user's `models.txt`, for which a name
is needed. `export_model` writes a copy, and beside it, as FILE.txt, such a line, which an import of the copy reads. Copies
are held to their sha256 while they are made and get their name when they are right, as downloads do. A model in several
files stays one in several files.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from engine.basics.plural import counted
from engine.errors import CopyFailed, ModelFileInvalid
from engine.models.catalogue import ModelLine, add_line, list_models, read_catalogue, replace_text
from engine.models.digest import read_record, remember_as, sha256_of, write_record
from engine.models.download import alone
from engine.models.model_source import Imported
from engine.models.parts import model_files, model_size, part_name, part_names, read_parts
from engine.models.progress import SILENT, Progress, stage
from engine.models.resolution import ModelFile, resolve
from engine.models.single_file import gguf_span, read_single_file

_BLOCK = 1 << 20
_DRAFT = ".copy"


def import_model(path: Path, *, name: str | None = None, progress: Progress = SILENT) -> ModelLine:
    """Give the model in `path` its place among the downloaded ones; the line that it is known by from now on.

    `ModelFileInvalid`: it is not a model, or not the one that `name` stands for. `CopyFailed`: it could not be copied, or
    nothing says its name.
    """
    path = Path(os.path.expanduser(path)).absolute()
    parts = read_parts(path)
    digest = sha256_of(path, progress=progress, fresh=True)
    line = _line_of(path, digest, name)
    if len(part_names(line.file)) != len(parts.files):
        raise CopyFailed(
            str(path),
            f"is a model in {counted(len(parts.files), 'file')}, and {line.name} is one in "
            f"{len(part_names(line.file))}; give it another name with --name NAME",
        )
    with _copying(path):
        line.path.parent.mkdir(parents=True, exist_ok=True)
        with alone(line.path, progress):
            for left in line.path.parent.glob(f".*{_DRAFT}"):  # of an import that was killed: we have the lock
                left.unlink()
            if not (line.path.exists() and sha256_of(line.path, progress=progress) == digest):
                _copy(parts.files, line.path, digest, progress)
                remember_as(line.path, digest)
            if line.sha256 is None and read_record(line.path) is None:
                write_record(line.path, digest, str(line.source))
        if isinstance(line.source, Imported):
            add_line(line)
    return line


def export_model(name: str | Path | None, target: Path, *, progress: Progress = SILENT) -> tuple[ModelFile, ModelLine]:
    """Write the model that `name` means to the file `target`, or into the folder `target`, and a line to carry beside it.

    `CopyFailed` where the file is there already, with other content, or cannot be written or named so.
    """
    model = resolve(name, progress=progress)
    target = Path(os.path.expanduser(target)).absolute()
    files = model_files(model.path)
    if target.is_dir():
        target = target / (model.path.name if model.path.name.endswith(".gguf") else f"{model_slug(model.name)}.gguf")
    if len(part_names(target.name)) != len(files):
        ending = f"-00001-of-{len(files):05}.gguf" if len(files) > 1 else ".gguf, and not like that of a part"
        raise CopyFailed(
            str(target), f"the model has {len(files)} parts; name a folder, or a file that ends in {ending}"
        )
    digest = model.sha256 or sha256_of(model.path, progress=progress)
    known = next((line for line in list_models() if line.name == model.name), None)
    size = model_size(model.path)
    licence = known.licence if known else None
    try:
        carried = ModelLine(model_slug(model.name), Imported(), target.name, size, digest, licence, model.chat_format)
    except ValueError as error:
        raise CopyFailed(str(target), f"neither a folder that is there nor a name for a model file: {error}") from error
    with _copying(target):
        if not target.exists():
            _copy(files, target, digest, progress)
        elif sha256_of(target, progress=progress) != digest:
            raise CopyFailed(str(target), "is there already and is another file; remove it, or name another one")
        replace_text(_line_path(target), f"{carried.written()}\n")
    return replace(model, path=target), carried


def _line_of(path: Path, digest: str, name: str | None) -> ModelLine:
    """The line that a file belongs to: a known one, or a new one under `name` or the name that was carried along."""
    lines = {line.name: line for line in list_models()}
    if name is not None and name in lines:
        return _agreeing(lines[name], path, digest)
    by_digest = next((line for line in lines.values() if line.sha256 == digest), None)
    if name is None and by_digest is not None:
        return by_digest
    carried = _carried_line(path, digest)
    by_file = next((line for line in lines.values() if line.sha256 is None and line.path.name == path.name), None)
    if name is None and by_file is not None:
        return _agreeing(by_file, path, digest)
    if name is None and carried is not None and carried.name in lines:
        return _agreeing(lines[carried.name], path, digest)
    chosen = name or (carried.name if carried else None)
    if chosen is None:
        raise CopyFailed(str(path), f"no known model has its sha256 {digest}; give it a name with --name NAME")
    licence, chat_format = (carried.licence, carried.chat_format) if carried else (None, None)
    try:
        file = part_name(chosen, 1, len(model_files(path)))
        return ModelLine(chosen, Imported(), file, model_size(path), digest, licence, chat_format)
    except ValueError as error:
        raise CopyFailed(str(path), str(error)) from error


def _agreeing(line: ModelLine, path: Path, digest: str) -> ModelLine:
    expected = line.sha256 or read_record(line.path)
    if expected not in (None, digest):
        raise ModelFileInvalid(path, f"its sha256 is {digest}, that of {line.name} is {expected}; give it another name")
    return line


def _carried_line(path: Path, digest: str) -> ModelLine | None:
    """What an export wrote beside the file, or what a file that carries the model says of it."""
    carrier = read_single_file(path)
    if carrier is not None and carrier.model is not None:
        model = carrier.model
        size = carrier.trailer.model.size
        return ModelLine(model_slug(model.name), Imported(), "model.gguf", size, digest, None, model.chat_format)
    beside = _line_path(path)
    if not beside.is_file():
        return None
    lines = read_catalogue(beside)
    if len(lines) != 1 or lines[0].sha256 != digest:
        raise ModelFileInvalid(path, f"its sha256 is {digest}, which is not what {beside.name} says; copy both again")
    return lines[0]


def _line_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.txt")


def model_slug(name: str) -> str:
    """A name that `models.txt` can hold."""
    plain = re.sub(r"[^a-z0-9._-]+", "-", name.removeprefix("ollama/").removesuffix(".gguf").lower())
    return plain.strip("-._") or "model"


@contextmanager
def _copying(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise CopyFailed(str(path), f"{error.strerror or error}{where}") from error


def _copy(sources: Sequence[Path], target: Path, expected: str, progress: Progress) -> None:
    """Copy the files of a model, of which `target` is the first; they get their names when all are right, the first last."""
    targets = [target.with_name(name) for name in part_names(target.name)]
    drafts = [one.with_name(f".{one.name}.{secrets.token_hex(8)}{_DRAFT}") for one in targets]
    digest = hashlib.sha256()
    try:
        with stage(progress, f"copying {sources[0].name}", sum(gguf_span(source).size for source in sources)):
            for source, draft in zip(sources, drafts, strict=True):
                _copy_file(source, draft, digest, progress)
        if digest.hexdigest() != expected:
            raise CopyFailed(str(sources[0]), "it changed while it was copied")
        for draft, one in reversed(list(zip(drafts, targets, strict=True))):
            os.replace(draft, one)
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)


def _copy_file(source: Path, draft: Path, digest: hashlib._Hash, progress: Progress) -> None:
    span = gguf_span(source)
    left = span.size
    with source.open("rb") as read, draft.open("xb") as written:
        read.seek(span.offset)
        while left and (block := read.read(min(_BLOCK, left))):
            digest.update(block)
            written.write(block)
            progress.advance(len(block))
            left -= len(block)
        written.flush()
        os.fsync(written.fileno())
