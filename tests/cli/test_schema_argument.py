"""SCHEMA as it is typed: a class in a module or a file, a JSON Schema file, or fields."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from engine.cli.fields import FieldsSyntax
from engine.cli.schema_argument import read_schema_argument
from engine.errors import UsageError

MODELS = """
from __future__ import annotations
from pydantic import BaseModel
import neighbour_of_target

class Invoice(BaseModel):
    lines: list[Line]
    class Inner(BaseModel):
        a: int

class Line(BaseModel):
    price: float
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "target_models.py").write_text(MODELS, encoding="utf-8")
    (tmp_path / "neighbour_of_target.py").write_text("", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        del sys.modules[name]


@pytest.mark.parametrize("schema", ["target_models:Invoice", "target_models.py:Invoice", "./target_models.py:Invoice"])
def test_class_of_a_module_or_a_file_in_the_working_folder(schema: str, folder: Path) -> None:
    target = read_schema_argument(schema)
    assert target.model_validate({"lines": [{"price": 1}]}).lines[0].price == 1.0


def test_class_inside_a_class(folder: Path) -> None:
    assert issubclass(read_schema_argument("target_models:Invoice.Inner"), BaseModel)


def test_file_is_found_from_any_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert issubclass(read_schema_argument(f"{folder}/target_models.py:Line"), BaseModel)


def test_json_schema_file(folder: Path) -> None:
    (folder / "s.json").write_text('\ufeff{"type": "integer", "maximum": 3}', encoding="utf-8")
    assert read_schema_argument("s.json") == {"type": "integer", "maximum": 3}


def test_fields_in_one_line() -> None:
    assert [field.alias for field in read_schema_argument("name, age int").model_fields.values()] == ["name", "age"]
    assert read_schema_argument("name: the name").model_fields["field_0"].description == "the name"


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ("nowhere_to_be_found:User", "no module 'nowhere_to_be_found'"),
        ("nowhere.to.be.found:User", "no module 'nowhere.to.be.found'"),
        ("target_models:Invoce", "did you mean Invoice"),
        ("./target_models.py:Bill", "^./target_models.py has no 'Bill'; it has Invoice, Line$"),
        ("target_models:Invoice.Outer", "no 'Outer'; it has Inner"),
        ("target_models.py", "which class"),
        ("absent.py:User", "no file 'absent.py'"),
        ("absent.json", "cannot be read"),
        ("broken.py:User", "SyntaxError"),
        ("raises.py:User", r"ZeroDivisionError: division by zero \(.*raises.py, line 2\)"),
        ("raises:User", "ZeroDivisionError"),
        ("lacks.py:User", "No module named 'lacking'"),
        ("list.json", "an object, true or false"),
        ("text.json", "not a JSON Schema"),
        ("twice.json", "'type' stands twice"),
        ("nan.json", "NaN is not JSON"),
        ("latin.json", "not UTF-8 at byte 2"),
        ("deep.json", "nested too deeply"),
    ],
)
def test_what_cannot_be_imported_is_refused_in_words(schema: str, reason: str, folder: Path) -> None:
    contents = {
        "broken.py": b"class (",
        "raises.py": b"\n1 / 0",
        "lacks.py": b"import lacking",
        "list.json": b"[]",
        "text.json": b"{",
        "twice.json": b'{"type": "string", "type": "integer"}',
        "nan.json": b'{"minimum": NaN}',
        "latin.json": b'{"\xfc": 1}',
        "deep.json": b'{"not": ' * 100_000,
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    with pytest.raises(UsageError, match=reason):
        read_schema_argument(schema)


def test_what_is_nothing_else_is_fields() -> None:
    with pytest.raises(FieldsSyntax):
        read_schema_argument("models/invoice.py Invoice")
