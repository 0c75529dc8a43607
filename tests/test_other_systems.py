"""What only Linux has is hidden, and everything still imports and extracts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

# Windows' own way, as far as a process on Linux can be made to have it.
_HIDDEN = """
import builtins, ctypes, importlib.abc, io, os, pathlib, signal, sys

class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in ("fcntl", "resource", "termios", "pwd", "grp", "pty", "tty", "syslog"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

for name in ("fcntl", "resource", "termios", "pwd", "grp"):
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Hidden())
for name in ("sched_getaffinity", "fork", "forkpty", "register_at_fork", "getloadavg", "sysconf", "set_blocking", "getuid",
             "O_NONBLOCK"):
    vars(os).pop(name, None)
for name in ("SIGHUP", "SIGUSR1", "SIGKILL", "SIGPIPE", "pthread_sigmask"):
    vars(signal).pop(name, None)

def without(open_):
    def opened(file, *args, **kwargs):
        if isinstance(file, (str, bytes, os.PathLike)) and os.fspath(file)[:5] in ("/proc", "/sys/"):
            raise FileNotFoundError(2, "hidden", file)
        return open_(file, *args, **kwargs)
    return opened

builtins.open, io.open, os.open = without(builtins.open), without(io.open), without(os.open)
library = ctypes.CDLL

class CDLL(library):
    def __init__(self, name, *args, **kwargs):
        if name is None:
            raise TypeError("no C library by that name")
        super().__init__(name, *args, **kwargs)

ctypes.CDLL = CDLL
"""
_IMPORTS = """
import importlib, pkgutil
import engine
for module in pkgutil.walk_packages(engine.__path__, "engine."):
    # A single file is Linux's alone; peers are other people's.
    if not module.name.startswith(("engine.binary", "engine.bench.peers", "engine.__main__", "engine.jobs.ray")):
        importlib.import_module(module.name)
"""
_EXTRACTS = """
from engine import extract_one
from engine.decoding.settings import ModelSettings
schema = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
settings = ModelSettings(n_ctx=512, sequences=1)
print(type(extract_one("I am 20 years old", schema, model=sys.argv[1], settings=settings, max_tokens=32)["age"]).__name__)
"""


def _run(program: str, *arguments: str, probe: str = "off") -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "ENGINE_PROBE": probe}
    done = subprocess.run(
        [sys.executable, "-c", _HIDDEN + program, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_module_imports() -> None:
    _run(_IMPORTS)


def test_an_extraction_runs_and_is_tried_and_measured_first(bpe_path: Path, tmp_path: Path) -> None:
    assert _run(_EXTRACTS, str(bpe_path)) == "int\n"
    assert _run(_EXTRACTS, str(bpe_path), probe="on") == "int\n"
