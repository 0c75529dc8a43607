"""Every file of `grammars/`: it compiles, accepts and refuses its texts, and agrees with readers that others wrote."""

from __future__ import annotations

import base64
import csv
import io
import ipaddress
import json
import random
import uuid
from collections.abc import Callable, Iterator
from datetime import date, datetime, time

import pytest
from grammar_reference import matches
from grammar_strategies import mutated, random_walk
from llama_oracle import LlamaOracle

from engine.errors import UsageError
from engine.formats.formats import format_language
from engine.grammar.gbnf_parser import parse_gbnf
from engine.grammar.gbnf_printer import print_gbnf
from engine.grammar.library import library_folder, library_names, load_library

NAMES = library_names()


@pytest.fixture(scope="module")
def oracle() -> Iterator[LlamaOracle]:
    with LlamaOracle() as started:
        yield started


def texts(name: str, kind: str) -> list[str]:
    lines = library_folder().joinpath(f"{name}.{kind}").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def source(name: str) -> str:
    return library_folder().joinpath(f"{name}.gbnf").read_text(encoding="utf-8")


def test_the_library_holds_what_is_promised() -> None:
    terminals = (
        "json-string integer number date time date-time duration uuid email hostname ipv4 ipv6 uri base64 json-pointer"
    )
    assert set(NAMES) == {*terminals.split(), "json", "csv-line", "users"}


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"'\.\./models' in the library; there are base64, .*, uuid"):
        load_library("../models")


@pytest.mark.parametrize("name", NAMES)
def test_each_file_names_its_source_and_has_its_texts(name: str) -> None:
    assert source(name).startswith("# ")
    assert "RFC" in source(name) or name == "users"
    for kind in ("accept", "reject"):
        assert len(set(texts(name, kind))) == len(texts(name, kind)) >= 10


@pytest.mark.parametrize("name", NAMES)
def test_llama_accepts_and_refuses_the_texts(oracle: LlamaOracle, name: str) -> None:
    accepted, refused = texts(name, "accept"), texts(name, "reject")
    expected = dict.fromkeys(accepted, True) | dict.fromkeys(refused, False)
    for text in (source(name), print_gbnf(load_library(name))):
        answers = oracle.accepts(text, list(expected))
        assert answers is not None
        assert dict(zip(expected, answers, strict=True)) == expected


@pytest.mark.parametrize("name", NAMES)
def test_we_accept_and_refuse_the_texts(name: str) -> None:
    grammar = load_library(name)
    for kind, expected in (("accept", True), ("reject", False)):
        for text in texts(name, kind):
            assert matches(grammar, text) is expected, text


@pytest.mark.parametrize("name", NAMES)
def test_printing_what_was_read_is_stable(name: str) -> None:
    printed = print_gbnf(load_library(name))
    assert print_gbnf(parse_gbnf(printed)) == printed


@pytest.mark.parametrize("name", [name for name in NAMES if format_language(name) is not None])
def test_the_expressions_of_the_formats_agree(name: str) -> None:
    language = format_language(name)
    assert language is not None
    for kind, expected in (("accept", True), ("reject", False)):
        for text in texts(name, kind):
            assert language.matches(text) is expected, text


def read_time(text: str) -> object:
    return time.fromisoformat(text.upper())  # Python wants Z and T in capitals


def read_date_time(text: str) -> object:
    return datetime.fromisoformat(text.upper())


def read_mailbox_domain(text: str) -> object:
    literal = text.rpartition("@")[2]
    if literal.lower().startswith("[ipv6:"):
        return ipaddress.IPv6Address(literal[6:-1])
    return ipaddress.IPv4Address(literal[1:-1]) if literal.startswith("[") else literal.encode("ascii")


def read_json_text(text: str) -> object:
    return repr(json.loads(text)).encode()


def read_csv(text: str) -> object:
    (row,) = csv.reader(io.StringIO(text, newline=""), strict=True) if text else [[""]]
    return row


READERS: dict[str, Callable[[str], object]] = {
    "json-string": lambda text: json.loads(text).encode(),
    "integer": int,
    "number": json.loads,
    "date": date.fromisoformat,
    "time": read_time,
    "date-time": read_date_time,
    "uuid": uuid.UUID,
    "email": read_mailbox_domain,
    "ipv4": ipaddress.IPv4Address,
    "ipv6": ipaddress.IPv6Address,
    "base64": lambda text: base64.b64decode(text, validate=True),
    "json": read_json_text,
    "csv-line": read_csv,
    "users": lambda text: [(user["name"].encode(), user["age"] + 0) for user in json.loads(text)],
}


@pytest.mark.parametrize("name", sorted(READERS))
def test_what_a_grammar_writes_is_read_by_python(name: str) -> None:
    grammar, rng, written = load_library(name), random.Random(name), set()
    for _ in range(150):
        text = random_walk(grammar, rng)
        if text is not None:
            READERS[name](text)
            written.add(text)
    assert len(written) > 20


EXACT_READERS = {name: READERS[name] for name in ("date", "ipv4", "ipv6", "json-string")}


@pytest.mark.parametrize("name", sorted(EXACT_READERS))
def test_mutants_are_refused_where_python_refuses_them(name: str) -> None:
    """Only for formats whose reader in Python is as strict as the RFC, on texts of the same shape."""
    grammar, rng, refused = load_library(name), random.Random(name), 0
    for _ in range(300):
        text = mutated(random_walk(grammar, rng) or "", rng)
        try:
            EXACT_READERS[name](text)
        except ValueError:
            refused += 1
            assert not matches(grammar, text), text
    assert refused > 50
