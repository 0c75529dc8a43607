"""Builder: schema source and model → a file that passed its smoke test, under its name.

Everything is made in a folder that is removed again, the file itself beside its target and renamed at the end, so a build
that fails leaves nothing. The same installation, subject and model give the same bytes.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import secrets
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import engine
from engine.binary.elf_needs import Needs, read_needs
from engine.binary.launcher import compile_launcher
from engine.binary.packing import Weights, pack
from engine.binary.portable import portable_llama
from engine.binary.pyinstaller import freeze
from engine.binary.schema_digest import schema_sha256
from engine.binary.schema_source import SchemaSource
from engine.binary.smoke_test import smoke_test
from engine.errors import BuildFailed
from engine.models import ModelFile, sha256_of
from engine.models.parts import model_files
from engine.models.progress import Progress, stage
from engine.models.single_file import PackedModel


@dataclass(frozen=True, slots=True)
class Built:
    """`needs.glibc` is the oldest glibc that the file runs on; `smoke_test` says what its trial came to."""

    path: Path
    size: int
    needs: Needs
    trial: str


def build_file(
    subject: SchemaSource, model_type: Any, output: Path, *, model: ModelFile | None, portable: bool, progress: Progress
) -> Built:
    """Build the file `output` for a schema; without a model it takes one when it runs. Some minutes at most.

    `SchemaError` where the schema is refused, `BuildFailed` where anything else goes wrong.
    """
    _check_machine()
    if model and len(model_files(model.path)) > 1:
        raise BuildFailed(
            f"the model is in {len(model_files(model.path))} files, and a single file carries one; merge them with "
            f"`llama-gguf-split --merge {model.path} WHOLE.gguf`"
        )
    digest = schema_sha256(model_type)
    draft = output.absolute().with_name(f".{output.name}.{secrets.token_hex(4)}.draft")
    try:
        with tempfile.TemporaryDirectory(prefix="engine-build-") as scratch:
            work = Path(scratch).resolve()
            llama = portable_llama(progress) if portable else None
            launcher = work / "launcher"
            (work / "source").mkdir()
            compile_launcher(launcher, work / "source")
            with stage(progress, "collecting the runtime", None):
                runtime = freeze(subject, work, llama=llama)
            needs = _needs(runtime, launcher)
            weights = Weights(model.path, model.sha256 or sha256_of(model.path, progress=progress)) if model else None
            manifest = _manifest(subject, digest, model, weights, needs, portable=portable)
            pack(draft, launcher, runtime, manifest, weights, progress)
        with stage(progress, "trying it out", None):
            trial = smoke_test(draft, model_type, manifest)
        os.replace(draft, output)
    except OSError as error:
        raise BuildFailed(f"{error.strerror or error} ({error.filename or output})") from error
    finally:
        draft.unlink(missing_ok=True)
    return Built(output, output.stat().st_size, needs, trial)


def _check_machine() -> None:
    if not sys.platform.startswith("linux") or sys.byteorder != "little":
        raise BuildFailed(f"single files are for Linux on little-endian machines, not {sys.platform}")


def _needs(runtime: Path, launcher: Path) -> Needs:
    needs = read_needs((launcher, *_files(runtime)))
    if needs.missing:
        raise BuildFailed(f"the runtime would need these libraries on the other machine: {', '.join(needs.missing)}")
    return needs


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _manifest(
    subject: SchemaSource,
    digest: str,
    model: ModelFile | None,
    weights: Weights | None,
    needs: Needs,
    *,
    portable: bool,
) -> dict[str, Any]:
    """What the file knows of itself; `--version` prints it."""
    carried = None
    if model and weights:
        carried = PackedModel(model.name, weights.sha256, model.chat_format, model.parameters).as_json()
    return {
        "engine": engine.__version__,
        "schema": {"target": subject.text, "document": subject.document is not None, "sha256": digest},
        "model": carried,
        "llama_cpp_python": importlib.metadata.version("llama-cpp-python"),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "glibc": needs.glibc,
        "portable": portable,
    }
