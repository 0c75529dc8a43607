"""What a name, a path or nothing means."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import ModelFileInvalid, ModelNotFound
from engine.models import resolve, sha256_of, verify_model
from engine.models.environment import DEFAULT_MODEL, user_models_file

MakeGguf = Callable[..., bytes]


@pytest.fixture
def known(make_gguf: MakeGguf, tmp_path: Path) -> Path:
    """A model `known` whose file is on the disk."""
    user_models_file().parent.mkdir(parents=True)
    user_models_file().write_text("known hf:me/models k.gguf - - MIT gemma\n", encoding="utf-8")
    path = tmp_path / "models" / "known" / "k.gguf"
    path.parent.mkdir(parents=True)
    path.write_bytes(make_gguf())
    return path


def test_path_is_the_file(tmp_path: Path, make_gguf: MakeGguf, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "modèle 日本.gguf"
    path.write_bytes(make_gguf(template="jinja"))
    monkeypatch.chdir(tmp_path)
    for name in (path, str(path), path.name, Path(path.name)):
        found = resolve(name)
        assert (found.path, found.name, found.chat_format, found.chat_template) == (path, path.name, None, "jinja")
        assert found.sha256 is None
    assert verify_model(path).sha256 == sha256_of(path)


def test_home_folder_is_understood(tmp_path: Path, make_gguf: MakeGguf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "m.gguf").write_bytes(make_gguf())
    assert resolve("~/m.gguf").path == resolve(Path("~/m.gguf")).path == tmp_path / "m.gguf"


def test_file_without_the_usual_ending_is_found_if_it_exists(tmp_path: Path, make_gguf: MakeGguf) -> None:
    path = tmp_path / "weights"
    with pytest.raises(ModelNotFound):
        resolve(str(path))
    path.write_bytes(make_gguf())
    assert resolve(str(path)).path == path


def test_known_name_comes_before_a_file_of_that_name(
    known: Path, tmp_path: Path, make_gguf: MakeGguf, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "known").write_bytes(make_gguf())
    monkeypatch.chdir(tmp_path)
    assert resolve("known").path == known
    assert resolve("./known").path == tmp_path / "known"


def test_nothing_means_the_variable_and_then_the_default(known: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_MODEL", "known")
    assert resolve() == resolve("known") == resolve(None)
    assert resolve().chat_format == "gemma"
    monkeypatch.setenv("ENGINE_MODEL", "")
    with pytest.raises(ModelNotFound) as caught:
        verify_model()
    assert caught.value.name == DEFAULT_MODEL


def test_unknown_name_tells_where_it_was_looked_for_and_what_is_near(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="Did you mean smollm2-135m-instruct") as caught:
        resolve("smollm2-135m")
    assert any(place.endswith("models.txt") for place in caught.value.searched)
    with pytest.raises(ModelNotFound, match="Known names: smollm2"):
        resolve("zzz")
    with pytest.raises(ModelNotFound):
        resolve("")


def test_absent_path_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound) as caught:
        resolve(tmp_path / "absent.gguf")
    assert caught.value.searched == (str(tmp_path / "absent.gguf"),)


def test_damaged_users_file_is_an_error_not_an_empty_one(known: Path) -> None:
    user_models_file().write_text("known\n", encoding="utf-8")
    with pytest.raises(ModelFileInvalid, match="line 1"):
        resolve("known")


def test_truncated_file_under_a_known_name_is_refused(known: Path) -> None:
    resolve("known")
    known.write_bytes(known.read_bytes()[:-200])
    with pytest.raises(ModelFileInvalid, match="truncated"):
        resolve("known")


def test_changed_file_under_a_known_name_is_refused(known: Path, make_gguf: MakeGguf) -> None:
    resolve("known")
    known.write_bytes(make_gguf(template="other"))
    with pytest.raises(ModelFileInvalid, match=r"says .*delete it"):
        resolve("known")


def test_size_in_models_txt_is_held_to(known: Path) -> None:
    user_models_file().write_text("known hf:me/models k.gguf 5 - MIT -\n", encoding="utf-8")
    with pytest.raises(ModelFileInvalid, match=r"models\.txt says 5"):
        resolve("known")


def test_checksum_that_cannot_be_recorded_is_an_error(known: Path) -> None:
    (known.parent / "k.gguf.sha256.json").mkdir()
    with pytest.raises(ModelFileInvalid, match="cannot be"):
        resolve("known")
