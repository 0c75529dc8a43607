"""Schema source: what a file is built for, the schema as it is named inside the file.

A Python type is imported there under its module's plain name, so a module that could not be is refused here. What its
import loads is found in a fresh interpreter: that is what must be carried along, also where no import statement shows it.
"""

from __future__ import annotations

import importlib.machinery
import json
import keyword
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from engine.errors import BuildFailed, UsageError

_PROBE = """
import json, sys
before = set(sys.modules)
sys.path.insert(0, sys.argv[1])
__import__(sys.argv[2])
print(json.dumps(sorted(set(sys.modules) - before)))
"""
_LINES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class SchemaSource:
    """`text` is what SCHEMA is inside the file; there `document`, a JSON Schema, stands beside it under its own name.

    `folder` is where the module is imported from, `modules` what its import loads.
    """

    text: str
    document: Path | None = None
    folder: Path | None = None
    modules: tuple[str, ...] = ()


def module_source(module: str, attribute: str, folder: Path) -> SchemaSource:
    """The type `attribute` of a module that is imported with `folder` in front of the path."""
    return SchemaSource(f"{module}:{attribute}", folder=folder, modules=_loaded(module, folder))


def file_source(path: Path, attribute: str) -> SchemaSource:
    """The type `attribute` of the module in a file."""
    module, folder = path.stem, path.absolute().parent
    if not module.isidentifier() or keyword.iskeyword(module):
        raise UsageError(f"{path.name} cannot be imported by its name; rename it to letters, digits and _")
    others = [entry for entry in sys.path if Path(entry or ".").absolute() != folder]
    if module in sys.builtin_module_names or importlib.machinery.PathFinder.find_spec(module, others) is not None:
        raise UsageError(f"{path.name} has the name of the module {module!r}, which it would hide; rename it")
    return module_source(module, attribute, folder)


def document_source(path: Path) -> SchemaSource:
    """The JSON Schema in a file."""
    return SchemaSource(path.name, document=path.absolute())


def _loaded(module: str, folder: Path) -> tuple[str, ...]:
    command = [sys.executable, "-P", "-c", _PROBE, str(folder), module]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n    ".join(done.stderr.splitlines()[-_LINES_SHOWN:])
        raise BuildFailed(f"importing {module!r} from {folder} failed:\n    {said}")
    # The module may print while it is imported; the list comes last.
    loaded: list[str] = json.loads(done.stdout.splitlines()[-1])
    return tuple(loaded)
