"""Tables as spreadsheets and databases write them."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InputInvalid, UsageError
from engine.jobs.input_digest import digest_input
from engine.jobs.source import Fields, Layout, open_source, source_of
from engine.jobs.tabular import TableFormat, read_table_rows

# A table as it lies in a file, how it is to be read, its rows, and the words that were found out.
TABLES: dict[str, tuple[str, TableFormat, list[dict[str, Any]], str]] = {
    "commas": ("id,text\n1,x\n", TableFormat(), [{"id": "1", "text": "x"}], ""),
    "one column": ("text\na, b; c\n", TableFormat(quoting="none", delimiter="\t"), [{"text": "a, b; c"}], ""),
    "semicolons": ("id;text\n1;a, b\n", TableFormat(), [{"id": "1", "text": "a, b"}], "semicolons, as its header shows"),
    "tabs": ("id\ttext\n1\ta;b,c\n", TableFormat(), [{"id": "1", "text": "a;b,c"}], "tabs, as its header shows"),
    "bars": ("id|text\n1|a,b\n", TableFormat(), [{"id": "1", "text": "a,b"}], "vertical bars"),
    "sep line": ("sep=;\r\nid;text\r\n1;x\r\n", TableFormat(), [{"id": "1", "text": "x"}], "semicolons, as its first line"),
    "odd sep line": ("SEP=^\nid^text\n1^x\n", TableFormat(), [{"id": "1", "text": "x"}], "'^', as its first line"),
    "sep line, told": ("sep=;\nid,text\n1,x\n", TableFormat(","), [{"id": "1", "text": "x"}], ""),
    "quoted header": ('"id, or so";"text"\n1;x\n', TableFormat(), [{"id, or so": "1", "text": "x"}], "semicolons"),
    "header in lines": ('"the\nid";text\n1;x\n', TableFormat(), [{"the\nid": "1", "text": "x"}], "semicolons"),
    "commas in a name": ("a,b;text\n1;x\n", TableFormat(), [{"a,b": "1", "text": "x"}], "semicolons"),
    "lines in a cell": ('id,text\n1,"a\n\nb"\n', TableFormat(), [{"id": "1", "text": "a\n\nb"}], ""),
    "backslash": ('id,text\n1,"say \\"x\\", \\\\"\n', TableFormat(quoting="backslash"), [{"id": "1", "text": 'say "x", \\'}], ""),
    "quotes as text": ('id,text\n1,"x" and 5"\n', TableFormat(quoting="none"), [{"id": "1", "text": '"x" and 5"'}], ""),
    "dump": ("id\ttext\n1\ta\\tb\\nc\\\\ \"q\n2\t\\N\n", TableFormat("\t", "dump"),
             [{"id": "1", "text": 'a\tb\nc\\ "q'}, {"id": "2", "text": None}], ""),
    "dump with commas": ("id,text\n1,a\\,b\n", TableFormat(",", "dump"), [{"id": "1", "text": "a,b"}], ""),
    "dump with lines": ("id\ttext\n1\ta\\\nb\n2\tc\n", TableFormat("\t", "dump"),
                        [{"id": "1", "text": "a\nb"}, {"id": "2", "text": "c"}], ""),
    "blank lines": ("\n\nid,text\n\n1,x\n", TableFormat(), [{"id": "1", "text": "x"}], ""),
    "header alone": ("id,text\n", TableFormat(), [], ""),
    "nothing": ("", TableFormat(), [], ""),
}  # fmt: skip


def lines(text: str) -> Any:
    return iter(io.StringIO(text, newline="\n"))


@pytest.mark.parametrize("kind", TABLES)
def test_table_is_read_as_it_was_written(kind: str) -> None:
    text, table, rows, said = TABLES[kind]
    notes: list[str] = []
    assert [row for _, row in read_table_rows("t.csv", lines(text), table, ["text"], notes.append)] == rows
    assert len(notes) == (1 if said else 0)
    assert said in "".join(notes)


def test_rows_are_named_by_the_line_in_which_they_begin() -> None:
    text = 'sep=;\nid;"te\nxt"\n1;"a\nb"\n\n2;c\n'
    places = [place for place, _ in read_table_rows("t.csv", lines(text), TableFormat(), [], lambda _: None)]
    assert places == ["t.csv, line 4", "t.csv, line 7"]


CELLS = st.text(alphabet=st.sampled_from('a;,\t"|\n ü'), max_size=6)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1), st.sampled_from(",;\t|"), st.booleans())
def test_what_python_writes_is_found_and_read(rows: list[tuple[str, str]], delimiter: str, everything: bool) -> None:
    stream = io.StringIO(newline="\n")
    quoting: Any = csv.QUOTE_ALL if everything else csv.QUOTE_MINIMAL
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n", quoting=quoting)
    writer.writerows([("id", "text"), *rows])
    found = read_table_rows("t", lines(stream.getvalue()), TableFormat(), ["text"], lambda _: None)
    assert [tuple(row.values()) for _, row in found] == rows


@given(st.lists(st.tuples(st.text(), st.text() | st.none()), min_size=1))
def test_dump_of_any_cells_is_read_back(rows: list[tuple[str, str | None]]) -> None:
    def written(cell: str | None) -> str:
        if cell is None:
            return "\\N"
        return cell.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")

    text = "".join("\t".join(map(written, row)) + "\n" for row in [("id", "text"), *rows])
    found = read_table_rows("t", lines(text), TableFormat("\t", "dump"), ["text"], lambda _: None)
    assert [tuple(row.values()) for _, row in found] == rows


@pytest.mark.parametrize(
    ("data", "options", "words"),
    [
        ("id;body\n1;x\n", {}, "the row has no 'text' but 'id', 'body'; --text-field names the field$"),
        ("id;text\n1;x\n", {"table": TableFormat(",")}, "separated by semicolons: --delimiter ';'"),
        ("id\ttext\n1\tx\n", {"table": TableFormat(",")}, "separated by tabs: --delimiter tab"),
        ('id,text\n1,x\n2,"a" b\n', {}, "line 3: the row that begins here is not CSV: .* say --quoting none"),
        ("id,text\n1,a, b\n", {}, "line 2: the row has 3 cells, the header has 2; .* --quoting dump"),
    ],
)
def test_refusal_says_what_could_be_meant(data: str, options: dict[str, Any], words: str, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(data, encoding="utf-8")
    with pytest.raises(InputInvalid, match=words):
        digest_input(open_source(str(tmp_path / "in.csv"), layout=Layout(**options)))


@pytest.mark.parametrize("delimiter", ["", ";;", '"', "\n", "\\", "tabs"])
def test_delimiter_that_is_none_is_refused(delimiter: str) -> None:
    with pytest.raises(UsageError, match="--delimiter is one character, or tab"):
        TableFormat.named(delimiter, None)
    with pytest.raises(UsageError, match="--quoting is one of double, backslash, none, dump"):
        TableFormat.named(None, "all")


def test_table_options_belong_to_tables(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(b"")
    with pytest.raises(UsageError, match="are for csv and tsv; the input is read as jsonl"):
        open_source(str(tmp_path / "in.jsonl"), layout=Layout(table=TableFormat(";")))


def test_spreadsheet_in_utf16_is_read_when_it_is_said_or_found(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes("sep=\t\r\nid\ttext\r\n1\tGrüße\r\n".encode("utf-16"))
    with pytest.raises(InputInvalid, match=r"not UTF-8 at byte 0; it looks like utf-16, which --encoding utf-16 reads"):
        digest_input(open_source(str(path)))
    for encoding, told in (("utf-16", 1), ("auto", 2)):
        source = open_source(str(path), fields=Fields(), layout=Layout(encoding))
        notes: list[str] = []
        source.notes.tell = notes.append
        for _ in range(2):
            assert [entry.document.text for entry in source.read()] == ["Grüße"]
        assert len(notes) == told  # once, however often it is read
        again = source_of(source.as_json())
        assert again is not None
        assert (again.layout, [entry.document.text for entry in again.read()]) == (source.layout, ["Grüße"])


def test_files_of_a_folder_are_read_each_in_its_own_encoding(tmp_path: Path) -> None:
    texts = {"a.txt": "utf-8", "b.txt": "cp1252", "c.txt": "utf-16"}
    for name, encoding in texts.items():
        (tmp_path / name).write_bytes("Grüße aus Köln".encode(encoding))
    source = open_source(str(tmp_path), layout=Layout("auto"))
    notes: list[str] = []
    source.notes.tell = notes.append
    assert [entry.document.text for entry in source.read()] == ["Grüße aus Köln"] * 3
    assert [note.removeprefix(f"{tmp_path}/") for note in notes] == [
        "b.txt: read as windows-1252",
        "c.txt: read as utf-16",
    ]
    errors = [str(entry.error) for entry in open_source(str(tmp_path)).read()]
    assert errors[0] == "None"
    assert "not UTF-8 at byte 2; it looks like windows-1252" in errors[1]
    assert "looks like utf-16" in errors[2]
