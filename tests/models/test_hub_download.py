"""Downloads from a model hub, which is a server on the loopback interface here.

The server can break off, ignore ranges, change the file between two requests, and hold an answer back until the test
lets it go on.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from engine.errors import DownloadFailed, ModelFileInvalid, UsageError
from engine.models import hub, resolve, verify_model
from engine.models.digest import read_record, record_path
from engine.models.environment import user_models_file

MakeGguf = Callable[..., bytes]
PATIENCE = 60
CHECKOUT = Path(__file__).parents[2]


class Hub:
    """One file behind a server; what it does wrong is set by the test, what it was asked is kept."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.etag: str | None = '"v1"'
        self.published: str | None = None
        self.ranges = True
        self.lengths = True
        self.statuses: list[int] = []
        self.drops: list[int] = []
        self.extra = b""
        self.requests: list[tuple[str, str | None]] = []
        self.hold_at: int | None = None
        self.holding = threading.Event()
        self.go_on = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": self}))
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_GET(self) -> None:
        hub, asked = self.hub, self.headers.get("Range")
        hub.requests.append((self.path, asked))
        if hub.statuses:
            self.send_response(hub.statuses.pop(0))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and hub.ranges else 0
        total = len(hub.content)
        if start >= total:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{total}")
        else:
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        if hub.etag:
            self.send_header("ETag", hub.etag)
        if hub.published:
            self.send_header("X-Linked-Etag", f'"{hub.published}"')
        if hub.lengths or start >= total:
            self.send_header("Content-Length", str(max(0, total - start)))
        self.end_headers()
        if start < total:
            self.send(start)

    def send(self, start: int) -> None:
        stop = self.hub.drops.pop(0) if self.hub.drops else len(self.hub.content)
        hold = self.hub.hold_at
        if hold is not None and start < hold < stop:
            self.wfile.write(self.hub.content[start:hold])
            self.wfile.flush()
            self.hub.holding.set()
            assert self.hub.go_on.wait(PATIENCE)
            start = hold
        try:
            self.wfile.write(self.hub.content[start:stop] + self.hub.extra)
        except ConnectionError:
            return  # the client was stopped by the test

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def server(make_gguf: MakeGguf, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    hub_ = Hub(make_gguf(rows=4000))
    monkeypatch.setenv("ENGINE_HF_ENDPOINT", hub_.url + "/")
    monkeypatch.setattr(hub, "PAUSE_SECONDS", 0.001)
    hub_.thread.start()
    yield hub_
    hub_.go_on.set()
    hub_.server.shutdown()
    hub_.server.server_close()
    hub_.thread.join()


def listed(*, size: int | None = None, sha256: str | None = None, file: str = "sub dir/f.gguf") -> Path:
    """Make `mine` a known model; the path that its file will have."""
    own = user_models_file()
    own.parent.mkdir(parents=True, exist_ok=True)
    file = file.replace(" ", "+")
    own.write_text(f"mine hf:me/models {file} {size or '-'} {sha256 or '-'} MIT chatml\n", encoding="utf-8")
    return Path(os.environ["ENGINE_MODELS_DIR"]) / "mine" / "f.gguf"


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def names(path: Path) -> set[str]:
    return {entry.name for entry in path.parent.iterdir()} - {".lock"}


def test_file_is_fetched_verified_and_not_fetched_again(server: Hub) -> None:
    path = listed(size=len(server.content), sha256=sha(server.content))
    found = resolve("mine")
    assert (found.path, found.sha256, found.chat_format) == (path, sha(server.content), "chatml")
    assert path.read_bytes() == server.content
    assert resolve("mine") == verify_model("mine") == found
    assert server.requests == [("/me/models/resolve/main/sub%2Bdir/f.gguf", None)]
    assert names(path) == {"f.gguf"}


def test_second_hub_variable_is_read_too(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENGINE_HF_ENDPOINT")
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    listed()
    assert resolve("mine").path.read_bytes() == server.content


def test_connection_that_breaks_is_continued_where_it_broke(server: Hub) -> None:
    path = listed(sha256=sha(server.content))
    half = len(server.content) // 2
    server.drops = [half, half + 1000]
    resolve("mine")
    assert path.read_bytes() == server.content
    assert [asked for _, asked in server.requests] == [None, f"bytes={half}-", f"bytes={half + 1000}-"]


def test_part_outlives_a_failed_attempt_and_the_next_one_continues_it(server: Hub) -> None:
    path = listed()
    half = len(server.content) // 2
    server.drops = [half] * hub.ATTEMPTS
    with pytest.raises(DownloadFailed, match=f"{half} bytes are kept"):
        resolve("mine")
    assert names(path) == {"f.gguf.part", "f.gguf.part.json"}
    assert path.with_name("f.gguf.part").read_bytes() == server.content[:half]
    resolve("mine")
    assert server.requests[-1][1] == f"bytes={half}-"
    assert path.read_bytes() == server.content
    assert names(path) == {"f.gguf", "f.gguf.sha256.json"}


def test_server_that_ignores_ranges_sends_the_file_once_more(server: Hub) -> None:
    path = listed()
    server.ranges = False
    server.drops = [len(server.content) // 2]
    resolve("mine")
    assert path.read_bytes() == server.content
    assert len(server.requests) == 2


@pytest.mark.parametrize("etag", ['"v2"', None])
def test_part_of_another_version_is_not_mixed_into_the_file(server: Hub, make_gguf: MakeGguf, etag: str | None) -> None:
    path = listed()
    server.drops = [len(server.content) // 2] * hub.ATTEMPTS
    with pytest.raises(DownloadFailed):
        resolve("mine")
    server.content = make_gguf(rows=4000, template="another")
    server.etag = etag
    resolve("mine")
    assert path.read_bytes() == server.content


def test_wrong_part_under_a_known_checksum_is_fetched_anew(server: Hub) -> None:
    path = listed(sha256=sha(server.content))
    server.drops = [len(server.content) // 2] * hub.ATTEMPTS
    with pytest.raises(DownloadFailed):
        resolve("mine")
    part = path.with_name("f.gguf.part")
    part.write_bytes(bytes(part.stat().st_size))
    resolve("mine")
    assert path.read_bytes() == server.content
    assert server.requests[-1][1] is None


def test_part_that_is_already_whole_is_taken(server: Hub) -> None:
    path = listed()
    server.drops = [len(server.content) // 2] * hub.ATTEMPTS
    with pytest.raises(DownloadFailed):
        resolve("mine")
    path.with_name("f.gguf.part").write_bytes(server.content)
    count = len(server.requests)
    resolve("mine")
    assert path.read_bytes() == server.content
    assert [asked for _, asked in server.requests[count:]] == [f"bytes={len(server.content)}-"]


def test_part_that_is_longer_than_the_file_is_fetched_anew(server: Hub) -> None:
    path = listed()
    server.drops = [len(server.content) // 2] * hub.ATTEMPTS
    with pytest.raises(DownloadFailed):
        resolve("mine")
    path.with_name("f.gguf.part").write_bytes(server.content + b"more")
    resolve("mine")
    assert path.read_bytes() == server.content


def test_wrong_checksum_leaves_nothing(server: Hub) -> None:
    path = listed(sha256="0" * 64)
    with pytest.raises(DownloadFailed, match=f"{sha(server.content)}, models.txt says {'0' * 64}"):
        resolve("mine")
    assert names(path) == set()


def test_wrong_size_is_refused_before_the_body_is_read(server: Hub) -> None:
    path = listed(size=len(server.content) + 1)
    with pytest.raises(DownloadFailed, match=r"models\.txt says"):
        resolve("mine")
    assert names(path) == set()


def test_body_without_a_length_is_held_to_the_known_size(server: Hub) -> None:
    path = listed(size=len(server.content) - 5)
    server.lengths = False
    with pytest.raises(DownloadFailed, match="more than"):
        resolve("mine")
    assert "f.gguf" not in names(path)
    listed(size=len(server.content))
    assert resolve("mine").path.read_bytes() == server.content


def test_file_that_is_no_gguf_leaves_nothing(server: Hub) -> None:
    path = listed()
    server.content = b"<!doctype html>"
    with pytest.raises(DownloadFailed, match="not a GGUF"):
        resolve("mine")
    assert names(path) == set()


def test_truncated_file_without_a_known_checksum_leaves_nothing(server: Hub) -> None:
    path = listed()
    server.content = server.content[:-100]
    with pytest.raises(DownloadFailed, match="truncated"):
        resolve("mine")
    assert names(path) == set()


def test_checksum_that_the_hub_publishes_is_believed_over_the_bytes(server: Hub) -> None:
    path = listed()
    server.published = "1" * 64
    with pytest.raises(DownloadFailed, match="the hub says 1111"):
        resolve("mine")
    assert names(path) == set()
    server.published = sha(server.content)
    assert resolve("mine").sha256 == server.published


def test_unknown_checksum_is_recorded_and_held_to(server: Hub, make_gguf: MakeGguf) -> None:
    path = listed()
    first = server.content
    resolve("mine")
    assert read_record(path) == sha(first)
    path.unlink()
    server.content = make_gguf(rows=4000, template="another")
    with pytest.raises(DownloadFailed, match=f"the first download .* says {sha(first)}"):
        resolve("mine")
    path.write_bytes(server.content)
    with pytest.raises(ModelFileInvalid, match="delete it and fetch it again"):
        resolve("mine")
    record_path(path).unlink()
    assert resolve("mine").sha256 == sha(server.content)
    assert read_record(path) == sha(server.content)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_busy_server_is_asked_again(server: Hub, status: int) -> None:
    listed()
    server.statuses = [status] * (hub.ATTEMPTS - 1)
    assert resolve("mine").path.read_bytes() == server.content


@pytest.mark.parametrize(("status", "said"), [(404, "404 Not Found"), (401, "by hand"), (403, "by hand"), (410, "410")])
def test_final_answer_is_not_asked_again(server: Hub, status: int, said: str) -> None:
    listed()
    server.statuses = [status] * 9
    with pytest.raises(DownloadFailed, match=said):
        resolve("mine")
    assert len(server.requests) == 1


def test_server_that_is_not_there_is_an_error(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    path = listed()
    monkeypatch.setenv("ENGINE_HF_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(DownloadFailed, match=r"127\.0\.0\.1:1"):
        resolve("mine")
    assert names(path) == set()
    monkeypatch.setenv("ENGINE_HF_ENDPOINT", "127.0.0.1:1")
    with pytest.raises(UsageError, match="https://"):
        resolve("mine")


def test_offline_refuses_the_network_but_not_the_file(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    path = listed()
    monkeypatch.setenv("ENGINE_OFFLINE", "1")
    with pytest.raises(DownloadFailed, match="ENGINE_OFFLINE") as caught:
        resolve("mine")
    assert str(path) in caught.value.reason
    assert server.requests == []
    monkeypatch.setenv("ENGINE_OFFLINE", "0")
    resolve("mine")
    monkeypatch.setenv("ENGINE_OFFLINE", "yes")
    assert resolve("mine").path == path


def test_disk_without_room_is_told_beforehand(server: Hub) -> None:
    listed(size=10**18)
    with pytest.raises(DownloadFailed, match="are free"):
        resolve("mine")
    assert server.requests == []


def test_folder_that_cannot_be_written_is_an_error(server: Hub, tmp_path: Path) -> None:
    path = listed()
    path.parent.parent.parent.mkdir(exist_ok=True)
    path.parent.parent.write_bytes(b"in the way")
    with pytest.raises(DownloadFailed, match=r"exists|directory"):
        resolve("mine")


class Stages:
    def __init__(self) -> None:
        self.seen: list[tuple[str, int | None, int]] = []
        self.open: tuple[str, int | None, int] | None = None

    def start(self, description: str, total: int | None) -> None:
        assert self.open is None
        self.open = (description, total, 0)

    def advance(self, count: int) -> None:
        assert self.open is not None
        self.open = (*self.open[:2], self.open[2] + count)

    def finish(self) -> None:
        assert self.open is not None
        self.seen.append(self.open)
        self.open = None


def test_progress_tells_what_from_where_and_how_much(server: Hub) -> None:
    listed()
    size = len(server.content)
    server.drops = [size // 2]
    stages = Stages()
    resolve("mine", progress=stages)
    fetching = "fetching sub+dir/f.gguf from 127.0.0.1"
    assert stages.seen == [
        (fetching, size, size // 2),
        (fetching, size, size),
        ("checking the sha256 of f.gguf.part", size, size),
    ]
    assert stages.open is None


RESOLVE = """
import signal, sys
from engine.models import resolve
class Tell:
    def start(self, description, total): print(description, flush=True)
    def advance(self, count): ...
    def finish(self): ...
signal.signal(signal.SIGINT, signal.default_int_handler)
print(resolve("mine", progress=Tell()).path.stat().st_size, flush=True)
"""


def started() -> subprocess.Popen[str]:
    """Another process that resolves `mine`."""
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    return subprocess.Popen(
        [sys.executable, "-c", RESOLVE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def test_two_processes_at_once_fetch_the_file_once(server: Hub) -> None:
    path = listed()
    server.hold_at = 1000
    with started() as first:
        assert server.holding.wait(PATIENCE)
        with started() as second:
            assert second.stdout is not None
            assert second.stdout.readline() == "waiting for another download of f.gguf\n"
            server.go_on.set()
            outputs = [process.communicate(timeout=PATIENCE) for process in (first, second)]
    assert [out.splitlines()[-1] for out, _ in outputs] == [str(len(server.content))] * 2, outputs
    assert len(server.requests) == 1
    assert path.read_bytes() == server.content


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
def test_interrupt_keeps_the_part_and_nothing_under_the_right_name(server: Hub) -> None:
    path = listed()
    server.hold_at = len(server.content) // 2
    with started() as process:
        assert server.holding.wait(PATIENCE)
        part = path.with_name("f.gguf.part")
        while not (part.exists() and part.stat().st_size):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE)
    assert "KeyboardInterrupt" in said
    assert names(path) == {"f.gguf.part", "f.gguf.part.json"}
    kept = part.stat().st_size
    server.hold_at = None
    server.go_on.set()
    resolve("mine")
    assert server.requests[-1][1] == f"bytes={kept}-"
    assert path.read_bytes() == server.content
