"""File listing: which files a folder or a glob has, in the order of their names, and whether a file would be one of them.

A folder that cannot be listed is refused: its files would be missing without notice.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from engine.errors import InputInvalid, UsageError
from engine.jobs.disk_set import DiskSet


def matching(name: str, pattern: str, folder: str | None = None) -> Iterator[str]:
    """The files of the folder `name` that match `pattern`, as named within it; else those of the glob `name`, which begins in
    `folder`. Other folders are among them too."""
    if not Path(name).is_dir():
        yield from glob.iglob(name, root_dir=folder, recursive=True)
        return
    root = Path(name)
    _refuse_closed(root, pattern)
    try:
        for path in root.glob(pattern):
            yield os.path.relpath(path, root)
    except (ValueError, NotImplementedError) as error:  # in the words of pathlib
        raise UsageError(f"--glob {pattern!r} means nothing: {error}") from error


def _refuse_closed(root: Path, pattern: str) -> None:
    """`InputInvalid` where a folder that the pattern may look into cannot be listed, which glob passes over in silence."""

    def refuse(error: OSError) -> None:
        raise InputInvalid(str(error.filename), f"cannot be listed: {error.strerror}; its documents would be missing")

    depth = None if "**" in pattern else len(Path(pattern).parts) - 1
    for folder, folders, _ in os.walk(root, onerror=refuse):
        if depth is not None and len(Path(folder).relative_to(root).parts) >= depth:
            folders.clear()


def in_order(names: Iterable[str], source: str) -> Iterator[str]:
    """The names in order, sorted on the disk: there may be more than the memory holds."""
    with DiskSet() as found:
        for name in names:
            try:
                name.encode()
            except UnicodeEncodeError as error:
                reason = f"the file name {os.fsencode(name)!r} is not UTF-8, so it cannot be an id"
                raise InputInvalid(source, reason) from error
            found.add(name)
        yield from found


def would_match(name: str, pattern: str, path: Path, folder: str | None = None) -> bool:
    """Whether a file at `path`, which need not be there yet, is or would be among `matching`.

    Asked of the same two libraries, in an empty folder that gets a file of this name.
    """
    target = os.path.realpath(path)
    inside = Path(name).is_dir()
    root = os.path.realpath(name) if inside else Path(target).anchor
    within = os.path.relpath(target, root)
    if within.startswith(os.pardir):
        return False
    with TemporaryDirectory() as probe:
        twin = Path(probe, within)
        twin.parent.mkdir(parents=True, exist_ok=True)
        twin.touch()
        if inside:
            return within in matching(probe, pattern)
        whole = os.path.realpath(os.path.join(folder or "", name))
        return within in glob.iglob(os.path.relpath(whole, root), root_dir=probe, recursive=True)


def same_file(one: Path, other: Path) -> bool:
    """Whether two names are of one file, be it there or not."""
    if os.path.realpath(one) == os.path.realpath(other):
        return True
    return one.exists() and other.exists() and one.samefile(other)
