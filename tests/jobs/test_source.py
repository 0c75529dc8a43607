"""What can be a job's input, and with which words the rest is refused."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from engine.errors import InputInvalid, UsageError
from engine.jobs import source as source_module
from engine.jobs.input_digest import digest_input
from engine.jobs.source import Fields, open_source


def found(path: Path | str, **options: Any) -> list[tuple[Any, str]]:
    return [(entry.document.id, entry.document.text) for entry in open_source(str(path), **options).read()]


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_json_lines_with_every_kind_of_line_end(tmp_path: Path) -> None:
    data = b'\xef\xbb\xbf{"id": "a", "text": "x\\r\\n"}\r\n\n  \n{"text": "\xc3\xbc\\u0000", "id": 7, "more": [1]}'
    assert found(write(tmp_path / "in.jsonl", data)) == [("a", "x\r\n"), (7, "ü\0")]


def test_rows_without_ids_are_named_by_their_number_and_drawn_by_their_text(tmp_path: Path) -> None:
    path = write(tmp_path / "in.jsonl", b'{"t": "x"}\n\n{"t": "y"}\n{"t": "x"}\n')
    entries = list(open_source(str(path), fields=Fields("t")).read())
    assert [entry.document.id for entry in entries] == [1, 2, 3]
    assert entries[0].document.key == entries[2].document.key != entries[1].document.key


def test_csv_with_quotes_line_ends_and_a_mark(tmp_path: Path) -> None:
    data = b'\xef\xbb\xbfid,text\r\na,"x, ""y""\r\nz"\r\n\r\nb,\xc3\xbc\r\n'
    assert found(write(tmp_path / "in.csv", data)) == [("a", 'x, "y"\r\nz'), ("b", "ü")]
    assert found(write(tmp_path / "in.tsv", b"id\ttext\na\tx,y\n")) == [("a", "x,y")]


def test_lines_are_documents(tmp_path: Path) -> None:
    path = write(tmp_path / "in.txt", b"one\n\ntwo\r\nthree \0")
    assert found(path, format="lines") == [(1, "one"), (2, "two"), (3, "three \0")]


def test_files_of_a_folder_come_in_the_order_of_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    for name in ("b.txt", "a.txt", "sub/c.txt", "d.md"):
        (tmp_path / "in" / name).write_text(name, encoding="utf-8-sig")
    assert found(tmp_path / "in") == [(name, name) for name in ("a.txt", "b.txt", "sub/c.txt")]
    assert found(tmp_path / "in", pattern="*.md") == [("d.md", "d.md")]
    monkeypatch.chdir(tmp_path)
    assert found("in/*.txt") == [("in/a.txt", "a.txt"), ("in/b.txt", "b.txt")]
    with pytest.raises(UsageError, match=r"no file in .* matches '\*\.pdf'"):
        found(tmp_path / "in", pattern="*.pdf")


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("in.jsonl", b'{"text": "x"}\n' * 16 + b"{text}\n", "line 17: not JSON"),
        ("in.jsonl", b"[1]\n", "line 1: a row is a JSON object"),
        ("in.jsonl", b"[" * 5000 + b"\n", "line 1: "),
        ("in.jsonl", b'{"text": "a\0b"}\n', "line 1: not JSON"),
        ("in.jsonl", b'{"body": "x"}\n', "line 1: the row has no 'text' but 'body'; --text-field names the field"),
        ("in.jsonl", b'{"id": 1, "text": "x"}\n{"text": "x"}\n', "line 2: the row has no 'id'"),
        (
            "in.jsonl",
            b'{"id": "a", "text": "x"}\n\n{"id": "a", "text": "y"}\n',
            "line 3: the id 'a' is that of .*line 1",
        ),
        ("in.jsonl", b'{"id": 1, "text": "x"}\n{"id": "1", "text": "y"}\n', "line 2: the id '1' is that of"),
        ("in.jsonl", b'{"id": 1.5, "text": "x"}\n', "line 1: an id is a text or a whole number, not 1.5"),
        ("in.jsonl", b'{"id": "\xff", "text": "x"}\n', "line 1: the id is not UTF-8"),
        ("in.csv", b"id,text\na,x\nb\n", "line 3: the row has 1 cells, the header has 2"),
        ("in.csv", b'id,text\na,"x\n', "line 2: the row that begins here is not CSV"),
        ("in.jsonl", b'{"text": "x", "text": "y"}\n', "line 1: .*the member 'text' stands twice"),
        ("in.jsonl", '{"text": "x"}\n'.encode("utf-16"), "in.jsonl: not UTF-8 at byte 0; it looks like utf-16,"),
        ("in.csv", b'id,text\na,"x\ny"\nb,"z\n\n', "line 4: the row that begins here is not CSV"),
        ("in.csv", b'id,text\na,"x\ny",z\n', "line 2: the row has 3 cells"),
        ("in.csv", b"text,text\na,x\n", "line 1: a column's name comes twice"),
    ],
)
def test_input_that_is_none_is_refused_with_its_place(name: str, data: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputInvalid, match=words):
        digest_input(open_source(str(write(tmp_path / name, data))))


def test_line_that_no_memory_should_hold_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "MOST_BYTES", 1000)
    for name in ("in.jsonl", "in.csv"):
        path = write(tmp_path / name, b"text,id\n" if name.endswith("csv") else b"")
        path.write_bytes(path.read_bytes() + b"x" * 1001)
        with pytest.raises(InputInvalid, match="more than 0 MiB"):
            digest_input(open_source(str(path)))
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "large.txt", b"x" * 1001)
    (entry,) = open_source(str(tmp_path / "in")).read()
    assert "1001 bytes" in str(entry.error)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("none.jsonl", {}, "no file"),
        ("in.xyz", {}, "ends in none of .jsonl"),
        ("in.jsonl", {"format": "xml"}, "must be one of"),
        ("in.jsonl", {"format": "files"}, "is not a folder"),
        ("in.jsonl", {"pattern": "*.txt"}, "--glob chooses among the files of a folder"),
        (".", {"format": "csv"}, "is a folder"),
    ],
)
def test_name_that_means_nothing_is_refused(name: str, options: dict[str, Any], words: str, tmp_path: Path) -> None:
    for file in ("in.xyz", "in.jsonl"):
        write(tmp_path / file, b"")
    with pytest.raises(UsageError, match=words):
        open_source(str(tmp_path / name), **options)


def test_file_that_is_none_is_refused_and_not_left_out(tmp_path: Path) -> None:
    (tmp_path / "in" / "folder.txt").mkdir(parents=True)
    write(tmp_path / "in" / "a.txt", b"x")
    assert found(tmp_path / "in") == [("a.txt", "x")]
    link = tmp_path / "in" / "gone.txt"
    link.symlink_to("nowhere")
    with pytest.raises(InputInvalid, match=r"gone\.txt: cannot be read"):
        found(tmp_path / "in")
    link.unlink()
    os.mkfifo(link)
    with pytest.raises(InputInvalid, match=r"gone\.txt: is not a regular file"):
        found(tmp_path / "in")


def test_folder_that_cannot_be_listed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.txt", "closed/b.txt"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        write(tmp_path / "in" / name, b"x")
    scandir = os.scandir

    def closed(path: Any) -> Any:
        if os.fspath(path).endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    with pytest.raises(InputInvalid, match=r"closed: cannot be listed: Permission denied"):
        found(tmp_path / "in")
    assert found(tmp_path / "in", pattern="*.txt") == [("a.txt", "x")]


@pytest.mark.parametrize("pattern", ["/tmp/*.txt", "a**", ""])
def test_glob_that_means_nothing_is_refused(pattern: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--glob"):
        found(tmp_path, pattern=pattern)
