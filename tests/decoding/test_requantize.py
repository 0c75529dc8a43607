"""Weights of another type: made, named, recorded, and the same the next time."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.cli.models import models_app
from engine.decoding import requantize as module
from engine.decoding.requantize import quantize_in_child, requantize, requantized_name
from engine.errors import CopyFailed, DownloadFailed, ModelFileInvalid, UsageError
from engine.models import list_models, resolve, verify_model
from engine.models.environment import models_folder, user_models_file
from engine.models.model_source import Requantized


@pytest.fixture(autouse=True)
def _own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_new_model_has_a_name_an_origin_and_a_digest(bpe_path: Path) -> None:
    line = requantize(resolve(bpe_path), "Q8_0")
    assert (line.name, line.file) == ("bpe-q8_0", "bpe.Q8_0.gguf")
    assert line.source == Requantized(digest(bpe_path), "Q8_0")
    assert (line.sha256, line.size) == (digest(line.path), line.path.stat().st_size)
    assert next(one for one in list_models() if one.name == "bpe-q8_0") == line
    assert verify_model("bpe-q8_0").path == line.path


def test_the_second_time_nothing_is_made(bpe_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = requantize(resolve(bpe_path), "Q8_0")

    def none(*_: object, **__: object) -> None:
        raise AssertionError("it was made again")

    monkeypatch.setattr(module, "quantize_in_child", none)
    assert requantize(resolve(bpe_path), "Q8_0") == first


def test_a_lost_file_is_made_again_and_must_be_the_same(bpe_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = requantize(resolve(bpe_path), "Q8_0")
    line.path.unlink()
    with pytest.raises(DownloadFailed, match="engine models requantize"):
        resolve("bpe-q8_0")
    assert requantize(resolve(bpe_path), "Q8_0") == line
    line.path.unlink()
    monkeypatch.setattr(
        module, "quantize_in_child", lambda source, target, *_, **__: quantize_in_child(source, target, "F16")
    )
    with pytest.raises(CopyFailed, match="differently than before"):
        requantize(resolve(bpe_path), "Q8_0")
    assert not line.path.exists()


@pytest.mark.parametrize("broken", ["raises", "half"])
def test_a_file_that_is_not_whole_gets_no_name(broken: str, bpe_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def quantize(source: Path, target: Path, *_: object, **__: object) -> None:
        target.write_bytes(source.read_bytes()[:100])
        if broken == "raises":
            raise KeyboardInterrupt

    monkeypatch.setattr(module, "quantize_in_child", quantize)
    with pytest.raises((KeyboardInterrupt, ModelFileInvalid)):
        requantize(resolve(bpe_path), "Q8_0")
    assert [path.name for path in (models_folder() / "bpe-q8_0").iterdir()] == [".lock"]
    assert not user_models_file().exists()


def test_a_name_that_is_taken_and_a_type_that_is_none_are_refused(bpe_path: Path) -> None:
    with pytest.raises(CopyFailed, match="name of another model"):
        requantize(resolve(bpe_path), "Q8_0", name="gemma3-270m")
    with pytest.raises(UsageError, match="there are Q8_0"):
        requantize(resolve(bpe_path), "Q9")
    with pytest.raises(UsageError, match="not a name"):
        requantize(resolve(bpe_path), "Q8_0", name="No Name")


def test_the_quantiser_says_why_it_failed(tmp_path: Path) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"GGUF" + bytes(64))
    with pytest.raises(CopyFailed, match="quantiser ended with 1"):
        quantize_in_child(tmp_path / "bad.gguf", tmp_path / "out.gguf", "Q8_0")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("smollm2-135m-instruct", "smollm2-135m-instruct-q8_0"),
        ("Mine.Q4_K_M.gguf", "mine-q8_0"),
        ("ollama/openhermes:v2.5", "openhermes-v2.5-q8_0"),
        ("qwen2.5-7b-instruct-q4_k_m-00001-of-00002.gguf", "qwen2.5-7b-instruct-q8_0"),
    ],
)
def test_names_lose_the_old_type(name: str, expected: str) -> None:
    assert requantized_name(name, "Q8_0") == expected


def test_the_command_prints_the_path_and_both_perplexities(bpe_path: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("My name is Alice and I am 23 years old. " * 30, encoding="utf-8")
    command = ["requantize", str(bpe_path), "--to", "Q8_0", "--text", str(tmp_path / "text.txt"), "--tokens", "200"]
    result = CliRunner().invoke(models_app, command)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(models_folder() / "bpe-q8_0" / "bpe.Q8_0.gguf")
    assert "as bpe.gguf" in result.stderr
    assert "as bpe-q8_0" in result.stderr
