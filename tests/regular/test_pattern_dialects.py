"""Generated patterns mean what the engines of their dialects say: Python's `re`, and the Rust crate inside Pydantic."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pattern_strategies import TEXTS, patterns
from pydantic_core import SchemaError, SchemaValidator, core_schema

from engine.regular.pattern import InvalidPattern, UnsupportedPattern, parse_pattern

ENDS = ["", "\n", "a", "a\n", "\na", "\n\n", "a\n\n", " "]
pytestmark = pytest.mark.filterwarnings("ignore:Possible (nested set|set):FutureWarning")  # what `re` may mean one day

Search = Callable[[str], bool]


def python_search(source: str) -> Search:
    pattern = re.compile(source)
    return lambda text: pattern.search(text) is not None


def rust_search(source: str) -> Search:
    return SchemaValidator(core_schema.str_schema(pattern=source)).isinstance_python


def check(source: str, dialect: str, search: Callable[[str], Search], texts: list[str]) -> None:
    try:
        language = parse_pattern(source, dialect)
    except UnsupportedPattern:
        assume(False)
    except InvalidPattern:
        with pytest.raises((re.error, SchemaError, OverflowError)):
            search(source)
        return
    found = search(source)
    for text in ENDS + texts:
        assert language.matches(text) == found(text), text


@given(patterns("python"), st.lists(TEXTS, max_size=20))
def test_python_patterns_match_what_re_finds(source: str, texts: list[str]) -> None:
    check(source, "python", python_search, texts)


@given(patterns("rust"), st.lists(TEXTS, max_size=20))
def test_rust_patterns_match_what_pydantic_accepts(source: str, texts: list[str]) -> None:
    check(source, "rust", rust_search, texts)


@given(patterns("ecma"), st.lists(TEXTS, max_size=20))
def test_ecma_patterns_match_what_re_finds_where_the_dialects_agree(source: str, texts: list[str]) -> None:
    assume(r"\B" not in source)  # `re` knew no empty text without a boundary before 3.14
    assume(not re.search(r"[sSß-ſ.\]{}]|\(\?<", source))
    check(source, "ecma", lambda s: python_search("(?a)" + s.replace("$", r"\Z")), texts)


@given(st.text(st.sampled_from(r"ab1(){}[]^$|*+?\.,-&~:<>!=#PidwsbBAZzxu "), max_size=8))
def test_whatever_python_cannot_read_is_invalid(source: str) -> None:
    check_readable(source, "python", python_search, re.error)


@given(st.text(st.sampled_from(r"ab1(){}[]^$|*+?\.,-&~:<>!=#PidwsbBAZzxu "), max_size=8))
def test_whatever_rust_cannot_read_is_invalid(source: str) -> None:
    check_readable(source, "rust", rust_search, SchemaError)


def check_readable(source: str, dialect: str, search: Callable[[str], Search], error: type[Exception]) -> None:
    """Either both refuse the pattern, or both read it, or it is one of those that we say we do not support."""
    try:
        found = search(source)
    except error:
        with pytest.raises((InvalidPattern, UnsupportedPattern)):
            parse_pattern(source, dialect)
        return
    try:
        language = parse_pattern(source, dialect)
    except UnsupportedPattern:
        return
    for text in [*ENDS, "ab", "1", "-", "&", "]", "a-b", "{1}", "z#"]:
        assert language.matches(text) == found(text), text
