"""Child: a program of this package in a process of its own, which may die, hang or be interrupted without harm.

It reads a JSON object from standard input and writes one to standard output. A single file cannot start one: it is no
Python.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any


class ChildFailed(Exception):
    """What became of a child that gave no answer."""


def ask_child(program: str, order: dict[str, Any], *, seconds: float) -> dict[str, Any]:
    """What the function `program` (`MODULE:NAME`) answers to `order`; it is killed after `seconds`. Raises `ChildFailed`."""
    try:
        done = subprocess.run(
            child_command(program),
            input=json.dumps(order).encode(),
            capture_output=True,
            env=child_environment(),
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ChildFailed(f"did not answer within {seconds:.0f} s") from error
    try:
        if done.returncode == 0:
            answer: dict[str, Any] = json.loads(done.stdout)
            return answer
    except ValueError:
        pass
    raise ChildFailed(ending(done.returncode, done.stderr.decode("utf-8", "replace")))


def can_start_children() -> bool:
    """Whether this process is a Python that can start another one."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


def child_command(program: str) -> list[str]:
    """The command that runs the function `program` (`MODULE:NAME`)."""
    module, name = program.split(":")
    return [sys.executable, "-c", f"from {module} import {name}; {name}()"]


def child_environment() -> dict[str, str]:
    """With this process's path of imports, however it came about."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}


def ending(code: int, said: str) -> str:
    """How a process ended, in words; `said` is its standard error."""
    if code < 0:
        try:
            return f"died with {signal.Signals(-code).name}"
        except ValueError:
            return f"died with signal {-code}"
    lines = said.strip().splitlines()
    return f"ended with {code}: {lines[-1] if lines else 'it said nothing'}"
