"""Downloads from a model hub, which is a server on the loopback interface here."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from local_hub import PATIENCE, Hub

from engine.errors import DownloadFailed, ModelFileInvalid, ModelNotFound, UsageError
from engine.models import resolve, verify_model
from engine.models.digest import read_record, record_path
from engine.models.environment import user_models_file

MakeGguf = Callable[..., bytes]
CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def server(make_gguf: MakeGguf, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    hub = Hub({"f.gguf": make_gguf(rows=4000)})
    monkeypatch.setenv("ENGINE_HF_ENDPOINT", hub.url + "/")
    monkeypatch.setattr("huggingface_hub.file_download.time", SimpleNamespace(sleep=lambda _: None))
    hub.thread.start()
    yield hub
    hub.close()


def listed(*, size: int | None = None, sha256: str | None = None) -> Path:
    """Make `mine` a known model; the path that its file will have."""
    own = user_models_file()
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text(f"mine hf:me/models f.gguf {size or '-'} {sha256 or '-'} MIT chatml\n", encoding="utf-8")
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
    asked = len(server.requests)
    assert resolve("mine") == verify_model("mine") == found
    assert len(server.requests) == asked
    assert names(path) == {"f.gguf"}


def test_file_is_shared_with_the_other_tools_of_the_hub(server: Hub, tmp_path: Path) -> None:
    from huggingface_hub import hf_hub_download

    there = hf_hub_download("me/models", "f.gguf", endpoint=server.url)
    path = listed()
    resolve("mine")
    assert path.resolve() == Path(str(there)).resolve()
    assert path.resolve().is_relative_to(tmp_path / "hub")
    assert server.bodies == 1


def test_second_hub_variable_is_read_too(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENGINE_HF_ENDPOINT")
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    listed()
    assert resolve("mine").path.read_bytes() == server.content


def test_token_of_the_hub_is_sent(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    listed()
    resolve("mine")
    assert set(server.tokens) == {"Bearer hf_secret"}


def test_connection_that_breaks_is_continued_where_it_broke(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1000)
    path = listed(sha256=sha(server.content))
    half = len(server.content) // 2
    server.drops = [half, half + 1000]
    resolve("mine")
    assert path.read_bytes() == server.content
    kept = half // 1000 * 1000
    assert server.ranges[:2] == [None, f"bytes={kept}-"]
    assert len(server.ranges) == 3


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (403, "GatedRepo", "accept it on that page and log in with"),
        (401, "RepoNotFound", "no such repository, or it is private; then log in"),
        (404, "EntryNotFound", "has no such file"),
        (410, "", "410"),
    ],
)
def test_final_answer_says_what_to_do(server: Hub, status: int, code: str, said: str) -> None:
    path = listed()
    server.refusal = status, code
    with pytest.raises(DownloadFailed, match=said):
        resolve("mine")
    assert names(path) == set()


def test_wrong_checksum_leaves_nothing(server: Hub) -> None:
    path = listed(sha256="0" * 64)
    with pytest.raises(DownloadFailed, match=f"{sha(server.content)}, models.txt says {'0' * 64}"):
        resolve("mine")
    assert names(path) == set()


def test_wrong_size_is_refused(server: Hub) -> None:
    path = listed(size=len(server.content) + 1)
    with pytest.raises(DownloadFailed, match=r"models\.txt says"):
        resolve("mine")
    assert names(path) == set()


@pytest.mark.parametrize(("content", "said"), [(b"<!doctype html>", "not a GGUF"), (None, "truncated")])
def test_file_that_is_no_whole_gguf_leaves_nothing(server: Hub, content: bytes | None, said: str) -> None:
    path = listed()
    server.content = server.content[:-100] if content is None else content
    with pytest.raises(DownloadFailed, match=said):
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


def test_damaged_file_in_the_cache_is_fetched_anew(server: Hub) -> None:
    path = listed()
    resolve("mine")
    blob = path.resolve()
    path.unlink()
    blob.write_bytes(bytes(blob.stat().st_size))
    assert resolve("mine").path.read_bytes() == server.content


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


def test_server_that_is_not_there_is_an_error(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    path = listed()
    monkeypatch.setenv("ENGINE_HF_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(DownloadFailed, match=r"127\.0\.0\.1:1"):
        resolve("mine")
    assert names(path) == set()
    monkeypatch.setenv("ENGINE_HF_ENDPOINT", "127.0.0.1:1")
    with pytest.raises(UsageError, match="https://"):
        resolve("mine")


def test_offline_refuses_the_network_but_not_the_cache(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    path = listed()
    monkeypatch.setenv("ENGINE_OFFLINE", "1")
    with pytest.raises(DownloadFailed, match=r"ENGINE_OFFLINE .* not in the hub's cache"):
        resolve("mine")
    assert server.requests == []
    monkeypatch.setenv("ENGINE_OFFLINE", "0")
    resolve("mine")
    path.unlink()
    monkeypatch.setenv("ENGINE_OFFLINE", "yes")
    assert resolve("mine").path.read_bytes() == server.content


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
    stages = Stages()
    resolve("mine", progress=stages)
    assert stages.seen == [
        (f"fetching f.gguf from {server.url.removeprefix('http://')}", size, size),
        (f"checking the sha256 of {sha(server.content)}", size, size),
    ]
    assert stages.open is None


# -- names of the hub


@pytest.fixture
def quants(server: Hub, make_gguf: MakeGguf) -> Hub:
    made = {quant: make_gguf(rows=8 + number) for number, quant in enumerate(("Q4_0", "Q4_K_M", "Q4_K", "Q8_0"))}
    server.files = {f"Model-{quant}.gguf": content for quant, content in made.items()}
    server.files |= {"mmproj-Q4_K_M.gguf": b"", "README.md": b""}
    return server


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("hf:me/models", "Model-Q4_K_M.gguf"),
        ("hf:me/models:q4_k", "Model-Q4_K.gguf"),
        ("hf:me/models:Q8_0", "Model-Q8_0.gguf"),
        ("hf:me/models:Model-Q4_0.gguf", "Model-Q4_0.gguf"),
    ],
)
def test_a_model_of_the_hub_is_named_by_repository_and_quant(quants: Hub, name: str, file: str) -> None:
    found = resolve(name)
    assert (found.name, found.path.name, found.path.read_bytes()) == (name, file, quants.files[file])
    assert found.sha256 == sha(quants.files[file])


def test_a_named_quant_on_this_disk_is_found_without_the_hub(quants: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    found = resolve("hf:me/models:Q8_0")
    asked = len(quants.requests)
    assert resolve("hf:me/models:Q8_0") == found
    monkeypatch.setenv("ENGINE_OFFLINE", "1")
    assert resolve("hf:me/models").path == found.path
    with pytest.raises(DownloadFailed, match="offline"):
        resolve("hf:me/models:Q4_0")
    assert len(quants.requests) == asked


def test_a_single_file_needs_no_quant(server: Hub) -> None:
    assert resolve("hf:me/models").path.name == "f.gguf"


def test_a_quant_that_is_not_there_is_answered_with_those_that_are(quants: Hub) -> None:
    with pytest.raises(ModelNotFound, match=r"no such file.*Model-Q4_0\.gguf, Model-Q4_K\.gguf"):
        resolve("hf:me/models:Q2_K")
    with pytest.raises(DownloadFailed, match="no such repository"):
        resolve("hf:you/models")
    with pytest.raises(UsageError, match="hf:OWNER/REPO expected"):
        resolve("hf:models")


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
    assert server.bodies == 1
    assert path.read_bytes() == server.content


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
def test_interrupt_leaves_nothing_under_the_right_name(server: Hub) -> None:
    path = listed()
    server.hold_at = len(server.content) // 2
    with started() as process:
        assert server.holding.wait(PATIENCE)
        process.send_signal(signal.SIGINT)
        server.go_on.set()
        _, said = process.communicate(timeout=PATIENCE)
    assert "KeyboardInterrupt" in said
    assert names(path) == set()
    server.hold_at = None
    resolve("mine")
    assert path.read_bytes() == server.content
