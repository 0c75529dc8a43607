"""Models that are carried by hand: import and export, on two machines that never meet."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.cli import engine_app
from engine.errors import CopyFailed, DownloadFailed, ModelFileInvalid
from engine.models import export_model, import_model, list_models, resolve, verify_model
from engine.models.catalogue import read_catalogue
from engine.models.environment import user_models_file

MakeGguf = Callable[..., bytes]
CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder


def another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("ENGINE_MODELS_DIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "OLLAMA_MODELS"):
        monkeypatch.setenv(variable, str(tmp_path / "other" / variable))


def know(*lines: str) -> None:
    user_models_file().parent.mkdir(parents=True, exist_ok=True)
    user_models_file().write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_known_model_is_recognised_by_its_checksum(make_gguf: MakeGguf, stick: Path) -> None:
    content = make_gguf()
    know(f"known hf:me/models k.gguf {len(content)} {sha256(content)} MIT gemma")
    (stick / "any name").write_bytes(content)
    line = import_model(stick / "any name")
    assert line.name == "known"
    assert resolve("known").path.read_bytes() == content
    assert verify_model("known").chat_format == "gemma"


def test_model_without_a_known_checksum_is_recognised_by_its_file_and_held_to_it(
    make_gguf: MakeGguf, stick: Path
) -> None:
    know("known hf:me/models k.gguf - - MIT gemma")
    (stick / "k.gguf").write_bytes(make_gguf())
    assert import_model(stick / "k.gguf").name == "known"
    (stick / "k.gguf").write_bytes(make_gguf(template="other"))
    with pytest.raises(ModelFileInvalid, match="give it another name"):
        import_model(stick / "k.gguf")
    assert resolve("known").chat_template is None


def test_unknown_model_needs_a_name_and_gets_a_line(make_gguf: MakeGguf, stick: Path) -> None:
    content = make_gguf()
    (stick / "m.gguf").write_bytes(content)
    with pytest.raises(CopyFailed, match=f"{sha256(content)}; give it a name with --name"):
        import_model(stick / "m.gguf")
    with pytest.raises(CopyFailed, match="is not a name"):
        import_model(stick / "m.gguf", name="No Name")
    assert not user_models_file().exists()
    import_model(stick / "m.gguf", name="mine")
    (line,) = read_catalogue(user_models_file())
    assert (line.name, str(line.source), line.sha256) == ("mine", "imported", sha256(content))
    (stick / "m.gguf").unlink()
    assert resolve("mine").path.read_bytes() == content


def test_line_of_a_known_name_is_not_taken_by_another_model(make_gguf: MakeGguf, stick: Path) -> None:
    content = make_gguf()
    know(f"known hf:me/models k.gguf {len(content)} {sha256(content)} - -")
    (stick / "m.gguf").write_bytes(make_gguf(template="other"))
    with pytest.raises(ModelFileInvalid, match="that of known is"):
        import_model(stick / "m.gguf", name="known")
    assert not next(line for line in list_models() if line.name == "known").path.exists()


def test_imports_add_to_the_lines_that_are_there(make_gguf: MakeGguf, stick: Path) -> None:
    know("# mine", "first hf:me/models k.gguf - - - -")
    user_models_file().write_text(user_models_file().read_text().rstrip("\n"))
    (stick / "m.gguf").write_bytes(make_gguf())
    for _ in range(2):
        import_model(stick / "m.gguf", name="second")
    text = user_models_file().read_text()
    assert text.startswith("# mine\nfirst hf:me/models k.gguf - - - -\nsecond imported: second.gguf ")
    assert text.count("second") == 2


def test_exported_model_is_known_on_another_machine(
    make_gguf: MakeGguf, stick: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (stick / "m.gguf").write_bytes(make_gguf())
    know(f"mine imported: mine.gguf - {sha256((stick / 'm.gguf').read_bytes())} MIT chatml")
    import_model(stick / "m.gguf")
    model, line = export_model("mine", stick)
    assert model.path == stick / "mine.gguf"
    assert line.written() in (stick / "mine.gguf.txt").read_text()
    another_machine(tmp_path, monkeypatch)
    assert "mine" not in {known.name for known in list_models()}
    import_model(stick / "mine.gguf")
    found = resolve("mine")
    assert (found.chat_format, found.sha256) == ("chatml", model.sha256)
    assert next(known for known in list_models() if known.name == "mine").licence == "MIT"


def test_damaged_copy_is_refused(make_gguf: MakeGguf, stick: Path) -> None:
    (stick / "m.gguf").write_bytes(make_gguf())
    export_model(stick / "m.gguf", stick / "copy.gguf")
    content = bytearray((stick / "copy.gguf").read_bytes())
    content[-1] ^= 1
    (stick / "copy.gguf").write_bytes(content)
    with pytest.raises(ModelFileInvalid, match=r"is not what copy\.gguf\.txt says; copy both again"):
        import_model(stick / "copy.gguf")


def test_export_does_not_overwrite_another_file(make_gguf: MakeGguf, stick: Path) -> None:
    (stick / "m.gguf").write_bytes(make_gguf())
    (stick / "other.gguf").write_bytes(b"precious")
    with pytest.raises((CopyFailed, ModelFileInvalid), match="is there already"):
        export_model(stick / "m.gguf", stick / "other.gguf")
    assert (stick / "other.gguf").read_bytes() == b"precious"
    export_model(stick / "m.gguf", stick / "copy.gguf")
    export_model(stick / "m.gguf", stick / "copy.gguf")
    assert sorted(path.name for path in stick.iterdir()) == ["copy.gguf", "copy.gguf.txt", "m.gguf", "other.gguf"]


def test_what_is_no_model_is_refused(make_gguf: MakeGguf, stick: Path) -> None:
    (stick / "text.gguf").write_text("not a model")
    with pytest.raises(ModelFileInvalid, match="not a GGUF"):
        import_model(stick / "text.gguf", name="mine")
    (stick / "cut.gguf").write_bytes(make_gguf()[:-100])
    with pytest.raises(ModelFileInvalid, match="truncated"):
        import_model(stick / "cut.gguf", name="mine")
    assert not user_models_file().exists()


def test_full_disk_leaves_nothing(
    make_gguf: MakeGguf, stick: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (stick / "m.gguf").write_bytes(make_gguf())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(CopyFailed, match="No space left on device"):
            import_model(stick / "m.gguf", name="mine")
    assert [path.name for path in (tmp_path / "models" / "mine").iterdir()] == [".lock"]
    assert not user_models_file().exists()


def test_what_a_killed_import_left_is_removed(make_gguf: MakeGguf, stick: Path, tmp_path: Path) -> None:
    (stick / "m.gguf").write_bytes(make_gguf())
    left = tmp_path / "models" / "mine" / ".mine.gguf.0123456789abcdef.copy"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    import_model(stick / "m.gguf", name="mine")
    assert not left.exists()


def test_imports_at_once_make_one_file_and_one_line_each(make_gguf: MakeGguf, stick: Path) -> None:
    for name in "ab":
        (stick / f"{name}.gguf").write_bytes(make_gguf(template=name))
    program = "import sys; from pathlib import Path; from engine.models import import_model; "
    program += "import_model(Path(sys.argv[1]), name=sys.argv[2])"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(CHECKOUT), os.environ.get("PYTHONPATH", "")])}
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(stick / f"{name}.gguf"), name], env=environment)
        for name in "abab"
    ]
    assert [process.wait(60) for process in started] == [0, 0, 0, 0]
    assert sorted(line.name for line in read_catalogue(user_models_file())) == ["a", "b"]
    assert {verify_model(name).chat_template for name in "ab"} == {"a", "b"}


def test_imported_model_that_is_gone_cannot_be_fetched(make_gguf: MakeGguf, stick: Path) -> None:
    (stick / "m.gguf").write_bytes(make_gguf())
    import_model(stick / "m.gguf", name="mine").path.unlink()
    with pytest.raises(DownloadFailed, match="engine models import --name mine FILE"):
        resolve("mine")


def test_commands_print_the_path_alone_on_standard_output(make_gguf: MakeGguf, stick: Path, tmp_path: Path) -> None:
    (stick / "m.gguf").write_bytes(make_gguf())
    done = CliRunner().invoke(engine_app, ["--offline", "models", "import", "--name", "mine", str(stick / "m.gguf")])
    assert (done.exit_code, done.stdout) == (0, f"{tmp_path}/models/mine/mine.gguf\n"), done.stderr
    done = CliRunner().invoke(engine_app, ["models", "export", "mine", str(stick)])
    assert (done.exit_code, done.stdout) == (0, f"{stick}/mine.gguf\n"), done.stderr
    assert "mine.gguf.txt" in done.stderr


def test_offline_option_refuses_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_OFFLINE", "")
    done = CliRunner().invoke(engine_app, ["--offline", "models", "pull", "smollm2-135m-instruct"])
    assert done.exit_code == 4
    assert "offline: --offline was given or ENGINE_OFFLINE is set" in done.stderr
    assert "engine models import FILE" in done.stderr


@pytest.mark.parametrize("target", ["not there", "not there/", "deep/er.gguf", "name.bin", "a:b.gguf"])
def test_export_to_what_is_neither_a_folder_nor_a_gguf_file_is_refused(
    make_gguf: MakeGguf, stick: Path, target: str
) -> None:
    (stick / "k.gguf").write_bytes(make_gguf())
    with pytest.raises(CopyFailed, match=r"neither a folder that is there nor|No such file"):
        export_model(stick / "k.gguf", stick / target)
    assert [path.name for path in stick.iterdir()] == ["k.gguf"]
