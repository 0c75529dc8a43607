"""Running servers: `engine serve` in a process of its own, on a free port."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass

import httpx

NAME = "openhermes:v2.5-mistral-7b"
_PATIENCE = 180.0  # seconds to load a model on a loaded machine


@dataclass(frozen=True)
class RunningServer:
    url: str
    process: subprocess.Popen[bytes]
    model: str = NAME


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def start(model: str, *arguments: str, **environment: str) -> RunningServer:
    port = free_port()
    command = [sys.executable, "-m", "engine", "serve", "--port", str(port), "--model", f"{NAME}={model}", *arguments]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env={**os.environ, **environment})
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended"
        try:
            if httpx.get(f"{url}/health").status_code == 200:
                return RunningServer(url, process)
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the server did not become ready")
