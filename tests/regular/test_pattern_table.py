"""Chosen patterns on every short text over a few characters, judged by Python's `re` and by Pydantic's Rust engine."""

from __future__ import annotations

import re
from itertools import product

import pytest
from pydantic_core import SchemaValidator, core_schema

from engine.regular.pattern import InvalidPattern, UnsupportedPattern, parse_pattern

TEXTS = ["".join(text) for length in range(5) for text in product("ab\n-", repeat=length)]

SHARED = r"""
    ^ $ a$ ^a a$|b ^a$ ^a*$ (^|b)a (a|^b) (a$|b) a(b$)? (?:a$)+ (?:^a)+ (?:^|b)a(?:$|b) ^(?:a|b$)+ ^(?:a|^b)*$ a$b a^b ^^a$$
    (?m)^a (?m)a$ (?m)^a$ (?m)^$ (?m)a$^b (?m:^a)b|b(?m:a$) (?m)$.^a (?ms)$.^a (?s)a.b a.b
    \bab\b \Bab ab\B \ba|b\b (\b|a)b a\b. \b\b \ba\b-\bb (a|\B)b$ (?:\b)a \b$ ^\b a(?:\b|a)b -\B- \B-
    (?:$){2,} (?:^){2}a (?:a|$){3} (?:a|$){2,3} (?:a|^){3}b ^(?:a?b??){2,3}$ (?:ab){2} ^(?:a{2}){1,2}$
    (?i)A (?i:A)B a(?i:B) (?i:a(?-i:B))
"""
PYTHON = r"""
    a\Z \Aa a$\Z a$- (?:a$|b)- (?:a$)\n a$\n$ $\n \Z\n (?:$\n)? ^\n$ (?:a|$)(?:\n|b) (?m:a$)\n
    ^a{,2}$ a{,} a{} a{b ]a (?x)a#b (?x:a|b)- (?P<n>a)b (?#a)b a(?#a)+b ^[]a]$ [^]a] [a\-b] [\w] [\n-] \x61 \141 \N{HYPHEN-MINUS}
"""
RUST = r"""
    a\z \Aa a$\n a$\z \b{start}a a\b{end} \b{start-half}a a\b{end-half} \<a\> a** (?:a+)+?b a{2}{2} ^*a $+a (?:^$)+ (?i)A|B
    a(?i)A ((?i)A)A (?U)a+?b (?x)a#b [a&&b] [a-z--a] [a~~ab] [[a]b] [^[a]b] []a] [-a] [a-] [--a] (?x:[a-])
    \x{61} \u0061 \U00000061 \u{61} (?P<n>a)b (?<n>a)b
"""


@pytest.mark.parametrize("source", (SHARED + PYTHON).split())
def test_python(source: str) -> None:
    found = re.compile(source)
    language = parse_pattern(source, "python")
    assert [t for t in TEXTS if language.matches(t) != (found.search(t) is not None)] == []


@pytest.mark.parametrize("source", (SHARED + RUST).split())
def test_rust(source: str) -> None:
    accepts = SchemaValidator(core_schema.str_schema(pattern=source)).isinstance_python
    language = parse_pattern(source, "rust")
    assert [t for t in TEXTS if language.matches(t) != accepts(t)] == []


@pytest.mark.parametrize(
    "source", [r"\Z", r"\1", r"[\b]", "(?#c)", "a{,2}", "{", "a{b", r"\e", "[]", "(?)", "(?i-)", "(?ii)a"]
)
def test_what_rust_alone_does_not_read(source: str) -> None:
    with pytest.raises(Exception, match="regex parse error"):
        SchemaValidator(core_schema.str_schema(pattern=source))
    with pytest.raises(InvalidPattern):
        parse_pattern(source, "rust")


@pytest.mark.parametrize("source", [r"(?:\ba\b)+", r"(?:\b|a){3}", r"(?:a|\n$){2}", r"(?:\b\w+\b ?)*"])
def test_repeats_whose_turns_look_at_each_other_are_refused(source: str) -> None:
    with pytest.raises(UnsupportedPattern, match="repeat"):
        parse_pattern(source, "python")
