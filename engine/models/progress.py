"""How a download tells what it does: a Protocol that the command line fills with a bar, and silence.

Each stage is one `start`, any number of `advance` and one `finish`, which comes on errors too. Stages do not overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol


class Progress(Protocol):
    """Whoever shows how far a long piece of work is."""

    def start(self, description: str, total: int | None) -> None:
        """A stage begins; `total` is in bytes, None where it is not known."""

    def advance(self, count: int) -> None:
        """`count` more bytes are done."""

    def finish(self) -> None:
        """The stage is over, well or badly."""


class Silent:
    """Progress that is not shown."""

    def start(self, description: str, total: int | None) -> None: ...

    def advance(self, count: int) -> None: ...

    def finish(self) -> None: ...


SILENT = Silent()


@contextmanager
def stage(progress: Progress, description: str, total: int | None) -> Iterator[None]:
    """One stage that is finished however it ends."""
    progress.start(description, total)
    try:
        yield
    finally:
        progress.finish()


def telling(progress: Progress) -> Callable[[str], None]:
    """A function that says one line to whoever watches."""

    def tell(text: str) -> None:
        with stage(progress, text, None):
            pass

    return tell
