"""What is printed, as llama.cpp's own code reads it, beside a plain recogniser over the nodes."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from grammar_reference import matches
from grammar_strategies import KINDS, random_characters, random_grammar, strings
from llama_oracle import LlamaOracle, OracleDied

from engine.errors import GrammarError, NotPrintable
from engine.grammar.gbnf_parser import parse_gbnf
from engine.grammar.gbnf_printer import print_gbnf
from engine.grammar.grammar import (
    EMPTY,
    AdditionalMembers,
    Choice,
    Grammar,
    Guarded,
    Literal,
    Member,
    Members,
    Node,
    RegularTerminal,
    Repeat,
    RuleRef,
    Scope,
    Sequence,
    StringTerminal,
)
from engine.grammar.json_escapes import RAW, escapes
from engine.regular import charset
from engine.regular.expression import (
    ALL_STRINGS,
    Expression,
    char_class,
    complement,
    concat,
    finite_set,
    intersection,
    multiple,
    nonempty,
    repeat,
    text,
    union,
)

A, B = Literal("a"), Literal("b")
DIGIT = char_class(((48, 57),))


@pytest.fixture(scope="module")
def oracle() -> Iterator[LlamaOracle]:
    with LlamaOracle() as started:
        yield started


def printed(node: Node, **rules: Node) -> str:
    return print_gbnf(Grammar({"root": node, **rules}))


def check(oracle: LlamaOracle, node: Node, accepted: list[str], refused: list[str], **rules: Node) -> str:
    """llama.cpp and the recogniser agree with the lists; the text is a fixpoint. Gives the text."""
    grammar = Grammar({"root": node, **rules})
    gbnf = print_gbnf(grammar)
    candidates, expected = accepted + refused, [True] * len(accepted) + [False] * len(refused)
    assert oracle.accepts(gbnf, candidates) == expected, gbnf
    assert [matches(grammar, c, keys_repeat=True) for c in candidates] == expected
    assert print_gbnf(parse_gbnf(gbnf)) == without_comments(gbnf)
    return gbnf


def without_comments(gbnf: str) -> str:
    return "".join(line + "\n" for line in gbnf.splitlines() if not line.startswith("#"))


# Literals and classes


def test_every_character_survives_in_a_literal_and_in_a_class(oracle: LlamaOracle) -> None:
    code_points = [*range(0x300), 0x2028, 0x20AC, 0xD7FF, 0xE000, 0xFEFF, 0xFFFF, 0x10000, 0x1F600, 0x10FFFF]
    characters = [chr(c) for c in code_points]
    whole = "".join(characters)
    check(oracle, Literal(whole), [whole], [whole[:-1], whole + "x"])
    pairs = [RegularTerminal(char_class(charset.of((c, "z", "y" if c == "x" else "x")))) for c in characters]
    check(oracle, Sequence(tuple(pairs)), [whole, "z" * len(whole)], ["a" * len(whole)])


def test_random_classes_hold_exactly_their_members(oracle: LlamaOracle) -> None:
    rng = random.Random(5)
    for _ in range(100):
        members = random_characters(rng)
        borders = {c + d for low, high in members for c in (low, high) for d in (-1, 0, 1)}
        probes = sorted(c for c in borders if charset.contains(charset.ANY, c))
        gbnf = printed(RegularTerminal(char_class(members)))
        assert oracle.accepts(gbnf, [chr(c) for c in probes]) == [charset.contains(members, c) for c in probes], gbnf


def test_a_class_is_negated_only_where_it_leaves_out_ascii() -> None:
    def of_all_but(*left_out: str) -> str:
        return printed(RegularTerminal(char_class(charset.invert(charset.of(left_out)))))

    assert of_all_but() == "root ::= .\n"
    assert of_all_but('"', "\\", "^", "]", "-") == 'root ::= [^"\\-\\\\-\\x5E]\n'
    assert of_all_but("é") == "root ::= [\\x00-èê-\\uD7FF\\uE000-\\U0010FFFF]\n"


def test_what_cannot_be_seen_is_escaped() -> None:
    assert printed(Literal('a"\\\n\t\0\x7f\xa0\u200b\u0301é€😀')) == (
        'root ::= "a\\"\\\\\\n\\t\\x00\\x7F\\xA0\\u200B\\u0301é€😀"\n'
    )


# Structure


def test_structure_is_kept_readable() -> None:
    node = Sequence((A, Choice((B, RuleRef("c"))), Repeat(Sequence((A, RuleRef("c"))), 2, 5), Repeat(B, 3, None)))
    assert printed(node, c=Literal("c")) == 'root ::= "a" ("b" | c) ("a" c){2,5} "b"{3,}\nc ::= "c"\n'


@pytest.mark.parametrize(
    ("node", "accepted", "refused"),
    [
        (EMPTY, [""], ["a"]),
        (Literal(""), [""], ["a"]),
        (Choice(()), [], ["", "a"]),
        (Sequence((A, Choice(()))), [], ["", "a"]),
        (Choice((A, Choice(()))), ["a"], [""]),
        (Choice((A, EMPTY)), ["a", ""], ["aa"]),
        (Choice((A, Sequence((A, B)))), ["a", "ab"], ["b"]),
        (Repeat(Choice(()), 0, None), [""], ["a"]),
        (Repeat(A, 0, 0), [""], ["a"]),
        (Repeat(A, 2, 2), ["aa"], ["a", "aaa"]),
        (Repeat(EMPTY, 0, None), [""], ["a"]),
        (Repeat(EMPTY, 3, 3), [""], ["a"]),
        (Repeat(Repeat(A, 0, None), 0, None), ["", "aaa"], ["b"]),
        (Repeat(Repeat(A, 2, 3), 2, 2), ["aaaa", "a" * 5, "a" * 6], ["aaa", "a" * 7]),
        (Repeat(Repeat(A, 2, 3), 0, 2), ["", "aa", "a" * 6], ["a", "a" * 7]),
        (Repeat(Repeat(A, 2, None), 0, None), ["", "aa", "aaa"], ["a"]),
        (Repeat(Repeat(A, 3, 3), 1, 2), ["aaa", "a" * 6], ["aaaa", "a" * 5]),
        (Repeat(Repeat(A, 1, 3), 2, 4), ["aa", "a" * 12], ["a", "a" * 13]),
        (Repeat(Choice((A, EMPTY)), 3, 3), ["", "a", "aaa"], ["aaaa"]),
        (Repeat(Choice((A, EMPTY)), 3, None), ["", "a", "aaaa"], ["b"]),
        (Repeat(Sequence((Repeat(A, 0, 1), Repeat(B, 0, 1))), 0, None), ["", "ba", "abba"], ["c"]),
        (Repeat(Sequence((Repeat(A, 0, 1), Repeat(B, 0, 1))), 0, 2), ["", "ba", "abab"], ["baba", "aaa"]),
        (RegularTerminal(complement(ALL_STRINGS)), [], ["", "a"]),
        (RegularTerminal(intersection(ALL_STRINGS, text(""))), [""], ["a"]),
    ],
)
def test_empty_parts_keep_their_meaning(
    oracle: LlamaOracle, node: Node, accepted: list[str], refused: list[str]
) -> None:
    check(oracle, node, accepted, refused)


def test_repeats_of_rules_that_may_be_empty_through_others(oracle: LlamaOracle) -> None:
    rules: dict[str, Node] = {
        "x": Sequence((RuleRef("y"), RuleRef("y"))),
        "y": Choice((Repeat(RuleRef("z"), 0, 1), Sequence((B, Repeat(RuleRef("x"), 0, None))))),
        "z": Choice((A, EMPTY)),
    }
    check(oracle, Repeat(RuleRef("x"), 2, None), ["", "a", "aaaa", "bab", "ba"], ["c", "ac"], **rules)


def test_rules_without_any_text_are_left_out_with_what_needs_them() -> None:
    endless = Sequence((A, RuleRef("endless")))
    node = Choice((B, Sequence((A, RuleRef("endless")))))
    assert printed(node, endless=endless, unused=B) == 'root ::= "b"\n'
    assert printed(endless, endless=endless) == "root ::= [^\\x00-\\U0010FFFF]\n"


def test_deep_grammars_are_divided_into_rules(oracle: LlamaOracle) -> None:
    node: Node = A
    for _ in range(1_000):
        node = Sequence((Literal("("), Choice((node, B)), Literal(")")))
    gbnf = check_acceptance(oracle, node, ["(" * 1_000 + "a" + ")" * 1_000, "(b)"], ["(a)"])
    assert max(map(len, gbnf.splitlines())) < 1_000


def check_acceptance(oracle: LlamaOracle, node: Node, accepted: list[str], refused: list[str]) -> str:
    """As `check`, without the recogniser, for what is too large for it."""
    gbnf = printed(node)
    assert oracle.accepts(gbnf, accepted + refused) == [True] * len(accepted) + [False] * len(refused), gbnf[:2_000]
    assert print_gbnf(parse_gbnf(gbnf)) == without_comments(gbnf)
    return gbnf


def test_left_recursion_and_undefined_rules_are_refused() -> None:
    with pytest.raises(GrammarError, match="left recursion: root → root;"):
        printed(Choice((Sequence((RuleRef("root"), A)), B)))
    with pytest.raises(GrammarError, match="'root' refers to 'x', which is not defined"):
        printed(RuleRef("x"))
    with pytest.raises(GrammarError, match="root rule 'start' is not defined"):
        print_gbnf(Grammar({"root": A}, "start"))


# Names


def test_names_are_made_legal_and_stay_apart(oracle: LlamaOracle) -> None:
    rules: dict[str, Node] = {
        "#/$defs/User": Sequence((A, RuleRef("a_b"), RuleRef("a.b"), RuleRef("é"), RuleRef("root"))),
        "a_b": Literal("1" * 2),
        "a.b": Literal("2" * 2),
        "é": Literal("3" * 2),
        "root": Literal("4" * 2),
    }
    gbnf = print_gbnf(Grammar(rules, "#/$defs/User"))
    assert gbnf == 'root ::= "a" a-b a-b-2 rule root-2\na-b ::= "11"\na-b-2 ::= "22"\nrule ::= "33"\nroot-2 ::= "44"\n'
    assert oracle.accepts(gbnf, ["a11223344", "a1122334"]) == [True, False]


def test_text_is_the_same_in_every_process() -> None:
    """The algebra orders alternatives by when they were built; what is printed must not depend on that."""
    program = """
import random, sys
sys.path[:0] = {path!r}
from engine.regular.expression import char_class, complement, intersection, repeat, text, union, finite_set
from engine.regular import charset
for c in {before!r}:
    union(text(c), text(c + c), finite_set([c, "q" + c]))
from engine.grammar.gbnf_printer import print_gbnf
from grammar_strategies import random_grammar
for seed in range(30):
    print(print_gbnf(random_grammar(random.Random(seed))))
"""
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program.format(path=sys.path, before=before)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
            env={"PYTHONIOENCODING": "utf-8", "PYTHONHASHSEED": seed},
        ).stdout
        for before, seed in (("", "1"), ('zyxcba\\"é', "2"))
    }
    assert len(outputs) == 1


# Repeats over llama.cpp's limits


@pytest.mark.parametrize(
    ("low", "high"),
    [(0, 1999), (0, 2000), (2000, 2000), (0, 2001), (5, 2001), (2001, 2001), (1234, 5678), (0, 200_000), (3_000, None)],
)
def test_large_counts_are_exact(oracle: LlamaOracle, low: int, high: int | None) -> None:
    border = {n for c in (0, low, high or low) for n in (c - 1, c, c + 1, c + 99, c + 100) if 0 <= n <= 10_000}
    accepted = [n for n in sorted(border) if low <= n and (high is None or n <= high)]
    refused = [n for n in sorted(border) if n not in accepted]
    gbnf = check_acceptance(oracle, Repeat(A, low, high), ["a" * n for n in accepted], ["a" * n for n in refused])
    assert len(gbnf) < 300


def test_huge_counts_need_few_rules(oracle: LlamaOracle) -> None:
    node = Repeat(Choice((A, Literal("bc"))), 3, 99_999_999_999_999)
    gbnf = check_acceptance(oracle, node, ["aaa", "abca" * 500], ["aa", "aaab"])
    assert gbnf.count("\n") < 15


def test_counts_of_groups_evade_the_product_rule(oracle: LlamaOracle) -> None:
    group = Choice((Sequence((A, Repeat(B, 0, 90))), Literal("cd"), Repeat(Literal("e"), 2, 80)))
    text_of_40 = "a" + "b" * 90 + "cdee"
    check_acceptance(oracle, Repeat(group, 0, 40), ["", text_of_40 * 13 + "cd"], ["b", "cd" * 41])


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, None), (1, None), (2, 3)])
def test_the_product_rule_holds_for_small_counts_too(oracle: LlamaOracle, low: int, high: int | None) -> None:
    pair = Sequence((Repeat(A, 1, 1_024), Repeat(Sequence((B, Repeat(A, 1, 1_024))), 0, None)))
    check_acceptance(oracle, Sequence((Repeat(pair, low, high), Literal("."))), ["aabaa."], ["ab.", "b."])


def test_nested_counts_stay_exact(oracle: LlamaOracle) -> None:
    line = Sequence((Repeat(A, 0, 2_500), Literal("\n")))
    check_acceptance(
        oracle,
        Repeat(line, 2, 2_100),
        ["\n" * 2_100, ("a" * 2_500 + "\n") * 2],
        ["\n", "\n" * 2_101, "a" * 2_501 + "\n\n"],
    )


# Expressions


@pytest.mark.parametrize(
    ("language", "accepted", "refused"),
    [
        (text("abc"), ["abc"], ["ab", "abcd"]),
        (union(text(""), text("ab")), ["", "ab"], ["a"]),
        (concat(repeat(DIGIT, 1, 3), text("x"), repeat(DIGIT, 0, None)), ["1x", "123x456"], ["x", "1234x"]),
        (finite_set(["", "a", "ab", "b"]), ["", "a", "ab", "b"], ["aa", "ba"]),
        (finite_set(f"w{i:03}" for i in range(0, 500, 3)), ["w000", "w003", "w498"], ["w001", "w", "w0000", ""]),
        (multiple(7), ["0", "7", "14", "007", "700"], ["", "1", "15", "7x"]),
        (complement(text("ab")), ["", "a", "abc", "é"], ["ab"]),
        (intersection(repeat(DIGIT, 2, 4), complement(text("123"))), ["12", "1234", "124"], ["123", "1", "12345"]),
        (
            repeat(intersection(nonempty(ALL_STRINGS), complement(concat(ALL_STRINGS, text("a")))), 2, 3),
            ["bb", "abab", "bbb"],
            ["b", "a"],
        ),
        (concat(complement(text("")), text("!")), ["x!", "!!"], ["!", "", "x"]),
    ],
)
def test_expressions_keep_their_language(
    oracle: LlamaOracle, language: Expression, accepted: list[str], refused: list[str]
) -> None:
    check(oracle, RegularTerminal(language), accepted, refused)
    in_json = [[json.dumps(word, ensure_ascii=False) for word in words] for words in (accepted, refused)]
    check(oracle, StringTerminal(language), in_json[0], in_json[1])
    check(oracle, StringTerminal(language, "any"), in_json[0], in_json[1])


def test_thousands_of_words_are_printed_as_a_trie(oracle: LlamaOracle) -> None:
    rng = random.Random(3)
    table = ["".join(rng.choice("abcdefghij") for _ in range(rng.randint(1, 12))) for _ in range(3_000)]
    table += ["a" * i for i in range(1, 300)]
    gbnf = check_acceptance(oracle, RegularTerminal(finite_set(table)), [*table[:20], "a" * 299], ["a" * 300, "zz", ""])
    assert len(gbnf) < 2 * sum(map(len, table))


def test_automata_over_the_limit_are_refused_with_their_rule() -> None:
    language = intersection(
        repeat(char_class(charset.ANY), 0, 3_000), complement(concat(ALL_STRINGS, text("ab"), ALL_STRINGS))
    )
    with pytest.raises(NotPrintable, match=r"rule 'name': .* over 2000 states") as caught:
        printed(RuleRef("name"), name=StringTerminal(language))
    assert len(caught.value.reasons) == 1


# Strings


SPELLED = [
    '""', '"a"', '"é€😀"', '"\\""', '"\\\\"', '"\\/"', '"/"', '"\\b\\f\\n\\r\\t"', '"\\u0000"', '"\\u001f"', '"\\u001F"',
    '"\\u000a"', '"\\u0022"', '"\x7f"', '"\\u007f"', '"\n"', '"\x1f"', '"\\u0041"', '"\\u00e9"', '"\\u00E9"', '"\\ud83d\\ude00"',
    '"\\uD83D\\uDE00"', '"\\ud83d"', '"\\ude00"', '"\\ud83d\\u0041"', '"\\uD7FF\\uE000"', '"\\x41"', '"\\U0041"', '"\\a"',
    '"a', 'a"', "'a'", '"a""', '"\u2028"', '"\\u12"', ' "a"',
]  # fmt: skip


@pytest.mark.parametrize("spelling", ["canonical", "any"])
def test_free_strings_are_spelled_as_json_allows(oracle: LlamaOracle, spelling: str) -> None:
    """The json module is the judge: what it reads and, in canonical spelling, what it writes."""

    def right(candidate: str) -> bool:
        try:
            content = json.loads(candidate)
            content.encode("utf-8")
        except ValueError:
            return False
        if candidate[0] == " ":
            return False
        return spelling == "any" or json.dumps(content, ensure_ascii=False) == candidate

    node = StringTerminal(ALL_STRINGS, "any" if spelling == "any" else "canonical")
    check(oracle, node, list(filter(right, SPELLED)), [c for c in SPELLED if not right(c)])


def test_each_character_has_just_the_escapes_that_json_reads() -> None:
    rng = random.Random(11)
    for code_point in [
        *range(0x80),
        0xD7FF,
        0xE000,
        0xFFFF,
        0x10000,
        0x10FFFF,
        *rng.sample(range(0xE000, 0x110000), 50),
    ]:
        character = chr(code_point)
        canonical = json.dumps(character, ensure_ascii=False)[1:-1]
        units = [json.dumps(character)[1:-1], f"\\u{code_point:04x}"]
        candidates = {canonical, *units, *(u.upper().replace("\\U", "\\u") for u in units), "\\/", "\\x", "\\u123"}
        ways = union(*escapes(((code_point, code_point),), "any"))
        for candidate in candidates - {character}:
            try:
                expected = json.loads(f'"{candidate}"') == character
            except ValueError:
                expected = False
            assert ways.matches(candidate) == expected, candidate
        one_way = union(*escapes(((code_point, code_point),), "canonical"))
        assert one_way.matches(canonical) == (not charset.contains(RAW, code_point))


def test_escapes_of_ranges_hold_no_other_character() -> None:
    rng = random.Random(12)
    for _ in range(200):
        low = rng.choice((0, 0x7F, 0xD000, 0xFFF0, 0x10000, 0x1F000)) + rng.randrange(0x1000)
        members = charset.normalise([(low, low + rng.choice((0, 1, 15, 1_000, 70_000)))])
        ways = union(*escapes(members, "any"))
        for code_point in {c + d for bounds in members for c in bounds for d in (-1, 0, 1)}:
            if charset.contains(charset.ANY, code_point):
                written = json.dumps(chr(code_point))[1:-1]
                written = written if written.startswith("\\u") else f"\\u{code_point:04x}"
                assert ways.matches(written) == charset.contains(members, code_point)


# Members


def member(name: str, required: bool = False, value: Node = A) -> Member:
    return Member(name, value, required)


def pairs(*names: str) -> str:
    return ", ".join(f"{json.dumps(name)}: a" for name in names)


def test_a_closed_object_with_required_keys_first_is_one_rule() -> None:
    node = Members((member("a", True), member("b"), member("c", True)))
    assert printed(node) == 'root ::= "\\"a\\": a" ", \\"b\\": a"? ", \\"c\\": a"\n'


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("required", ["", "a", "b", "c", "ac", "abc"])
@pytest.mark.parametrize("others", [False, True])
def test_members_come_with_right_commas_and_counts(
    oracle: LlamaOracle, ordered: bool, required: str, others: bool
) -> None:
    declared = tuple(member(name, name in required) for name in "abc")
    more = (AdditionalMembers(finite_set(["x", "yy"]), A),) if others else ()
    keys = [
        "",
        "a",
        "b",
        "c",
        "ab",
        "ba",
        "ac",
        "ca",
        "bc",
        "abc",
        "cba",
        "bac",
        "x",
        "ax",
        "xa",
        "abcx",
        "axc",
        "xx",
        "aa",
    ]
    candidates = [pairs(*k) for k in keys] + [
        pairs("a") + ", ",
        ", " + pairs("a"),
        '"a": a, , "b": a',
        '"yy": a, "x": a',
    ]
    for low, high in ((0, None), (1, None), (2, 3), (0, 1), (3, 3), (0, 0), (4, None), (2, 1)):
        grammar = Grammar({"root": Members(declared, more, ordered, low=low, high=high)})
        expected = [matches(grammar, c, keys_repeat=True) for c in candidates]
        gbnf = print_gbnf(grammar)
        assert oracle.accepts(gbnf, candidates) == expected, gbnf
        assert print_gbnf(parse_gbnf(gbnf)) == without_comments(gbnf)


def test_size_grows_linearly_with_the_keys() -> None:
    sizes = [len(printed(Members(tuple(member(f"k{i}") for i in range(n))))) for n in (50, 100, 200)]
    assert sizes[2] < 4.5 * sizes[0]


def test_an_object_without_declared_keys_counts_the_others(oracle: LlamaOracle) -> None:
    node = Members((), (AdditionalMembers(nonempty(ALL_STRINGS), A), AdditionalMembers(text(""), B)), low=1, high=2)
    gbnf = check(oracle, node, [pairs("x"), pairs("x", "y"), '"": b, "z": a'], ["", pairs(""), pairs("x", "y", "z")])
    assert gbnf.startswith("# additional keys may repeat: rule root\n")


def test_many_keys_in_any_order_are_refused() -> None:
    printed(Members(tuple(member(f"k{i}") for i in range(5)), ordered=False))
    with pytest.raises(NotPrintable, match=r"rule 'user': 6 keys in any order \(at most 5\)"):
        printed(RuleRef("user"), user=Members(tuple(member(f"k{i}") for i in range(6)), ordered=False))


def test_objects_that_need_too_many_rules_are_refused() -> None:
    declared = tuple(member(f"k{i}") for i in range(200))
    with pytest.raises(NotPrintable, match="needs more than 2000 rules"):
        printed(Members(declared, low=100))


# Guards


@dataclass(frozen=True)
class Unique:
    name: str = "uniqueItems"
    path: str = "/tags"
    scope: Scope = "value"

    def reason(self, value: bytes) -> str:
        return "never"

    def holds(self, value: bytes) -> bool:
        return True


def test_guards_are_refused_or_listed() -> None:
    node = Sequence((Guarded(A, Unique()), Guarded(B, Unique("not", "/a\nb")), Guarded(A, Unique())))
    with pytest.raises(NotPrintable, match="uniqueItems at /tags; not at /a\nb") as caught:
        printed(node)
    assert caught.value.reasons == ("uniqueItems at /tags", "not at /a\nb")
    assert print_gbnf(Grammar({"root": node}), allow_unenforced=True) == (
        '# not enforced by this grammar: uniqueItems at /tags\n# not enforced by this grammar: not at /a b\nroot ::= "aba"\n'
    )


def test_guards_on_keys_are_refused_or_listed() -> None:
    node = Members((), (AdditionalMembers(nonempty(ALL_STRINGS), A, guards=(Unique("propertyNames", "/map"),)),))
    with pytest.raises(NotPrintable, match="propertyNames at /map"):
        printed(node)
    listed = print_gbnf(Grammar({"root": node}), allow_unenforced=True)
    assert listed.startswith("# not enforced by this grammar: propertyNames at /map\n")


# Random grammars


@pytest.mark.parametrize(
    ("first", "count"), [(0, 170), pytest.param(170, 10_000, marks=pytest.mark.thorough)], ids=["fast", "thorough"]
)
def test_random_grammars_are_printed_as_what_they_are(first: int, count: int) -> None:
    """60 texts of each; the second text that parse and print make is the first."""
    accepted = tried = skipped = 0
    with LlamaOracle(cpu_seconds=1) as oracle:
        for seed in range(first, first + count):
            rng = random.Random(seed)
            grammar = random_grammar(rng)
            gbnf = print_gbnf(grammar)
            candidates = strings(grammar, rng, 60)
            try:
                answers = oracle.accepts(gbnf, candidates)
            except OracleDied:  # ambiguous grammars have exponentially many stacks
                skipped += 1
                continue
            expected = [matches(grammar, c, keys_repeat=True) for c in candidates]
            assert answers == expected, gbnf
            again = parse_gbnf(gbnf)
            assert [matches(again, c) for c in candidates] == expected, gbnf
            assert print_gbnf(again) == without_comments(gbnf)
            accepted, tried = accepted + sum(expected), tried + len(expected)
    print(f"{tried} texts, {accepted / tried:.0%} accepted")  # shown by pytest -s
    assert 0.3 < accepted / tried < 0.7
    assert skipped <= count // 50


def test_random_grammars_hold_every_kind_of_node() -> None:
    kinds: set[str] = set()
    for seed in range(60):
        for node in random_grammar(random.Random(seed)).rules.values():
            kinds |= set(repr(node).replace("(", " ").replace("=", " ").replace(",", " ").split())
    wanted = {
        {"string": "StringTerminal", "terminal": "RegularTerminal", "reference": "RuleRef"}.get(kind, kind.capitalize())
        for kind in KINDS
    }
    assert wanted <= kinds
