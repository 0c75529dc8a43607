"""The start of a file: it unpacks its runtime once, whole or not at all, and becomes it."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.binary.index import differing, list_runtime, unpack_index
from engine.binary.launcher import compile_launcher
from engine.errors import BuildFailed
from engine.models.single_file import TRAILER_SIZE, Trailer, read_single_file

MakeFile = Callable[..., Path]
Call = Callable[..., subprocess.CompletedProcess[str]]
CANNOT_START = 71


@pytest.fixture
def file(make_file: MakeFile) -> Path:
    return make_file()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def unpacked(cache: Path) -> Path:
    """The one runtime that is in the cache."""
    (folder,) = [path for path in (cache / "runtime").iterdir() if path.name != ".lock"]
    return folder


def trailer_of(file: Path) -> Trailer:
    carrier = read_single_file(file)
    assert carrier is not None
    return carrier.trailer


def test_program_gets_the_words_without_the_cache_option(file: Path, cache: Path, call: Call) -> None:
    done = call(file, "a b", "--cache", str(cache), "", "--", "--cache", "c")
    assert done.stderr == ""
    assert done.stdout == f"{file}|{cache}\na b\n\n--\n--cache\nc\nunpacked\n"


def test_everything_is_unpacked_as_it_was(file: Path, runtime: Path, cache: Path, call: Call) -> None:
    call(file, f"--cache={cache}")
    assert list_runtime(unpacked(cache)) == list_runtime(runtime)
    assert (unpacked(cache) / "data" / "none").is_dir()
    assert (unpacked(cache) / "data" / "link").readlink() == Path("text")
    with file.open("rb") as stream:
        part = trailer_of(file).index
        stream.seek(part.offset)
        entries = unpack_index(stream.read(part.size))
    assert differing(runtime, entries) == []
    (runtime / "data" / "text").write_text("replaced\n")
    assert differing(runtime, entries) == ["data/text"]


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({"ENGINE_CACHE_DIR": "{tmp}/own", "XDG_CACHE_HOME": "{tmp}/xdg", "HOME": "{tmp}"}, "own"),
        ({"ENGINE_CACHE_DIR": "own", "HOME": "{tmp}"}, "own"),
        ({"XDG_CACHE_HOME": "{tmp}/xdg", "HOME": "{tmp}"}, "xdg/engine"),
        ({"XDG_CACHE_HOME": "not/absolute", "HOME": "{tmp}"}, ".cache/engine"),
        ({"HOME": "{tmp}/"}, ".cache/engine"),
    ],
)
def test_cache_is_where_the_engine_would_look(
    file: Path, tmp_path: Path, call: Call, environment: dict[str, str], place: str
) -> None:
    done = call(file, **{name: value.format(tmp=tmp_path) for name, value in environment.items()})
    assert done.stdout.startswith(f"{file}|{tmp_path / place}\n") or done.stdout.startswith(
        f"{file}|{tmp_path}//{place}\n"
    )
    assert (unpacked(tmp_path / place) / "engine").exists()


def test_later_starts_write_nothing(file: Path, cache: Path, call: Call) -> None:
    call(file, f"--cache={cache}")
    before = {path: path.lstat().st_mtime_ns for path in cache.rglob("*")}
    assert call(file, f"--cache={cache}").returncode == 0
    assert {path: path.lstat().st_mtime_ns for path in cache.rglob("*")} == before


def test_starts_at_once_unpack_one_runtime(file: Path, cache: Path) -> None:
    command = [str(file), f"--cache={cache}"]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(12)]
    said = [process.communicate(timeout=120) for process in started]
    assert {process.returncode for process in started} == {0}
    assert {(out.splitlines()[-1], error) for out, error in said} == {("unpacked", "")}
    assert unpacked(cache).is_dir()


@pytest.mark.parametrize("damage", ["shorter", "absent", "another kind"])
def test_damaged_runtime_is_replaced(file: Path, cache: Path, call: Call, damage: str) -> None:
    call(file, f"--cache={cache}")
    text = unpacked(cache) / "data" / "text"
    if damage == "shorter":
        text.write_text("un")
    else:
        text.unlink()
    if damage == "another kind":
        text.mkdir()
    assert call(file, f"--cache={cache}").stdout.endswith("unpacked\n")
    assert text.read_text() == "unpacked\n"
    assert unpacked(cache).is_dir()


def test_what_a_killed_start_left_is_removed(file: Path, cache: Path, call: Call) -> None:
    left = cache / "runtime" / "4711.draft" / "data"
    left.mkdir(parents=True)
    (left / "half").write_text("hal")
    assert call(file, f"--cache={cache}").returncode == 0
    assert not left.parent.exists()


def test_stopped_start_leaves_nothing(file: Path, cache: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is needed to stop it in the middle")
    # The signal comes with the third file that is written.
    stopped = ["strace", "-f", "-o", os.devnull, "-e", "inject=fchmod:signal=SIGTERM:when=3"]
    done = subprocess.run(
        [*stopped, file, f"--cache={cache}"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode in (-signal.SIGTERM, 128 + signal.SIGTERM)
    assert [path.name for path in (cache / "runtime").iterdir()] == [".lock"]


def test_runtime_that_others_may_write_to_is_refused(file: Path, cache: Path, call: Call) -> None:
    call(file, f"--cache={cache}")
    unpacked(cache).chmod(0o777)
    done = call(file, f"--cache={cache}")
    assert done.returncode == CANNOT_START
    assert "others may write to it" in done.stderr
    assert done.stdout == ""


def test_file_in_it_that_others_may_write_to_is_replaced(file: Path, cache: Path, call: Call) -> None:
    call(file, f"--cache={cache}")
    program = unpacked(cache) / "engine"
    program.chmod(0o777)
    assert call(file, f"--cache={cache}").returncode == 0
    assert program.stat().st_mode & 0o777 == 0o755


def test_full_disk_is_told_and_nothing_is_left(file: Path, cache: Path) -> None:
    cache.mkdir()
    script = (
        f"mount -t tmpfs -o size=256k none {cache} && {{ {file} --cache={cache}; echo $?; ls -A {cache}/runtime; }}"
    )
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=False, timeout=120
    )
    if "mount:" in done.stderr or "unshare:" in done.stderr:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    assert done.stdout == f"{CANNOT_START}\n.lock\n"
    assert "has no room for the runtime: 2 MB are needed once, 0 MB are free" in done.stderr
    assert "--cache" in done.stderr


def test_failing_write_is_told_and_nothing_is_left(file: Path, cache: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    done = subprocess.run(
        [file, f"--cache={cache}"], capture_output=True, text=True, preexec_fn=limit, check=False, timeout=120
    )
    assert done.returncode == CANNOT_START
    assert "data/zeros: File too large" in done.stderr
    assert [path.name for path in (cache / "runtime").iterdir()] == [".lock"]


def test_cache_that_cannot_be_made_is_told(file: Path, tmp_path: Path, call: Call) -> None:
    (tmp_path / "text").write_text("")
    done = call(file, "--cache", "text/in")
    assert done.returncode == CANNOT_START
    assert f"cannot make {tmp_path}/text" in done.stderr
    assert "--cache" in done.stderr


@pytest.mark.parametrize("words", [["--cache"], ["--cache="], ["--cache", ""]])
def test_cache_option_without_a_folder_is_refused(file: Path, call: Call, words: list[str]) -> None:
    done = call(file, *words)
    assert done.returncode == CANNOT_START
    assert "--cache needs a folder" in done.stderr


def test_cut_file_is_refused(file: Path, cache: Path, call: Call) -> None:
    os.truncate(file, file.stat().st_size - 1)
    done = call(file, f"--cache={cache}")
    assert done.returncode == CANNOT_START
    assert "copy it again" in done.stderr
    assert not cache.exists()


def test_every_byte_before_the_manifest_that_is_read_is_held_to_a_checksum(
    file: Path, cache: Path, call: Call, launcher: Path
) -> None:
    content = file.read_bytes()
    start, end = launcher.stat().st_size, trailer_of(file).index.end
    for place in range(start, end, (end - start) // 40):
        changed = bytearray(content)
        changed[place] ^= 0x10
        file.write_bytes(changed)
        done = call(file, f"--cache={cache}")
        assert (done.returncode, done.stdout) == (CANNOT_START, ""), place
        assert "copy it again" in done.stderr
        assert not cache.exists() or [path.name for path in (cache / "runtime").iterdir()] == [".lock"]


def test_trailer_that_points_outside_is_refused(file: Path, cache: Path, call: Call) -> None:
    content = file.read_bytes()
    for at in range(16, 32, 8):
        trailer = bytearray(content[-TRAILER_SIZE:])
        trailer[at : at + 8] = b"\xff" * 8
        file.write_bytes(content[:-TRAILER_SIZE] + trailer)
        assert call(file, f"--cache={cache}").returncode == CANNOT_START


def test_a_compiler_without_zlib_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = tmp_path / "cc"
    compiler.write_text('#!/bin/sh\necho "launcher.c:28: fatal error: zlib.h: No such file" >&2\nexit 1\n')
    compiler.chmod(0o755)
    monkeypatch.setenv("CC", str(compiler))
    with pytest.raises(BuildFailed, match="zlib1g-dev"):
        compile_launcher(tmp_path / "launcher", tmp_path)
