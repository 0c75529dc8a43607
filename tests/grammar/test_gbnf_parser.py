"""What the GBNF reader accepts and means, beside llama.cpp's own reader and matcher."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from grammar_reference import matches
from grammar_strategies import random_gbnf, strings
from llama_oracle import LlamaOracle, OracleDied

from engine.errors import GbnfSyntaxError, GrammarError
from engine.grammar.gbnf_parser import parse_gbnf
from engine.grammar.gbnf_printer import print_gbnf
from engine.grammar.grammar import Choice, Literal, RegularTerminal, Repeat, RuleRef, Sequence
from engine.regular import charset
from engine.regular.expression import char_class


@pytest.fixture(scope="module")
def oracle() -> Iterator[LlamaOracle]:
    with LlamaOracle() as started:
        yield started


SAME_AS_LLAMA = [
    ('root ::= "a"', ["a", "b", "", "aa"]),
    ('root::="a"', ["a"]),
    ('  root  ::=  "a"  ', ["a"]),
    ('\n\n# comment\n\nroot ::= "a" # comment\n# comment', ["a"]),
    ('root ::= "a"\r\nb ::= "x"\r\n', ["a"]),
    ('root ::= "a"\rb ::= "x"', ["a"]),
    ('root ::=\n\n# c\n "a"', ["a"]),
    ('root ::= "a" |\n#x\n "b"', ["a", "b"]),
    ('root ::= (\n"a"\n# c )\n|\n"b"\n)', ["a", "b"]),
    ('root ::= ("a"\n*)', ["aa", ""]),
    ('root ::= "a" "b"', ["ab", "a b"]),
    ('root ::= "a"b\nb ::= "b"', ["ab"]),
    ('root ::= "a" | | "b"', ["", "a", "b", "ab"]),
    ("root ::=", ["", "a"]),
    ("root ::= |", ["", "a"]),
    ('root ::= ""', ["", "a"]),
    ("root ::= ()", ["", "a"]),
    ("root ::= []", ["", "a"]),
    ("root ::= [^]", ["", "a"]),
    ('root ::= "x" [^] "y"', ["xy", "xay"]),
    ("root ::= [z-a]", ["", "a", "z", "m", "-"]),
    ('root ::= "x" [z-a] | "y"', ["x", "y"]),
    ("root ::= [a-]", ["a", "-", "b"]),
    ("root ::= [-a]", ["a", "-", "b"]),
    ("root ::= [a-b-c]", ["a", "b", "c", "-"]),
    ("root ::= [--a]", ["-", "a", "0", ","]),
    (r"root ::= [a\-z]", ["a", "-", "z", "b"]),
    (r"root ::= [\--a]", ["-", ".", "a", "b"]),
    (r"root ::= [a-\]]", ["a", "]", "^", "-"]),
    (r"root ::= [A-\]]", ["A", "]", "\\", "^"]),
    ("root ::= [a^]", ["a", "^", "b"]),
    ("root ::= [^a^]", ["a", "^", "b"]),
    ('root ::= ["]', ['"']),
    ("root ::= [[]", ["["]),
    ("root ::= [\n]", ["\n"]),
    ('root ::= "a\nb"', ["a\nb"]),
    ("root ::= .", ["a", "\n", "\0", "\U0010ffff", "", "ab"]),
    (r"root ::= [^\x00-\x7F]", ["a", "\x7f", "\x80", "é", "\U0010ffff"]),
    (r"root ::= [^\x00-\U0010FFFF]", ["", "a", "😀"]),
    (r'root ::= "\x41\u00e9\U0001F600"', ["Aé😀"]),
    (r'root ::= "\t\r\n\\\"\[\]\-"', ['\t\r\n\\"[]-']),
    (r'root ::= "\x00"', ["\0", ""]),
    (r'root ::= "\ud800"', ["", "a"]),
    (r'root ::= "a\ud83d\ude00" | "b"', ["a😀", "b", "a"]),
    (r'root ::= "\U00110000" | "b"', ["", "b"]),
    (r"root ::= [\ud800-\udfff]", ["", "a"]),
    (r"root ::= [\ud000-\uffff]", ["\ud7ff", "\ue000", "\uffff", "a"]),
    (r"root ::= [\U00010000-\UFFFFFFFF]", ["😀", "a"]),
    ('root ::= "é" [é-ü]', ["éé", "éü", "éa"]),
    ('root ::= "ab"*', ["", "ab", "abab", "abb"]),
    ('root ::= "ab"+', ["", "ab", "abab"]),
    ('root ::= "a" "b"?', ["a", "ab"]),
    ('root ::= "a" *', ["", "aa"]),
    ('root ::= "a"{2}', ["a", "aa", "aaa"]),
    ('root ::= "a"{2,}', ["a", "aa", "aaaaa"]),
    ('root ::= "a" { 1 , 2 }', ["", "a", "aa", "aaa"]),
    ('root ::= ("a" {\n1\n,\n2\n} )', ["", "a", "aa", "aaa"]),
    ('root ::= "a"{002}', ["a", "aa"]),
    ('root ::= "a"{0}', ["", "a"]),
    ('root ::= "a"{0,0} "b"', ["b", "ab"]),
    ('root ::= "a"{2}{2}', ["aaaa", "aa"]),
    ('root ::= "a"*?', ["", "aa"]),
    ('root ::= ("a"*)*', ["", "aa", "b"]),
    ('root ::= "a"{2000}', ["a" * 1999, "a" * 2000, "a" * 2001]),
    ('root ::= "a"{0,2000}', ["a" * 2000, "a" * 2001]),
    ('root ::= "a"\nroot ::= "b"', ["a", "b"]),
    ('-1 ::= "a"\nroot ::= -1 A0\nA0 ::= "b"', ["ab"]),
    ('root ::= "(" root ")" | "x"', ["x", "((x))", "((x)"]),
    ('root ::= "a" root | ""', ["", "aaa"]),
    ('other ::= "x"\nroot ::= "a"', ["a", "x"]),
]


@pytest.mark.parametrize(("text", "candidates"), SAME_AS_LLAMA, ids=[repr(text)[:40] for text, _ in SAME_AS_LLAMA])
def test_means_what_llama_reads(oracle: LlamaOracle, text: str, candidates: list[str]) -> None:
    grammar = parse_gbnf(text)
    assert [matches(grammar, c) for c in candidates] == oracle.accepts(text, candidates)


BOTH_REFUSE = [
    ("", "no rule is named 'root'"),
    ("# only a comment", "no rule is named 'root'"),
    ('other ::= "a"', "no rule is named 'root'"),
    ("root ::= x", "'x' is not defined"),
    ('x ::= "a" y\nroot ::= "b"', "'y' is not defined"),
    ('root "a"', "expected '::='"),
    ('root : "a"', "expected '::='"),
    ('root # c\n ::= "a"', "expected '::='"),
    ('::= "a"', "expected the name of a rule"),
    ('\ufeffroot ::= "a"', "a byte order mark"),
    ('root_x ::= "a"', "llama.cpp knows no '_'"),
    ("root ::= a_b", "llama.cpp knows no '_'"),
    ('root ::= "a', "never closed"),
    ("root ::= [a", "never closed"),
    ('root ::= ("a"', "never closed"),
    ('root ::= ("a" & )', "unexpected '&' inside"),
    ('root ::= "a" )', r"unexpected '\)'"),
    ('root ::= "a"]', "unexpected ']'"),
    ('root ::= "a"\n| "b"', "expected the name of a rule"),
    ('root ::= "a" b ::= "c"', "unexpected ':'"),
    (r'root ::= "\d"', r"unknown escape '\\d'"),
    (r"root ::= [\^]", r"unknown escape '\\\^'"),
    (r'root ::= "\x4"', r"needs 2 hexadecimal"),
    (r'root ::= "\u12g4"', r"needs 4 hexadecimal"),
    (r'root ::= "\U0001F60"', r"needs 8 hexadecimal"),
    ('root ::= "\\', "unknown escape"),
    ("root ::= *", "nothing stands before"),
    ('root ::= "a" | +', "nothing stands before"),
    ("root ::= (?)", "nothing stands before"),
    ('root ::= "a"{', "expected a number"),
    ('root ::= "a"{,2}', "expected a number"),
    ('root ::= "a"{1,x}', "expected a number or '}'"),
    ('root ::= "a"{1;2}', "expected '}'"),
    ('root ::= "a"{1,2', "expected '}'"),
    ('root ::= "a"{-1}', "expected a number"),
    ('root ::= "a"{99999999999999999999}', "more than 18 digits"),
    ("root ::= <think>", "token literals"),
    ('root ::= root "a" | "b"', "left recursion: root → root;"),
    ('root ::= a\na ::= b "x" | "y"\nb ::= a', "left recursion: a → b → a;"),
    ('root ::= "x"\na ::= a "y"', "left recursion: a → a;"),
    ('root ::= e root "a" | "b"\ne ::= "" | "c"', "left recursion: root → root;"),
]


@pytest.mark.parametrize(("text", "reason"), BOTH_REFUSE, ids=[repr(text)[:40] for text, _ in BOTH_REFUSE])
def test_refuses_what_llama_refuses(oracle: LlamaOracle, text: str, reason: str) -> None:
    assert oracle.accepts(text, []) is None
    with pytest.raises(GrammarError, match=reason):
        parse_gbnf(text)


def test_refuses_token_ids_that_llama_reads(oracle: LlamaOracle) -> None:
    for text in ('root ::= "a" <[12]>', 'root ::= "a" !<[12]>'):
        assert oracle.accepts(text, ["a"]) == [False]
        with pytest.raises(GbnfSyntaxError, match="token literals") as caught:
            parse_gbnf(text)
        assert (caught.value.line, caught.value.column) == (1, 14)


def test_counts_over_2000_are_exact_where_llama_forgets_them(oracle: LlamaOracle) -> None:
    text = 'root ::= "a"{5,2001}'
    candidates = ["a" * n for n in (4, 5, 2001, 2002)]
    assert oracle.accepts(text, candidates) == [False, True, True, True]
    assert parse_gbnf(text).rules["root"] == Repeat(Literal("a"), 5, 2001)
    assert [matches(parse_gbnf(text), c) for c in candidates] == [False, True, True, False]


def test_counts_may_be_huge() -> None:
    grammar = parse_gbnf('root ::= "a"{1,99999999999999} [b]{000000000000000000000007}')
    b = RegularTerminal(char_class(charset.of("b")))
    assert grammar.rules["root"] == Sequence((Repeat(Literal("a"), 1, 99999999999999), Repeat(b, 7, 7)))


@pytest.mark.parametrize("text", ['root ::= "a"{3,2}', 'root ::= ("a" | "b"){1,0}'])
def test_refuses_impossible_counts(text: str) -> None:
    with pytest.raises(GbnfSyntaxError, match=r"a repeat from . to . times is impossible"):
        parse_gbnf(text)


@pytest.mark.parametrize(
    ("text", "cycle"),
    [
        ('root ::= e root "a" | "b"\ne ::= "c"?', "root → root"),
        ('root ::= ("c"* | "d") root | "b"', "root → root"),
        ('root ::= a\na ::= e e b "x" | "y"\nb ::= c\nc ::= e a\ne ::= f f\nf ::= "z"{0,3}', "a → b → c → a"),
        ('root ::= e* root "a" | "b"\ne ::= "c"', "root → root"),
        ('root ::= "a"{0} root', "root → root"),
    ],
)
def test_left_recursion_through_nullable_parts_is_refused(text: str, cycle: str) -> None:
    with pytest.raises(GrammarError, match=f"left recursion: {cycle};"):
        parse_gbnf(text)


def test_recursion_that_reads_first_is_no_left_recursion() -> None:
    grammar = parse_gbnf('root ::= a a\na ::= "x" root? | b\nb ::= "y"+ b | "z"')
    assert [matches(grammar, text) for text in ("zyz", "xzzz", "y")] == [True, True, False]


def test_a_rule_that_is_never_entered_is_no_left_recursion() -> None:
    assert parse_gbnf('root ::= root{0} "a"').rules["root"] == Sequence((Repeat(RuleRef("root"), 0, 0), Literal("a")))


MEANS_MORE = [
    ('root ::= "a"**', ["", "a", "aaa", "b"], [True, True, True, False]),
    ('root ::= ""*', ["", "a"], [True, False]),
    ("root ::= ()+", ["", "a"], [True, False]),
    ('root ::= x*\nx ::= "" | "a"', ["", "aa", "b"], [True, True, False]),
    ('root ::= ("a"{0,50}){0,40}', ["a" * 2000, "a" * 2001], [True, False]),
]


@pytest.mark.parametrize(("text", "candidates", "expected"), MEANS_MORE)
def test_repeats_that_llama_refuses_mean_what_they_say(
    oracle: LlamaOracle, text: str, candidates: list[str], expected: list[bool]
) -> None:
    assert oracle.accepts(text, candidates) is None
    grammar = parse_gbnf(text)
    assert [matches(grammar, c) for c in candidates] == expected
    assert oracle.accepts(print_gbnf(grammar), candidates) == expected


PLACES = [
    ('root ::= "a" )', 1, 14, 'root ::= "a" )'),
    ('root ::= "a"\n\nb ::= "é😀" $ "x"\nc ::= "y"', 3, 12, 'b ::= "é😀" $ "x"'),
    ('root ::= "a"\r\nb ::= "\\q"\r\n', 2, 8, 'b ::= "\\q"'),
    ('root ::= "a"\rb ::= "\\q"', 2, 8, 'b ::= "\\q"'),
    ('root ::= (\n "a"\n', 1, 10, "root ::= ("),
    ('root ::= "a\nb', 1, 10, 'root ::= "a'),
    ('root ::= (\n "a" |\n\n\tx_y\n)', 4, 3, "\tx_y"),
    ('root ::= "a"\nb ::= nowhere "x"', 2, 7, "b ::= nowhere"),
    ('root ::= "a\u2028" \x0b', 1, 15, 'root ::= "a\u2028" \x0b'),
    ('root ::= "a\0"', 1, 12, 'root ::= "a\0"'),
    ('\ufeffroot ::= "a"', 1, 1, '\ufeffroot ::= "a"'),
    ('root ::= "a" x\r\nx ::= e x "b"\r\ne ::= "c"?', 2, 9, 'x ::= e x "b"'),
    ('root ::= a\na ::= b\nb ::= "x"? root', 3, 12, 'b ::= "x"? root'),
    ('root ::= "a"{ ,3}', 1, 15, 'root ::= "a"{ ,3}'),
    ('root ::= "a"{3,2}', 1, 13, 'root ::= "a"{3,2}'),
    ('root ::= "\\u12"', 1, 11, 'root ::= "\\u12"'),
    ('root ::= "\ud800"', 1, 11, 'root ::= "\ud800"'),
]


@pytest.mark.parametrize(("text", "line", "column", "source"), PLACES)
def test_errors_show_their_place(text: str, line: int, column: int, source: str) -> None:
    with pytest.raises(GbnfSyntaxError) as caught:
        parse_gbnf(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert caught.value.source.startswith(source)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("\ufeffroot ::= x", "leave it out"),
        ("root ::= users\nuser ::= .", "did you mean 'user'?"),
        ('Root ::= "a"', "there is Root"),
        ("", "the text has no rule"),
        ("# nothing", "the text has no rule"),
        ("root ::= 'a'", "double quotes"),
        ('root ::= "a";', "ends with its line"),
        ('root ::= "a"\n| "b"', "at the end of a line"),
        ('root = "a"', "name ::="),
        ('root: "a"', "name ::="),
        ("root ::= a )\na ::= .", "no '\\(' is open"),
        ('root ::= "a"{,3}', "write {0,"),
        ('root ::= "a"{3,2}', "smaller number comes first"),
        ("root ::= a_b", "letters, digits and dashes"),
        ("root ::= root .", "must read something before"),
    ],
)
def test_errors_say_what_to_do(text: str, advice: str, oracle: LlamaOracle) -> None:
    with pytest.raises(GrammarError, match=advice):
        parse_gbnf(text)
    try:
        assert oracle.accepts(text, []) is None
    except OracleDied:
        assert "{3,2}" in text


@pytest.mark.parametrize(
    "body",
    ["(" * 100_000 + '"a"' + ")" * 100_000, '("a" ' * 100_000 + ")" * 100_000, '"a"' + "?" * 100_000, "(" * 100_000],
    ids=["single items", "sequences", "repeats", "open"],
)
def test_deep_nesting_is_refused_and_does_not_exhaust_the_stack(body: str) -> None:
    with pytest.raises(GbnfSyntaxError, match="nested more than 200 deep"):
        parse_gbnf("root ::= " + body)


def test_nesting_within_the_limit_is_read() -> None:
    text = "root ::= " + '("a" ' * 150 + ")" * 150
    assert matches(parse_gbnf(text), "a" * 150)


def test_long_chains_of_rules_are_read() -> None:
    chain = "".join(f"x{i} ::= x{i + 1}\n" for i in range(20_000))
    grammar = parse_gbnf(f'root ::= x0\n{chain}x20000 ::= "a"')
    assert len(grammar.rules) == 20_002


def test_the_last_definition_wins_and_only_its_references_count() -> None:
    grammar = parse_gbnf('a ::= gone\nroot ::= a\na ::= "x"')
    assert grammar.rules == {"a": Literal("x"), "root": RuleRef("a")}


def test_nodes_are_what_the_text_says() -> None:
    grammar = parse_gbnf('root ::= "a" ([b-d] | x)+ | .\nx ::= "é"{2,}')
    inner = Choice((RegularTerminal(char_class(charset.normalise([(98, 100)]))), RuleRef("x")))
    anything = RegularTerminal(char_class(charset.ANY))
    assert grammar.rules["root"] == Choice((Sequence((Literal("a"), Repeat(inner, 1, None))), anything))
    assert grammar.rules["x"] == Repeat(Literal("é"), 2, None)


@pytest.mark.parametrize("count", [100, pytest.param(5_000, marks=pytest.mark.thorough)])
def test_random_texts_are_read_as_llama_reads_them(count: int) -> None:
    """Syntax errors are refused by both. What llama.cpp refuses beyond those it accepts when we have printed it."""
    accepted = tried = skipped = 0
    with LlamaOracle(cpu_seconds=1) as oracle:
        for seed in range(count):
            rng = random.Random(seed)
            text = random_gbnf(rng)
            try:
                grammar = parse_gbnf(text)
            except GbnfSyntaxError:
                assert oracle.accepts(text, []) is None, text
                continue
            except GrammarError:
                continue
            candidates = strings(grammar, rng, 15, length=8)
            try:
                answers = oracle.accepts(text, candidates)
                printed = oracle.accepts(print_gbnf(grammar), candidates)
            except OracleDied:  # ambiguous grammars have exponentially many stacks
                skipped += 1
                continue
            expected = [matches(grammar, c) for c in candidates]
            assert answers in (None, expected), text
            assert printed == expected, text
            accepted, tried = accepted + sum(expected), tried + len(expected)
    assert 0.3 < accepted / tried < 0.8
    assert skipped <= count // 20
