"""One file, built for the README's `User`, alone in an empty folder, without environment, network or Python."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.cli.application import _COMMANDS

pytestmark = [pytest.mark.slow, pytest.mark.real_model]

ROOT = Path(__file__).parents[2]
TEXT = "My name is John and I am 20 years old"
LINE = '{"name":"John","age":20}\n'
WITHOUT_NETWORK = ("unshare", "--map-root-user", "--net")
# Calls that change files, and those of their flags that say so.
_CHANGES = re.compile(
    r"^\d+ +(?:creat|mkdir|rename|unlink|rmdir|symlink|link|chmod|fchmodat|truncate|mknod|utime)\w*\("
)
_OPENED = re.compile(r"^\d+ +open\w*\(.*O_(?:WRONLY|RDWR|CREAT|TRUNC)")
_PATH = re.compile(r'"((?:[^"\\]|\\.)*)"')


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, real_path: Path) -> tuple[Path, str]:
    """The file, and what was said while it was built."""
    folder = tmp_path_factory.mktemp("build")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    users = re.search(r"^class User\(BaseModel\):\n(?: .*\n)+", readme, re.MULTILINE)
    assert users is not None
    (folder / "users.py").write_text(f"from pydantic import BaseModel\n\n\n{users[0]}")
    said = build(folder, "users.py:User", "--model", str(real_path))
    assert sorted(path.name for path in folder.iterdir() if path.name != "__pycache__") == ["extract-users", "users.py"]
    return folder / "extract-users", said


def build(folder: Path, schema: str, *words: str) -> str:
    """Build the file in a folder; what was said on standard error."""
    command = [sys.executable, "-m", "engine", "build", schema, "--output", "extract-users", *words]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": path}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def machine(built: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the file and nothing else."""
    folder = tmp_path_factory.mktemp("machine")
    shutil.copy2(built[0], folder)
    return folder


def start(machine: Path, *words: str, before: Sequence[str] = (), text: str = "") -> subprocess.CompletedProcess[str]:
    command = [*before, "./extract-users", *words, "--cache", "cache"]
    return subprocess.run(
        command, cwd=machine, env={}, input=text, capture_output=True, text=True, timeout=300, check=False
    )


def without_network() -> tuple[str, ...]:
    tried = subprocess.run([*WITHOUT_NETWORK, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"the kernel allows no namespace without network: {tried.stderr.strip()}")
    return WITHOUT_NETWORK


def test_build_says_size_and_glibc(built: tuple[Path, str]) -> None:
    file, said = built
    assert f"{file.stat().st_size:,} bytes; needs Linux with glibc 2." in said
    assert "Tried: it extracted" in said


def changed_path(call: str) -> str | None:
    """The path that a traced call made or changed, None where it did neither or failed."""
    if not (_OPENED.search(call) or _CHANGES.search(call)) or " = -1 E" in call:
        return None
    paths: list[str] = _PATH.findall(call)
    return paths[-1]  # what a link points to comes before it, what is renamed too


def test_first_start_extracts_without_network_and_touches_only_its_cache(machine: Path) -> None:
    traced = shutil.which("strace") is not None
    trace = ("strace", "-f", "-s", "4096", "-o", str(machine.parent / "trace"), "-e", "trace=%file,%network")
    before = (*without_network(), *trace) if traced else without_network()
    (machine / "notes.txt").write_text(TEXT)
    done = start(machine, "--max-items", "1", "notes.txt", before=before)
    assert (done.returncode, done.stdout) == (0, LINE), done.stderr
    assert sorted(path.name for path in machine.iterdir()) == ["cache", "extract-users", "notes.txt"]
    if traced:
        calls = (machine.parent / "trace").read_text(errors="replace").splitlines()
        assert [call for call in calls if re.search(r"\bsocket\(AF_INET6?,", call)] == []
        changed = set(filter(None, map(changed_path, calls)))
        outside = {path for path in changed if not (machine / path).is_relative_to(machine / "cache")}
        assert outside <= {"/dev/null", "/dev/tty"}
        assert any("/runtime/" in path for path in changed), "the trace shows the unpacking"


def test_text_may_come_through_a_pipe(machine: Path) -> None:
    done = start(machine, "--max-items", "1", before=without_network(), text=TEXT)
    assert (done.returncode, done.stdout, done.stderr) == (0, LINE, "")


def test_every_line_of_output_is_json(machine: Path) -> None:
    texts = "\n".join(f"My name is {name} and I am {age} years old" for name, age in (("Jürgen", 20), ("Mary", 21)))
    done = start(machine, "--lines", "--max-items", "1", text=texts)
    assert [set(json.loads(line)) for line in done.stdout.splitlines()] == [{"name", "age"}] * 2


def test_version_is_that_of_schema_model_and_engine(machine: Path) -> None:
    said = json.loads(start(machine, "--version").stdout)
    assert said["schema"]["target"] == "users:User"
    assert re.fullmatch(r"[0-9a-f]{64}", said["schema"]["sha256"])
    assert said["model"]["sha256"] == "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    assert {"engine", "glibc", "llama_cpp_python", "portable"} <= set(said)


def test_table_explanation_and_verification(machine: Path) -> None:
    table = start(machine, "--table", "--max-items", "1", text=TEXT)
    assert table.returncode == 0
    assert "│ John │ 20  │" in table.stdout
    assert "/properties/age" in start(machine, "explain").stdout
    assert json.loads(start(machine, "verify").stdout)["verified"]["model"] is True


def test_network_is_refused_and_foreign_modules_are_not_run(machine: Path) -> None:
    for name in ("users", "json", "typing_extensions"):
        (machine / f"{name}.py").write_text("raise SystemExit('a foreign module was run')\n")
    try:
        assert start(machine, "--max-items", "1", text=TEXT).stdout == LINE
        done = start(machine, "--model", "openhermes-2.5-mistral-7b", text=TEXT)
        assert done.returncode == 4
        assert "offline" in done.stderr
    finally:
        for path in machine.glob("*.py"):
            path.unlink()


@pytest.mark.skipif("batch" not in _COMMANDS, reason="this engine has no batch jobs")
def test_batch_job_runs(machine: Path) -> None:
    (machine / "in").mkdir()
    (machine / "in" / "a.txt").write_text(TEXT)
    done = start(machine, "batch", "in", "out")
    assert done.returncode == 0, done.stderr
    assert (machine / "out").exists()


@pytest.mark.thorough
def test_same_build_in_another_folder_gives_the_same_bytes(
    built: tuple[Path, str], tmp_path: Path, real_path: Path
) -> None:
    shutil.copy2(built[0].parent / "users.py", tmp_path)
    build(tmp_path, "users.py:User", "--model", str(real_path))
    assert (tmp_path / "extract-users").read_bytes() == built[0].read_bytes()


NOISY = """
import importlib
from pydantic import BaseModel, EmailStr, field_validator
print("noise")
helper = importlib.import_module("help" + "er_of_users")
class User(BaseModel):
    name: str
    age: int
    email: EmailStr | None = None
    @field_validator("name")
    @classmethod
    def proper(cls, value):
        return helper.proper(value)
"""
DOCUMENT = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


@pytest.mark.thorough
@pytest.mark.parametrize("schema", ["noisy.py:User", "user.schema.json", "name, age int"])
def test_file_without_a_model_takes_one_and_carries_any_schema(tmp_path: Path, real_path: Path, schema: str) -> None:
    (tmp_path / "noisy.py").write_text(NOISY)
    (tmp_path / "helper_of_users.py").write_text("def proper(name):\n    assert name[0].isupper()\n    return name\n")
    (tmp_path / "user.schema.json").write_text(json.dumps(DOCUMENT))
    build(tmp_path, schema, "--no-model")
    machine = tmp_path / "machine"
    machine.mkdir()
    shutil.move(tmp_path / "extract-users", machine)
    done = start(machine, "--max-items", "1", text=TEXT)
    assert (done.returncode, done.stdout) == (4, "")
    assert "built without a model; name one with --model" in done.stderr
    done = start(machine, "--max-items", "1", "--model", str(real_path), text=TEXT)
    assert done.returncode == 0, done.stderr
    assert '"name":"John"' in done.stdout
    assert [json.loads(line)["age"] for line in done.stdout.splitlines()] == [20]
