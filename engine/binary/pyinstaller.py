"""PyInstaller: the engine, the schema's module and what they import become a folder that runs without Python.

PyInstaller does it, in its form with a folder beside the program: it follows imports, finds the shared libraries behind
them, and brings a program that starts the interpreter with nothing of the machine's own Python in sight. Left out are
packages that neither the engine nor the subject requires, whatever could fetch something (pip, huggingface_hub, ssl), and
debugging information. Refused is a runtime that would need a library which is not in it.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pkgutil
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import engine
from engine.binary.distributions import ROOTS, modules_of_others, providers, required
from engine.binary.schema_source import SchemaSource
from engine.errors import BuildFailed
from engine.grammar.library import library_folder
from engine.models.catalogue import shipped_models_file

# The launcher starts the program of this name.
PROGRAM = "engine"
_ENTRY = "from engine.cli.standalone import standalone_main\n\nstandalone_main()\n"
# Not needed to extract; kept all the same where the subject imports them.
_LEFT_OUT = (
    "_ssl", "ssl", "curses", "ensurepip", "huggingface_hub", "idlelib", "lib2to3", "numpy.f2py", "numpy.testing", "pip",
    "pydantic.mypy", "pydantic.v1", "readline", "tkinter", "test", "turtledemo",
)  # fmt: skip
_ENGINE_LEFT_OUT = ("engine.binary.", "engine.bench", "engine.cli.bench", "engine.cli.build", "engine.cli.demo")
_ENGINE_KEPT = ("engine.binary.index", "engine.binary.schema_digest")
_LINES_SHOWN = 12


def freeze(subject: SchemaSource, work: Path, *, llama: Path | None) -> Path:
    """The folder with the runtime, made inside `work`; `llama` is where another build of llama_cpp is installed."""
    entry = work / "entry" / "start.py"
    entry.parent.mkdir()
    entry.write_text(_ENTRY, encoding="utf-8")
    path = [str(folder) for folder in (llama, *sys.path) if folder]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONHASHSEED": "0",
        "PYTHONNOUSERSITE": "1",
        "SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH", "315619200"),  # 1980, the first year of a zip file
        "PYINSTALLER_CONFIG_DIR": str(work / "config"),
    }
    log = work / "pyinstaller.log"
    command = [sys.executable, "-P", "-m", "PyInstaller", *_options(subject, work, llama), str(entry)]
    with log.open("wb") as output:
        done = subprocess.run(
            command, cwd=work, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, check=False
        )
    if done.returncode:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        raise BuildFailed("PyInstaller said:\n    " + "\n    ".join(lines[-_LINES_SHOWN:]))
    runtime = work / "dist" / PROGRAM
    _strip(runtime)
    return runtime


def _options(subject: SchemaSource, work: Path, llama: Path | None) -> Iterator[str]:
    yield from ("--noconfirm", "--onedir", f"--name={PROGRAM}", "--log-level=WARN", "--noupx")
    yield from (f"--distpath={work / 'dist'}", f"--workpath={work / 'build'}", f"--specpath={work}")
    if subject.folder:
        yield f"--paths={subject.folder}"
    for module in (*_engine_modules(), *subject.modules):
        yield f"--hidden-import={module}"
    loaded = {module for module in subject.modules if module not in _engine_modules()}
    kept = required(ROOTS) | required(providers(loaded))
    for module in (*_LEFT_OUT, *modules_of_others(kept | {"engine"})):
        if module not in loaded:
            yield f"--exclude-module={module}"
    for name in sorted(kept | {"engine"}):
        # For what asks for its own version; a checkout that is not installed has none.
        with suppress(importlib.metadata.PackageNotFoundError):
            importlib.metadata.distribution(name)
            yield f"--copy-metadata={name}"
    yield f"--add-data={shipped_models_file()}{os.pathsep}engine"
    yield f"--add-data={library_folder()}{os.pathsep}engine/grammars"
    yield f"--add-data={Path(engine.__file__).parent / 'docs'}{os.pathsep}engine/docs"
    if subject.document:
        yield f"--add-data={subject.document}{os.pathsep}schema"
    for library in _llama_libraries(llama):
        yield f"--add-binary={library}{os.pathsep}llama_cpp/lib"


def _engine_modules() -> list[str]:
    """All modules of the engine, but for those that build and measure; commands import theirs by name."""
    found = [module.name for module in pkgutil.walk_packages(engine.__path__, "engine.")]
    return [name for name in found if name in _ENGINE_KEPT or not name.startswith(_ENGINE_LEFT_OUT)]


def _llama_libraries(llama: Path | None) -> list[Path]:
    """The libraries of llama.cpp, each under the one name that it is opened by."""
    if llama is None:
        spec = importlib.util.find_spec("llama_cpp")
        assert spec is not None, "llama-cpp-python is a dependency"
        assert spec.origin is not None, "it is a package"
        folder = Path(spec.origin).parent / "lib"
    else:
        folder = llama / "llama_cpp" / "lib"
    # What ends with a whole version is the same file again; the pictures of libmtmd are not for us.
    names = {path.name for path in folder.glob("lib*.so*") if path.name.count(".") <= 2}
    numbered = {name.removesuffix(".0") for name in names if name.endswith(".so.0")} - {"libllama.so"}
    return [folder / name for name in sorted(names - numbered - {"libllama.so.0"}) if not name.startswith("libmtmd")]


def _strip(runtime: Path) -> None:
    """Take debugging information out of Python's own libraries (17 of 23 MB of some builds).

    Those of wheels are left alone: what has been patched to be portable may break.
    """
    if shutil.which("strip") is None:
        return
    inside = runtime / "_internal"
    own = [*inside.glob("libpython*"), *inside.glob("python3*/lib-dynload/*.so"), *inside.glob("lib-dynload/*.so")]
    for path in own:
        if not path.is_symlink():
            subprocess.run(["strip", "--strip-debug", str(path)], capture_output=True, check=False)
