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


@pytest.mark.parametrize(
    "source",
    [
        r"\d",
        r"\w",
        r"\s",
        r"\D",
        r"\W",
        r"\S",
        ".",
        r"\p{L}",
        r"\pN",
        r"\P{Uppercase_Letter}",
        r"\p{gc=zs}",
        r"\p{gc!=Lu}",
    ]
    + [r"\p{LC}", r"\p{any}", r"\p{Assigned}", r"\p{ASCII}", r"\p{Other}", r"\p{punct}", r"\p{Combining Mark}"]
    + [r"(?i:\p{Lu})", r"(?i:\P{Lu})", r"(?i:[^a-k])", r"(?i:[à-öſ-ƀ&&[^é]])", r"(?i:[α-ω--σ])", r"(?i:[[:upper:]])"]
    + [r"(?i:[K-Mẞ])", r"(?i:\x{390})", r"[[:^word:]~~é]", r"(?i:ﬅ)", r"(?s:.)"],
)
def test_rust_set(source: str) -> None:
    found = unicode_table_source.matching(source, unicode_table_source.CHARACTERS)
    assert members(source, "rust") == list(map(ord, found))


@pytest.mark.parametrize(
    "source",
    [r"\d", r"\w", r"\s", r"\D", r"\W", r"\S", ".", r"(?a:\w)", r"(?a:\s)", r"(?a:\D)", "(?s:.)", "(?i:i)", "(?i:İ)"]
    + ["(?i:[A-Z])", "(?i:[^A-Z])", r"(?i:[^\w])", "(?i:[à-ÿ])", "(?i:[ſ-ɏ])", "(?i:[α-ω])", "(?i:[ა-ჰ])", "(?i:ﬅ)"]
    + [
        "(?i:[𐐀-𐐐])",
        "(?i:[K-Å])",
        "(?ai:[k-s])",
        "(?ai:ſ)",
        "(?i:ß)",
        "(?i:[^ß])",
        "(?i:ΐ)",
        r"(?i:[\u0000-\U0010ffff])",
    ],
)
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
