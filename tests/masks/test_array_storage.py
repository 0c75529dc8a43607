"""Arrays on the disk: what is loaded is what was saved, or nothing."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.masks import array_storage

ARRAYS: dict[str, array_storage.StoredArray] = {
    "bytes": np.arange(200, dtype=np.uint8),
    "numbers": np.arange(12, dtype=np.int64).reshape(3, 4),
    "flags": np.array([True, False]),
    "none": np.zeros((0, 5), dtype=np.float32),
}


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "arrays"
    array_storage.save_arrays(path, "key", ARRAYS)
    loaded = array_storage.load_arrays(path, "key")
    assert loaded is not None
    assert list(loaded) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert loaded[name].dtype == array.dtype
        assert np.array_equal(loaded[name], array)
        assert not loaded[name].flags.writeable


def test_another_key_finds_nothing(tmp_path: Path) -> None:
    array_storage.save_arrays(tmp_path / "arrays", "key", ARRAYS)
    assert array_storage.load_arrays(tmp_path / "arrays", "other") is None
    assert array_storage.load_arrays(tmp_path / "absent", "key") is None


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "arrays"
    array_storage.save_arrays(path, "key", ARRAYS)
    return path


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_no_flipped_bit_goes_unnoticed(saved: Path, data: st.DataObject) -> None:
    content = bytearray(saved.read_bytes())
    place = data.draw(st.integers(0, len(content) * 8 - 1))
    content[place // 8] ^= 1 << place % 8
    damaged = saved.with_name("damaged")
    damaged.write_bytes(content)
    assert array_storage.load_arrays(damaged, "key") is None


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=200))
def test_foreign_files_are_nothing(saved: Path, content: bytes) -> None:
    foreign = saved.with_name("foreign")
    for start in (b"", b"ENGINE-ARRAYS-1\n", b"ENGINE-ARRAYS-1\n" + bytes(16) + b"\x20\0\0\0\0\0\0\0"):
        foreign.write_bytes(start + content)
        assert array_storage.load_arrays(foreign, "key") is None


def test_two_writers_leave_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "arrays"
    others = {"bytes": np.zeros(5000, dtype=np.uint8)}
    threads = [
        threading.Thread(target=array_storage.save_arrays, args=(path, "key", arrays))
        for arrays in (ARRAYS, others) * 8
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    loaded = array_storage.load_arrays(path, "key")
    assert loaded is not None
    assert list(loaded) in (list(ARRAYS), list(others))
    assert [entry.name for entry in tmp_path.iterdir()] == ["arrays"]


def test_the_folder_follows_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_CACHE_DIR", str(tmp_path))
    assert array_storage.array_cache_folder() == tmp_path
    monkeypatch.delenv("ENGINE_CACHE_DIR")
    assert array_storage.array_cache_folder().name == "engine"
