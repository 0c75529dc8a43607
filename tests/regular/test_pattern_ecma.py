"""What ECMA-262 says of patterns under the `u` flag, where Python's `re` says something else."""

from __future__ import annotations

import pytest

from engine.regular.pattern import InvalidPattern, UnsupportedPattern, parse_pattern

MATCHES = [
    (r"^\d$", ["0", "9"], ["٣", "a", ""]),
    (r"^\w+$", ["a_Z0"], ["é", "ſ", "a-b"]),
    (r"^\s$", [" ", "\t", "\v", "\ufeff", "\u3000", "\u2028", "\u202f"], ["\x85", "\x1c", "\u200b", ""]),
    (r"^\S$", ["\x85", "a", "😀"], [" ", "\ufeff"]),
    (r"^.$", ["a", "😀", "\x85", "\v"], ["\n", "\r", "\u2028", "\u2029", "ab"]),
    (r"^a$", ["a"], ["a\n", "\na", "b\na"]),
    (r"^[^]$", ["\n", "a", "😀"], ["", "ab"]),
    (r"[]", [], ["", "a"]),
    (r"^\ud83d\ude00$", ["😀"], [""]),
    (r"^[\ud83d\ude00-\ud83d\ude4f]+$", ["😀😎"], ["a", "🚀"]),
    (r"^[😀-😂]$", ["😁"], ["😃"]),
    (r"^\u{1F600}$", ["😀"], ["u"]),
    (r"^\u{000041}\x42\cJ\0$", ["AB\n\0"], ["AB\n0"]),
    (r"^\ud83d$", [], ["", "😀"]),
    (r"^[\b]$", ["\b"], ["b"]),
    (r"^\/\-\_\@\#\ $", ["/-_@# "], ["\\/"]),
    (r"^a{,3}$", ["a{,3}"], ["aaa"]),
    (r"^{a}]$", ["{a}]"], ["a"]),
    (r"^a{2$", ["a{2"], ["aa"]),
    (r"^[\w-.]$", ["-", ".", "a"], ["+"]),
    (r"^[a-\d]$", ["a", "-", "5"], ["b"]),
    (r"^[[a]&&b]$", ["[&&b]", "a&&b]"], ["b"]),
    (r"^\p{Lu}\P{L}$", ["É1"], ["é1", "AA"]),
    (r"^\p{gc=Decimal_Number}\p{ASCII}\p{Any}$", ["٣a😀"], ["aaa"]),
    (r"^(?<year>[0-9]+?)(?<month>x)$", ["12x"], ["x"]),
    (r"(^a|b$)", ["ab", "ax", "xb"], ["xa", "bx", "a\n"[1:]]),
    (r"^(a|^b)+$", ["ab"[0], "ba", "baa", "aa"], ["ab", "bb"]),
    (r"^(?:$|a)*$", ["", "a", "aa"], ["b"]),
    (r"a^b", [], ["ab", "a\nb", ""]),
    (r"(?:a|$)b?$", ["", "ab", "xa", "xb"], []),
    (r"\bfoo\b", ["foo", "a foo.", "-foo-", "éfoo"], ["foox", "xfoo", "foo_"]),
    (r"\Boo", ["foo"], ["oo", " oo"]),
    (r"^\B$", [""], ["a", "-a"]),
    (r"(\bx\b|-)y", ["-y"], ["xy", "x y"]),
    ("^(?:\\b\\w+\\b[ ,]*)$", ["word, "], ["two words"]),
    (r"", ["", "anything\n"], []),
    (r"a|", ["", "b"], []),
    (r"()", ["", "b"], []),
    (r"x*", ["", "b"], []),
    (r"^(a?b??){2,3}$", ["", "ab", "ababab", "bbb"], ["abababa", "bbbb"]),
    (r"^(?:a{2}){2,}$", ["aaaa", "aaaaaa"], ["aa", "aaaaa"]),
    (r"^a{0}$", [""], ["a"]),
    (r"^a{1000000000000}$", [], ["a", ""]),
]


@pytest.mark.parametrize(("source", "inside", "outside"), MATCHES)
def test_ecma_pattern(source: str, inside: list[str], outside: list[str]) -> None:
    language = parse_pattern(source, "ecma")
    assert [text for text in inside if not language.matches(text)] == []
    assert [text for text in outside if language.matches(text)] == []


@pytest.mark.parametrize(
    ("source", "position"),
    [
        (r"a(?=b)", 1),
        (r"(?!b)", 0),
        (r"(?<=b)", 0),
        (r"x(?<!b)", 1),
        (r"(a)\1", 3),
        (r"(?<n>a)\k<n>", 7),
        (r"(?i)a", 0),
        (r"(?i:a)", 0),
        (r"\Z", 0),
        (r"a\A", 1),
        (r"\p{Script=Greek}", 0),
        (r"\p{Alphabetic}", 0),
        (r"\p{lu}", 0),
        (r"\01", 0),
        (r"(?:\b\w+ ?)+", 0),
        ("(" * 70 + ")" * 70, 64),
    ],
)
def test_what_is_not_supported_says_where(source: str, position: int) -> None:
    with pytest.raises(UnsupportedPattern) as caught:
        parse_pattern(source, "ecma")
    assert (caught.value.source, caught.value.position) == (source, position)
    assert caught.value.reason


@pytest.mark.parametrize(
    ("source", "position"),
    [
        ("(a", 0),
        ("a)", 1),
        ("[a", 2),
        ("a**", 2),
        ("*a", 0),
        ("a|+", 2),
        ("^*", 1),
        ("(?P<n>a)", 0),
        ("(?", 0),
        ("(?#c)", 0),
        ("[b-a]", 1),
        ("a{2,1}", 1),
        ("\\", 1),
        (r"\x4", 2),
        (r"\u12", 2),
        (r"\u{110000}", 3),
        (r"\u{}", 3),
        (r"\pL", 0),
        ("a\ud800", 1),
    ],
)
def test_what_is_malformed_says_where(source: str, position: int) -> None:
    with pytest.raises(InvalidPattern) as caught:
        parse_pattern(source, "ecma")
    assert (caught.value.source, caught.value.position) == (source, position)
