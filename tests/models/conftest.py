"""A machine of its own for each test, and a maker of tiny GGUF files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import pytest

MakeGguf = Callable[..., bytes]


@pytest.fixture(autouse=True)
def own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty folders for downloads, caches, settings and Ollama; no variable of the real user is seen."""
    for variable in (
        "ENGINE_MODEL",
        "ENGINE_CACHE_DIR",
        "ENGINE_OFFLINE",
        "ENGINE_HF_ENDPOINT",
        "HF_ENDPOINT",
        "HF_TOKEN",
        "OLLAMA_MODELS",
    ):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.upper(), raising=False)
    monkeypatch.setenv("ENGINE_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))  # for child processes; here it was read already
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub" / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "hub" / "token"))
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "ollama"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def make_gguf(tmp_path: Path) -> MakeGguf:
    """The bytes of a small, whole GGUF file, written by the reference library."""

    def make(*, template: str | None = None, kind: str = "model", rows: int = 8, alignment: int | None = None) -> bytes:
        path = tmp_path / "made.gguf"
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_type(kind)
        writer.add_token_list(["<s>", "a", "ä", "日本", ""])
        writer.add_token_scores([0.0, 1.0, 2.0, 3.0, 4.0])
        if alignment is not None:
            writer.add_custom_alignment(alignment)
        if template is not None:
            writer.add_chat_template(template)
        writer.add_tensor("plain", np.arange(rows * 32, dtype=np.float32).reshape(rows, 32))
        packed = gguf.quants.quantize(np.ones((rows, 64), dtype=np.float32), gguf.GGMLQuantizationType.Q8_0)
        writer.add_tensor("packed", packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        content = path.read_bytes()
        path.unlink()
        return content

    return make
