"""The models that are known by name: the lines of `models.txt`.

In: the file that ships with the engine and the user's own, which adds to it; a name in both is the user's. Out: one
`ModelLine` a model. A line that is not understood is an error with its file and number, never skipped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from engine.basics.replacing import replacing
from engine.errors import ModelFileInvalid
from engine.models.environment import models_folder, user_models_file
from engine.models.model_source import SHA256, ModelSource, parse_source, print_source

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

COLUMNS = ("name", "source", "file", "size", "sha256", "licence", "chat format")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?")
_COMMENT = re.compile(r"(?:^|\s)#.*")


@dataclass(frozen=True, slots=True)
class ModelLine:
    """One model; None where `models.txt` says `-`. The constructor raises `ValueError` on what is not valid."""

    name: str
    source: ModelSource
    file: str
    size: int | None
    sha256: str | None
    licence: str | None
    chat_format: str | None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name.endswith(".gguf"):
            raise ValueError(f"{self.name!r} is not a name: lower-case letters, digits and . _ - within, not *.gguf")
        parts = self.file.split("/")
        if any(part in ("", ".", "..") for part in parts) or not self.file.isprintable() or set("\\:") & set(self.file):
            raise ValueError(f"{self.file!r} is not a relative path without . and ..")
        if not parts[-1].endswith(".gguf"):
            raise ValueError(f"{self.file!r} is not a .gguf file")
        if self.size is not None and self.size <= 0:
            raise ValueError("the size must be positive")
        if self.sha256 is not None and not SHA256.fullmatch(self.sha256):
            raise ValueError(f"{self.sha256!r} is not a sha256: 64 hexadecimal digits in lower case")

    def written(self) -> str:
        """The line as it stands in `models.txt`."""
        size = None if self.size is None else str(self.size)
        columns = (self.name, print_source(self.source), self.file, size, self.sha256, self.licence, self.chat_format)
        return " ".join(column or "-" for column in columns)

    @property
    def path(self) -> Path:
        """Where the file is, once it is downloaded."""
        return models_folder() / self.name / self.file.rpartition("/")[2]


def list_models() -> tuple[ModelLine, ...]:
    """Every known model, the shipped ones first; `ModelFileInvalid` names a line that is not understood."""
    lines = {line.name: line for path in _files() for line in read_catalogue(path)}
    return tuple(lines.values())


def read_catalogue(path: Path | Traversable) -> tuple[ModelLine, ...]:
    """The lines of one `models.txt`."""
    where = Path(str(path))
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ModelFileInvalid(where, f"not UTF-8 at byte {error.start}") from error
    except OSError as error:
        raise ModelFileInvalid(where, f"cannot be read: {error.strerror}") from error
    lines: dict[str, ModelLine] = {}
    for number, written in enumerate(text.splitlines(), start=1):
        columns = _COMMENT.sub("", written).split()
        if not columns:
            continue
        try:
            line = _line(columns)
            if line.name in lines:
                raise ValueError(f"{line.name!r} stands here twice")
        except ValueError as error:
            raise ModelFileInvalid(where, f"line {number}: {error}") from error
        lines[line.name] = line
    return tuple(lines.values())


def add_line(line: ModelLine) -> None:
    """Into the user's `models.txt`, where it is not there yet; whoever else adds one now waits."""
    path = user_models_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        if path.exists() and any(known.name == line.name for known in read_catalogue(path)):
            return
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        end = "" if before.endswith("\n") or not before else "\n"
        replace_text(path, f"{before}{end}{line.written()}\n")


def replace_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")


def catalogue_files() -> tuple[str, ...]:
    """The files that the lines come from, as text for messages."""
    return tuple(str(path) for path in _files())


def _line(columns: list[str]) -> ModelLine:
    if len(columns) != len(COLUMNS):
        raise ValueError(f"{len(COLUMNS)} columns expected ({', '.join(COLUMNS)}), found {len(columns)}")
    name, source, file, *rest = columns
    size, sha256, licence, chat_format = (None if column == "-" else column for column in rest)
    if size is not None and not (size.isascii() and size.isdigit()):
        raise ValueError(f"the size is a number of bytes or -, found {size!r}")
    return ModelLine(name, parse_source(source), file, int(size) if size else None, sha256, licence, chat_format)


def _files() -> tuple[Path | Traversable, ...]:
    user = user_models_file()
    return (shipped_models_file(), user) if user.is_file() else (shipped_models_file(),)


def shipped_models_file() -> Path | Traversable:
    """The lines that come with the engine: inside the installed package; in a checkout, beside it."""
    packed = resources.files("engine").joinpath("models.txt")
    return packed if packed.is_file() else Path(__file__).absolute().parents[2] / "models.txt"
