"""Models for the tests of this folder, made once a session, and a cache of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_models import bpe_tokens, default_model, sentencepiece_tokens, write_model


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session", autouse=True)
def cache_of_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Vocabularies are cached in a folder that the tests may damage."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENGINE_CACHE_DIR", str(folder))
        yield folder


@pytest.fixture(scope="session")
def bpe_path(model_folder: Path) -> Path:
    return write_model(model_folder / "bpe.gguf", bpe_tokens())


@pytest.fixture(scope="session")
def sentencepiece_path(model_folder: Path) -> Path:
    return write_model(model_folder / "sentencepiece.gguf", sentencepiece_tokens())


@pytest.fixture(scope="session")
def real_path() -> Path:
    """The default model; where it cannot be had the test is skipped, but for CI, where that is a failure."""
    path = default_model()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("the default model cannot be found or fetched")
        pytest.skip("the default model cannot be found or fetched")
    return path
