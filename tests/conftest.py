"""What all tests share: profiles, a cache of their own, and model files that are made or fetched once a session."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from tiny_models import bpe_tokens, default_model, sentencepiece_tokens, write_model

from engine.models.environment import models_folder

# Wall-clock limits say more about the machine than about the code.
hypothesis.settings.register_profile("fast", deadline=None, derandomize=True)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=2000)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--thorough", action="store_true", help="also run the long tests")


def pytest_configure(config: pytest.Config) -> None:
    # A shell that runs the tests in the background lets them ignore Ctrl-C, and so would all that they start.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    hypothesis.settings.load_profile("thorough" if _thorough(config) else "fast")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if _thorough(config):
        return
    skipped = pytest.mark.skip(reason="long; run with --thorough")
    for item in items:
        if item.get_closest_marker("thorough"):
            item.add_marker(skipped)


def _thorough(config: pytest.Config) -> bool:
    return bool(config.getoption("--thorough")) or os.environ.get("ENGINE_TEST_PROFILE") == "thorough"


@pytest.fixture(scope="session", autouse=True)
def cache_of_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Vocabularies are cached in a folder that the tests may damage; fetched models stay where the user keeps them."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENGINE_MODELS_DIR", str(models_folder()))
        patch.setenv("ENGINE_CACHE_DIR", str(folder))
        # Each model here is new to this machine; the tests of the probe turn it on.
        patch.setenv("ENGINE_PROBE", "off")
        yield folder


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def bpe_path(model_folder: Path) -> Path:
    """A model of random weights with a byte-level BPE vocabulary."""
    return write_model(model_folder / "bpe.gguf", bpe_tokens())


@pytest.fixture(scope="session")
def sentencepiece_path(model_folder: Path) -> Path:
    """A model of random weights with the vocabulary of OpenHermes."""
    return write_model(model_folder / "sentencepiece.gguf", sentencepiece_tokens())


@pytest.fixture(scope="session")
def real_path() -> Path:
    """The default model; where it cannot be had the test is skipped, but for CI, where that is a failure."""
    path = default_model()
    if path is None:
        message = "the default model cannot be found or fetched"
        if os.environ.get("ENGINE_CI") or os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return path
