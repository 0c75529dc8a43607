"""Smoke test: a built file is run before it gets its name, as a stranger would run it: no environment, a cache of its own.

It must say which schema and model it holds, find itself undamaged, and extract from a text. What it writes must be JSON
lines whose texts the schema's type accepts. A schema may leave the model no way through this text; that says nothing
against the file and is told as a note.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.basics.plural import counted
from engine.errors import BuildFailed, EngineError
from engine.objects.item import item_type

SMOKE_TEST_TEXT = "My name is John and I am 20 years old."
_MAX_TOKENS = 256
_DECODING_FAILED = 5  # of `engine --help`


def smoke_test(file: Path, model_type: Any, manifest: Mapping[str, Any]) -> str:
    """What the trial came to, in words; `BuildFailed` where the file does not do what it should."""
    with tempfile.TemporaryDirectory(prefix="engine-trial-") as scratch:
        run = _Run(file, Path(scratch))
        said = run.expect_success("--version")
        if said != f"{json.dumps(manifest, ensure_ascii=False)}\n":
            raise BuildFailed(f"it says that it holds {said}, not {manifest}")
        run.expect_success("verify")
        if manifest["model"] is None:
            run.expect_success("explain", "--json")
            return "it starts and explains its schema; it holds no model to extract with"
        done = run.call("--detailed", f"--max-tokens={_MAX_TOKENS}")
        if done.returncode == _DECODING_FAILED:
            return f"it starts; of the trial's text it says: {done.stderr.strip()}"
        lines = run.succeeded(done).splitlines()
        _check(lines, model_type)
        return f"it extracted {counted(len(lines), 'object')} from {SMOKE_TEST_TEXT!r}"


class _Run:
    def __init__(self, file: Path, scratch: Path) -> None:
        self._file, self._scratch = file.absolute(), scratch

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [str(self._file), f"--cache={self._scratch / 'cache'}", *words]
        return subprocess.run(
            command,
            input=SMOKE_TEST_TEXT,
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=self._scratch,
            env={},
            check=False,
        )

    def expect_success(self, *words: str) -> str:
        return self.succeeded(self.call(*words))

    def succeeded(self, done: subprocess.CompletedProcess[str]) -> str:
        if done.returncode:
            raise BuildFailed(
                f"{' '.join(done.args)} ended with {done.returncode} and said:\n{done.stderr or done.stdout}"
            )
        return done.stdout


def _check(lines: list[str], model_type: Any) -> None:
    item = item_type(model_type)
    for line in lines:
        try:
            item.read(json.loads(line)["text"].encode(), None)
        except (ValueError, KeyError, TypeError, EngineError) as error:
            raise BuildFailed(f"it wrote {line!r}, which the schema does not accept: {error}") from error
