"""Encodings: what is read as it was said, what is found out, and what only gets advice."""

from __future__ import annotations

import codecs
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EncodingUnknown, NotDecodable
from engine.extraction.document import has_text, readable
from engine.extraction.encoding import (
    AUTO,
    decode_text,
    decoded_lines,
    found_encoding,
    known_encoding,
    likely_encoding,
    undecoded,
)


def reader(stream: io.RawIOBase | io.BytesIO) -> Any:
    """A stream that can be peeked into, as those of files."""
    return io.BufferedReader(stream)


# Texts as people have them, with the encoding that they lie on a disk in, and the one that reads them.
FOUND = [
    ("Grüße aus Köln", "cp1252", "windows-1252"),
    ("café", "cp1252", "windows-1252"),
    ("The price is 20 € – “quoted”", "cp1252", "windows-1252"),
    ("Señor Núñez vive en Málaga y tiene ocho años. Está muy contento.", "cp1252", "windows-1252"),
    ("Mein Name ist Jürgen und ich bin 20 Jahre alt", "latin-1", "windows-1252"),
    ("Привет, как дела? Меня зовут Иван.", "cp1251", "cp1251"),
    ("Łódź, Kraków, Wrocław. Mieszkam w Gdańsku od dziesięciu lat.", "cp1250", "cp1250"),
    ("Benim adım Ayşe, yirmi yaşındayım ve İstanbul'da yaşıyorum.", "cp1254", "cp1254"),
    ("私の名前は田中です。東京に住んでいます。", "shift_jis", "cp932"),
    ("我的名字是王小明，我住在北京。", "gb18030", "gb18030"),
    ("Hello there", "utf-16", "utf-16"),
    ("Hello there", "utf-32", "utf-32"),
    ("Hello there", "utf-16-le", "utf-16-le"),
    ("Hello there", "utf-16-be", "utf-16-be"),
    ("Grüße", "utf-8", "utf-8"),
    ("Grüße", "utf-8-sig", "utf-8"),
    ("plain", "ascii", "utf-8"),
    ("", "ascii", "utf-8"),
]


@pytest.mark.parametrize(("text", "written", "found"), FOUND)
def test_auto_finds_how_a_text_is_encoded(text: str, written: str, found: str) -> None:
    data = text.encode(written)
    assert decode_text(data, AUTO) == (text, found)
    with reader(io.BytesIO(data)) as stream:
        assert found_encoding(stream) == found
        assert stream.tell() == 0
        assert "".join(decoded_lines(stream, found, 1000)) == text


@pytest.mark.parametrize(("text", "written", "found"), [row for row in FOUND if row[2] != "utf-8"])
def test_what_was_not_said_is_advice_alone(text: str, written: str, found: str) -> None:
    with pytest.raises(NotDecodable, match=f"not UTF-8 at byte .*looks like {found}, which --encoding {found} reads"):
        decode_text(text.encode(written))


def test_first_bytes_of_a_pipe_decide() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    for data, found in ((b"plain\n", "utf-8"), (b"Gr\xfc\xdfe aus K\xf6ln\n", "windows-1252"), (b"ab\xc3", "utf-8")):
        stream = reader(Pipe(data))
        assert found_encoding(stream) == found
        assert stream.read() == data


def test_bytes_far_behind_the_sample_count() -> None:
    data = b"plain line\n" * 100_000 + "Grüße aus Köln\n".encode("cp1252")
    with reader(io.BytesIO(data)) as stream:
        assert found_encoding(stream) == "windows-1252"


@given(st.text(), st.sampled_from(["utf-8", "utf-16", "utf-16-le", "utf-32", "windows-1252", "shift-jis", "gb18030"]))
def test_what_was_said_is_read_so(text: str, encoding: str) -> None:
    data = text.encode(encoding, "ignore")
    expected = data.decode(encoding).removeprefix("\ufeff")
    likely = likely_encoding(data)
    if likely != encoding and likely is not None and likely.startswith(("utf-16", "utf-32")):
        return  # it has their mark or their NULs, which another test is about
    assert decode_text(data, encoding) == (expected, encoding)
    lines = list(decoded_lines(io.BytesIO(data), encoding, 1000))
    assert "".join(lines) == expected
    assert all(line.find("\n") in (-1, len(line) - 1) for line in lines)


@given(st.binary(max_size=60))
def test_any_bytes_give_a_text_or_a_typed_error(data: bytes) -> None:
    for encoding in (AUTO, "utf-8", "utf-16", "cp1252", "shift-jis"):
        try:
            text, chosen = decode_text(data, encoding)
        except NotDecodable:
            continue
        assert data.decode(chosen).removeprefix("\ufeff") == text
    likely = likely_encoding(data)
    assert likely is None or known_encoding(likely)


def test_names_are_those_of_encodings_of_texts() -> None:
    assert [known_encoding(name) for name in (None, "UTF8", "utf_8_sig", "Auto", "Latin_1")] == [
        "utf-8",
        "utf-8",
        "utf-8",
        "auto",
        "latin-1",
    ]
    for name, hint in (("windows1252", "windows-1252"), ("latn-1", "latin-1"), ("", "utf-8"), ("a\0b", "utf-8")):
        with pytest.raises(EncodingUnknown, match=hint):
            known_encoding(name)
    for name in ("base64", "rot13", "idna", "undefined", "unicode_escape"):
        codecs.lookup(name)
        with pytest.raises(EncodingUnknown, match="not the name of an encoding"):
            known_encoding(name)


def test_byte_that_does_not_fit_is_named_by_its_place() -> None:
    (line,) = decoded_lines(io.BytesIO("ü Gr\xfc\xdfe aus K\xf6ln".encode("latin-1")), "utf-8", 1000)
    error = undecoded(line, "utf-8")
    assert error is not None
    assert (error.location, error.likely) == (0, "windows-1252")
    assert undecoded("\ud800", "utf-8") is None
    with pytest.raises(NotDecodable, match="not UTF-16-LE at byte"):
        list(decoded_lines(io.BytesIO(b"a\0b"), "utf-16-le", 1000))


def test_long_line_comes_in_pieces() -> None:
    assert [len(piece) for piece in decoded_lines(io.BytesIO(b"x" * 25), "utf-8", 10)] == [11, 11, 3]


@given(st.text())
def test_readable_text_has_every_character_in_its_place(text: str) -> None:
    shown = readable(text)
    assert len(shown) == len(text)
    assert all(one == other or (one == " " and not other.isprintable()) for one, other in zip(shown, text, strict=True))


def test_controls_are_blanks_for_the_model_and_white_space_stays() -> None:
    assert readable("a\0b\x1b[0m\x7f\x9f\t\r\nü") == "a b [0m  \t\r\nü"
    assert not any(map(has_text, ("", " \n", "\0" * 9, "\u200b\ufeff\u2028", "\x1b\xa0")))
    assert all(map(has_text, ("\0a", "。", "\ue000", "0")))
