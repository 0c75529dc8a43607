"""Documents: whole files or lines, pulled one by one."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.cli.documents import Documents
from engine.cli.example_file import read_examples
from engine.errors import TextUnreadable, UsageError


def test_each_file_is_a_document(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one\ntwo\n", encoding="utf-8")
    (tmp_path / "b").write_bytes("\ufeffdrei ü".encode())
    documents = Documents([str(tmp_path / "a"), str(tmp_path / "b")], lines=False)
    assert list(documents) == ["one\ntwo\n", "drei ü"]
    assert documents.name(1) == str(tmp_path / "b")


def test_each_line_is_a_document(tmp_path: Path) -> None:
    # Only a newline ends a line: U+2028 and a form feed belong to the text.
    (tmp_path / "a").write_bytes("one\u2028\x0cx\r\n\nthree".encode())
    documents = Documents([str(tmp_path / "a")], lines=True)
    assert list(documents) == ["one\u2028\x0cx", "three"]
    assert documents.name(1) == f"{tmp_path / 'a'}:3"


def test_lines_are_read_when_they_are_pulled(monkeypatch: pytest.MonkeyPatch) -> None:
    source, sink = os.pipe()
    with os.fdopen(source, "rb") as stream:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=stream))
        documents = Documents([], lines=True)
        os.write(sink, b"one\n")
        assert next(documents) == "one"  # the pipe is still open
        os.write(sink, b"two")
        os.close(sink)
        assert list(documents) == ["two"]


def test_standard_input_is_not_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.BytesIO(b"text")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=stream))
    assert list(Documents(["-"], lines=False)) == ["text"]
    assert not stream.closed


def test_text_that_is_no_utf8_is_an_error_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"ok\nGr\xfc\xdfe aus K\xf6ln\nfine\n")
    documents = list(Documents([str(tmp_path / "a")], lines=True))
    assert documents[0::2] == ["ok", "fine"]
    assert isinstance(documents[1], TextUnreadable)
    likely = "it looks like windows-1252, which --encoding windows-1252 reads"
    assert str(documents[1]) == f"{tmp_path / 'a'}:2: not UTF-8 at byte 2; {likely}"


@pytest.mark.parametrize("lines", [False, True])
def test_encoding_is_as_it_was_said_or_found_and_told(lines: bool, tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("utf-8", "windows-1252", "utf-16", "utf-16-le")}
    for name, path in files.items():
        path.write_bytes("Grüße aus Köln\n".encode(name))
    end = "" if lines else "\n"
    found = Documents([str(path) for path in files.values()], lines=lines, encoding="auto")
    assert list(found) == ["Grüße aus Köln" + end] * 4
    assert found.notes == [f"{path}: read as {name}" for name, path in list(files.items())[1:]]
    for name, path in files.items():
        said = Documents([str(path)], lines=lines, encoding=name)
        assert (list(said), said.notes) == (["Grüße aus Köln" + end], [])
    for path in list(files.values())[1:]:
        (unread,) = Documents([str(path)], lines=lines)
        assert isinstance(unread, TextUnreadable)
        assert "which --encoding" in unread.reason


def test_unknown_encoding_is_refused_before_anything_is_read() -> None:
    with pytest.raises(UsageError, match="did you mean latin-1"):
        Documents([], lines=False, encoding="latin-11")


def test_file_that_fails_while_it_is_read_is_an_error_in_its_place(
    tmp_path: Path,
) -> None:
    for name in "abc":
        (tmp_path / name).write_text(name, encoding="utf-8")
    documents = Documents([str(tmp_path / name) for name in "abc"], lines=False)
    (tmp_path / "b").unlink()  # it was there when the command began
    first, second, third = documents
    assert (first, third) == ("a", "c")
    assert isinstance(second, TextUnreadable)
    assert second.reason == "cannot be read: No such file or directory"


@pytest.mark.parametrize(("files", "reason"), [(["absent"], "no file"), (["."], "folder"), (["-", "-"], "once only")])
def test_what_cannot_be_read_is_refused_before_anything_is_loaded(files: list[str], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        Documents(files, lines=False)


@pytest.mark.parametrize("files", [[], ["-"]])
def test_standard_input_that_is_closed_is_refused(files: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="standard input is closed"):
        Documents(files, lines=False)


def test_examples_in_another_encoding_are_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "examples.jsonl"
    path.write_bytes('{"text": "Grüße aus Köln", "answer": {"city": "Köln"}}\r\n'.encode("cp1252"))
    with pytest.raises(UsageError, match="not UTF-8 at byte 12; it looks like windows-1252; save it as UTF-8"):
        read_examples(path)
    path.write_bytes(path.read_bytes().decode("cp1252").encode("utf-8-sig"))
    assert read_examples(path) == ([("Grüße aus Köln", {"city": "Köln"})], [f"{path}, line 1"])
