"""The launcher: C source that ships with the engine → a small program for this machine's kind.

The compiler is the one that CC names, else cc. Whoever could install llama-cpp-python has one. zlib is linked in, so that the
program needs nothing but the C library where it runs.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from importlib import resources
from pathlib import Path

from engine.errors import BuildFailed

_FLAGS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Werror=implicit-function-declaration")
_ZLIB = ("-Wl,-Bstatic", "-lz", "-Wl,-Bdynamic")
_SOURCES = ("launcher.c", "sha256.h")


def compile_launcher(target: Path, folder: Path) -> None:
    """Compile the launcher to `target`; `folder` is empty and takes the sources."""
    command = shlex.split(os.environ.get("CC") or "cc")
    if shutil.which(command[0]) is None:
        raise BuildFailed(f"there is no C compiler {command[0]!r}; install one, or name it in the variable CC")
    for name in _SOURCES:
        (folder / name).write_bytes(resources.files("engine.binary").joinpath(name).read_bytes())
    # In the folder and with relative names: no path of this machine gets into the program.
    words = [*command, *_FLAGS, "launcher.c", "-o", str(target.absolute()), *_ZLIB]
    done = subprocess.run(
        words, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode and ("zlib.h" in done.stderr or "-lz" in done.stderr):
        raise BuildFailed(
            "the compiler does not find zlib's header and static library; install them, for example with "
            "`apt install zlib1g-dev` or `dnf install zlib-devel zlib-static`"
        )
    if done.returncode:
        raise BuildFailed(f"{shlex.join(words)} ended with {done.returncode} and said:\n{done.stderr}")
