"""What a file is built for, and what must be carried along for it."""

from __future__ import annotations

import importlib.metadata
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from engine.binary import pyinstaller
from engine.binary.distributions import ROOTS, modules_of_others, providers, required
from engine.binary.elf_needs import read_needs
from engine.binary.schema_digest import schema_sha256
from engine.binary.schema_source import SchemaSource, document_source, file_source, module_source
from engine.cli.application import _COMMANDS
from engine.cli.schema_argument import read_schema_argument
from engine.errors import BuildFailed, UnsupportedSchema, UsageError

ROOT = Path(__file__).parents[2]
MODEL = """
from pydantic import BaseModel
import helpers_of_mine, importlib
importlib.import_module("found_" + "late")
print("a module may print")
class User(BaseModel):
    name: str
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "people.py").write_text(MODEL)
    (tmp_path / "helpers_of_mine.py").write_text("import fractions\n")
    (tmp_path / "found_late.py").write_text("")
    return tmp_path


def test_module_is_carried_with_all_that_its_import_loads(project: Path) -> None:
    subject = file_source(project / "people.py", "User")
    assert (subject.text, subject.folder, subject.document) == ("people:User", project, None)
    assert {"people", "helpers_of_mine", "found_late", "fractions", "pydantic"} <= set(subject.modules)


def test_module_by_name_is_imported_from_the_given_folder(project: Path) -> None:
    (project / "inner").mkdir()
    (project / "inner" / "deep.py").write_text("X = int\n")
    subject = module_source("inner.deep", "X", project)
    assert {"inner", "inner.deep"} <= set(subject.modules)


@pytest.mark.parametrize("name", ["my-models", "1st", "class"])
def test_file_that_no_import_statement_can_name_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.py").write_text("X = int\n")
    with pytest.raises(UsageError, match="rename it"):
        file_source(tmp_path / f"{name}.py", "X")


@pytest.mark.parametrize("name", ["json", "sys", "pydantic", "engine"])
def test_file_that_would_hide_a_module_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.py").write_text("X = int\n")
    with pytest.raises(UsageError, match="which it would hide"):
        file_source(tmp_path / f"{name}.py", "X")


def test_import_that_fails_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import nowhere_to_be_found\n")
    with pytest.raises(BuildFailed, match=r"No module named 'nowhere_to_be_found'"):
        file_source(tmp_path / "broken.py", "X")


def test_document_is_known_by_its_name(tmp_path: Path) -> None:
    assert document_source(tmp_path / "a" / "order.json") == SchemaSource("order.json", tmp_path / "a" / "order.json")


def test_roots_are_the_dependencies_but_for_those_that_fetch() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(ROOTS) == {Requirement(text).name for text in project["dependencies"]} - {"pip", "huggingface_hub"}


def test_required_are_the_requirements_of_requirements() -> None:
    found = required(ROOTS)
    assert {"pydantic-core", "attrs", "markupsafe", "pygments"} <= found
    assert not {"pytest", "hypothesis", "pip", "pyinstaller", "no-such-thing"} & required((*ROOTS, "no-such-thing"))
    for name in found:
        for text in importlib.metadata.requires(name) or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                assert canonicalize_name(requirement.name) in found


def test_extras_bring_their_requirements() -> None:
    assert "email-validator" not in required(["pydantic"])
    assert "email-validator" in required(["pydantic[email]"])


def test_modules_come_from_distributions() -> None:
    assert providers(["pydantic.main", "yaml_of_nobody", "_pytest"]) == {"pydantic", "pytest"}
    others = modules_of_others(frozenset({"pydantic"}))
    assert "pytest" in others
    assert "pydantic" not in others


def test_what_the_module_imports_is_not_left_out(tmp_path: Path) -> None:
    (tmp_path / "wants.py").write_text("import sqlite3, pydantic.v1, hypothesis\nX = int\n")
    (tmp_path / "plain.py").write_text("X = int\n")
    left_out = []
    for name in ("wants", "plain"):
        options = list(pyinstaller._options(file_source(tmp_path / f"{name}.py", "X"), tmp_path, None))
        left_out.append({text.partition("=")[2] for text in options if text.startswith("--exclude-module=")})
        assert f"--hidden-import={name}" in options
    assert {"hypothesis", "pydantic.v1"} & left_out[0] == set()
    assert {"hypothesis", "pydantic.v1", "pip", "huggingface_hub", "_ssl"} <= left_out[1]


def test_runtime_has_the_module_of_each_command_that_it_offers() -> None:
    carried = pyinstaller._engine_modules()
    assert {_COMMANDS[name][0] for name in ("extract", "explain", "grammar", "doctor")} <= set(carried)
    assert "engine.cli.standalone" in carried
    assert not {"engine.binary.builder", "engine.cli.build", "engine.bench.decode"} & set(carried)


def test_llama_libraries_are_each_there_once() -> None:
    names = [path.name for path in pyinstaller._llama_libraries(None)]
    assert names == ["libggml-base.so.0", "libggml-cpu.so.0", "libggml.so.0", "libllama.so"]


def test_variants_of_a_portable_build_are_taken_along(tmp_path: Path) -> None:
    folder = tmp_path / "llama_cpp" / "lib"
    folder.mkdir(parents=True)
    for name in (
        "libllama.so",
        "libllama.so.0",
        "libllama.so.0.5.0",
        "libggml.so",
        "libggml.so.0",
        "libggml-cpu-x64.so",
    ):
        (folder / name).touch()
    names = [path.name for path in pyinstaller._llama_libraries(tmp_path)]
    assert names == ["libggml-cpu-x64.so", "libggml.so.0", "libllama.so"]


def test_needs_are_those_that_the_linker_wrote(tmp_path: Path) -> None:
    source = tmp_path / "a.c"
    source.write_text("#include <math.h>\nint main(int n, char **w) { return (int)pow(n, 2) + !w; }\n")
    subprocess.run(["cc", "-fno-builtin", str(source), "-o", str(tmp_path / "a"), "-lm"], check=True)
    needs = read_needs([tmp_path / "a", source])
    dumped = subprocess.run(["objdump", "-T", str(tmp_path / "a")], capture_output=True, text=True, check=True).stdout
    versions = {word.strip("()") for word in dumped.split() if word.strip("()").startswith("GLIBC_2.")}
    newest = max(versions, key=lambda word: [int(part) for part in word.removeprefix("GLIBC_").split(".")])
    assert f"GLIBC_{needs.glibc}" == newest
    assert needs.missing == ()


def test_library_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "b.c").write_text("int b(void) { return 1; }\n")
    (tmp_path / "a.c").write_text("int b(void); int main(void) { return b(); }\n")
    library, program = tmp_path / "libown.so.1", tmp_path / "a"
    subprocess.run(["cc", "-shared", "-Wl,-soname,libown.so.1", "b.c", "-o", library], cwd=tmp_path, check=True)
    subprocess.run(["cc", "a.c", library, "-o", program], cwd=tmp_path, check=True)
    assert read_needs([program]).missing == ("libown.so.1",)
    assert read_needs([program, library]).missing == ()


def test_digest_of_a_schema_follows_what_is_enforced_and_said() -> None:
    fields = ["name, age int", "name, age int", "name, age int: in years", "age int, name", "name, age float"]
    digests = [schema_sha256(read_schema_argument(text)) for text in fields]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 4
    assert schema_sha256({"type": "string"}) != schema_sha256({"type": "string", "maxLength": 3})
    with pytest.raises(UnsupportedSchema):
        schema_sha256({"type": "string", "no such keyword of JSON Schema": 1, "$ref": "http://example.org/a"})
