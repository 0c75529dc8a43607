"""Job files: the files of a job, and that none of them belongs to something else.

In: an output, a source, and the views that are written from the output. An output that is a link is what it leads to, so
that two names of one output are one job. Refused, before anything is made or deleted: an output that is not a file, a file
that is the input, one of the documents or the job's own, a view that could not be written when all is done.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path

from engine.errors import OutputFailed, UsageError
from engine.jobs.file_listing import same_file
from engine.jobs.lock import HOLDER, LOCK, beside
from engine.jobs.manifest import certificate_path, manifest_path
from engine.jobs.source import Source


def resolve_output(output: Path) -> Path:
    """The file that an output name stands for; `UsageError` where it is not a file and cannot become one."""
    if str(output) == "-":
        raise UsageError(
            "OUTPUT must be a file, so that the job can continue after a crash; standard output is not one"
        )
    found = Path(os.path.realpath(output))
    if not found.parent.is_dir():
        raise UsageError(f"no folder {str(output.parent)!r} for the output")
    if found.exists() and not found.is_file():
        raise UsageError(
            f"{output} is not a regular file; a job's output must be one, so that the job can continue after a crash"
        )
    return found


def retry_path(output: Path) -> Path:
    """The ledger of `--retry`, until it takes the output's place."""
    return beside(output, ".retry")


def own_files(output: Path) -> tuple[Path, ...]:
    """The output and what stands beside it."""
    retry = retry_path(output)
    return (
        output,
        manifest_path(output),
        certificate_path(output),
        retry,
        manifest_path(retry),
        beside(output, LOCK),
        beside(output, HOLDER),
    )


def refuse_collisions(output: Path, source: Source, views: Iterable[Path] = (), read: Iterable[Path] = ()) -> None:
    """`UsageError` where two of a job's files are one; `read` are those that it reads beside its source."""
    own, written = own_files(output), tuple(views)
    for view in written:
        _refuse_unwritable(view)
        if any(same_file(view, file) for file in own):
            raise UsageError(f"{view} is a file of the job itself; give the view another name")
        if any(same_file(view, file) for file in read):
            raise UsageError(f"{view} is what the job reads; give the view another name")
    for one, other in combinations(written, 2):
        if same_file(one, other):
            raise UsageError(f"{one} is named for two views; each needs a file of its own")
    for file in (*own, *written):
        if source.reads(file):
            if source.format != "files":
                raise UsageError(f"{file} is the input and the output; give the output another name")
            raise UsageError(
                f"{file} would be among the documents of {source.name!r}; write it elsewhere, or leave it out with --glob"
            )


def _refuse_unwritable(view: Path) -> None:
    """A view is written after the last document: too late to find that the folder does not exist."""
    if view.is_dir() or not view.parent.is_dir():
        raise UsageError(
            f"{view} cannot be written: {'it is a folder' if view.is_dir() else 'there is no such folder'}"
        )
    if not os.access(view.parent, os.W_OK):
        raise OutputFailed(view, "no right to write in its folder")
