"""The Unicode sets, over all characters, are those of Pydantic's regex engine and of the running Python's `re`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import unicode_table_source
from pydantic_core import SchemaValidator, core_schema

from engine.regular import unicode, unicode_table
from engine.regular.pattern import parse_pattern

TEXT = "".join(unicode_table_source.CHARACTERS)


def members(source: str, dialect: str) -> list[int]:
    """The characters that a pattern of one character matches, by our reading."""
    language = parse_pattern(rf"\A(?:{source})\Z" if dialect == "python" else f"^(?:{source})$", dialect)
    ranges = sorted(found for characters, target in language.transitions if target.nullable for found in characters)
    return [code_point for low, high in ranges for code_point in range(low, high + 1)]


@pytest.mark.thorough
def test_the_table_is_what_the_engine_answers_today() -> None:
    written = Path(unicode_table.__file__).read_text(encoding="utf-8")
    assert written == unicode_table_source.source(), (
        "run: python tests/unicode_table_source.py > engine/regular/unicode_table.py"
    )


# Patterns of one character each, separated by blanks; `re` is asked for the sets of Python, Pydantic for those of Rust.
RUST = r"""
    \d \w \s \D \W \S . (?s:.) \p{L} \pN \P{Uppercase_Letter} \p{gc=zs} \p{gc!=Lu} \p{LC} \p{any} \p{Assigned} \p{ASCII}
    \p{Other} \p{punct} \p{Combining_Mark} (?i:\p{Lu}) (?i:\P{Lu}) (?i:[^a-k]) (?i:[à-öſ-ƀ&&[^é]]) (?i:[α-ω--σ])
    (?i:[[:upper:]]) (?i:[K-Mẞ]) (?i:\x{390}) [[:^word:]~~é] (?i:ﬅ)
"""
PYTHON = r"""
    \d \w \s \D \W \S . (?s:.) (?a:\w) (?a:\s) (?a:\D) (?i:i) (?i:İ) (?i:[A-Z]) (?i:[^A-Z]) (?i:[^\w]) (?i:[à-ÿ])
    (?i:[ſ-ɏ]) (?i:[α-ω]) (?i:[ა-ჰ]) (?i:ﬅ) (?i:[𐐀-𐐐]) (?i:[K-Å]) (?ai:[k-s]) (?ai:ſ) (?i:ß) (?i:[^ß]) (?i:ΐ)
    (?i:[\u0000-\U0010ffff])
"""


@pytest.mark.parametrize("source", RUST.split())
def test_rust_set(source: str) -> None:
    found = unicode_table_source.matching(source, unicode_table_source.CHARACTERS)
    assert members(source, "rust") == list(map(ord, found))


@pytest.mark.parametrize("source", PYTHON.split())
def test_python_set(source: str) -> None:
    matches = re.compile(source).fullmatch  # `search` has a defect with (?a:…) in some versions
    assert members(source, "python") == [ord(c) for c in TEXT if matches(c)]


def test_python_cases_are_those_of_re() -> None:
    pool = "".join(c for c in TEXT if c.lower() != c or c.upper() != c or c.casefold() != c)
    cases = unicode._python_cases()
    for character in pool[::11]:
        found = re.findall(f"(?i:{character})", pool)
        assert set(found) == {chr(c) for c in cases.get(ord(character), (ord(character),))}


def test_simple_cases_are_those_of_the_engine() -> None:
    cases = unicode._simple_cases()
    pool = [chr(c) for c in sorted(cases)]
    for character in pool[::11]:
        accepts = SchemaValidator(core_schema.str_schema(pattern=f"^(?i:{character})$")).isinstance_python
        assert {c for c in pool if accepts(c)} == {chr(c) for c in cases[ord(character)]}
