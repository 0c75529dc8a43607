"""Peak: the most memory that a piece of work held, in this process.

Linux keeps a process's largest resident set and lets the process begin it anew, so that the peak of one piece of work can be
told from all before it, at the cost of two small files a piece. Elsewhere nothing is measured. What a piece leaves in caches
that are shared counts for the piece that filled them.
"""

from __future__ import annotations

from pathlib import Path

_RESET, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


class Peak:
    """Begins with its construction."""

    def __init__(self) -> None:
        self._start = _resident("VmRSS") if _begun_anew() else None

    def read(self) -> tuple[int, int] | None:
        """The most bytes so far above those held at the start, and in all; None where the system does not tell."""
        most = _resident("VmHWM")
        return None if self._start is None or most is None else (max(0, most - self._start), most)


def _begun_anew() -> bool:
    """Whether the largest resident set counts from now on."""
    try:
        _RESET.write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def _resident(name: str) -> int | None:
    try:
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    said = next((line.split() for line in lines if line.startswith(f"{name}:")), [])
    return int(said[1]) * 1024 if len(said) == 3 and said[1].isdigit() else None
