"""A build of llama.cpp that runs on processors other than this one.

llama.cpp is compiled for the machine that compiles it. Here it is compiled once more, as its baseline and as a library for
each generation of x86-64 processors, of which the best that the machine can run is loaded when it starts (GGML_NATIVE=OFF,
GGML_BACKEND_DL, GGML_CPU_ALL_VARIANTS). pip builds it, with the user's own settings; its cache of wheels is passed over,
because it does not look at CMAKE_ARGS. The result is kept, one for each version of llama-cpp-python.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from filelock import FileLock

from engine.errors import BuildFailed
from engine.models.environment import cache_folder, require_network
from engine.models.progress import Progress, stage

_CMAKE_ARGS = "-DGGML_NATIVE=OFF -DGGML_BACKEND_DL=ON -DGGML_CPU_ALL_VARIANTS=ON -DMTMD_BUILD=OFF -DLLAVA_BUILD=OFF"
_BASELINE = "libggml-cpu-x64.so"
_LINES_SHOWN = 12


def portable_llama(progress: Progress) -> Path:
    """The folder in which the portable build of llama_cpp is installed; some 15 minutes where it is not there yet."""
    if platform.machine() != "x86_64":
        raise BuildFailed(f"--portable knows the processors of x86-64, this is {platform.machine()}")
    version = importlib.metadata.version("llama-cpp-python")
    folder = cache_folder() / "portable" / f"llama-cpp-python-{version}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if not (folder / "llama_cpp" / "lib" / _BASELINE).exists():
            require_network(f"llama-cpp-python=={version}")
            with stage(progress, "building llama.cpp for other processors, which takes minutes", None):
                _build(version, folder)
    return folder


def _build(version: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".draft-", dir=folder.parent) as scratch:
        draft = Path(scratch) / "site"
        command = [sys.executable, "-P", "-m", "pip", "install", f"--target={draft}", "--no-deps", "--no-cache-dir"]
        command += ["--no-binary=llama-cpp-python", "--no-input", "--disable-pip-version-check", "--progress-bar=off"]
        log = Path(scratch) / "pip.log"
        with log.open("wb") as output:
            done = subprocess.run(
                [*command, f"llama-cpp-python=={version}"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=os.environ | {"CMAKE_ARGS": _CMAKE_ARGS},
                check=False,
            )
        if done.returncode:
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            raise BuildFailed("pip could not build llama-cpp-python:\n    " + "\n    ".join(lines[-_LINES_SHOWN:]))
        _install_variants(draft)
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)


def _install_variants(site: Path) -> None:
    """Put the libraries of the variants beside the others, wherever the build left them."""
    libraries = site / "llama_cpp" / "lib"
    for path in site.rglob("libggml-cpu-*.so"):
        if path.parent != libraries:
            path.rename(libraries / path.name)
    if not (libraries / _BASELINE).exists():
        raise BuildFailed(f"the build of llama-cpp-python left no {_BASELINE}")
