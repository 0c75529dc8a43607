"""The matcher against the plain question whether each token can be accepted, and against what may be written."""

from __future__ import annotations

import json

import numpy as np
import pytest
from vocabularies import CONTROL, ENDS, FULL, SMALL

from engine.automaton.automaton import Automaton
from engine.errors import TokenRejected
from engine.grammar import grammar as g
from engine.masks.mask import Masks, Walks, fewest_tokens
from engine.masks.matcher import Matcher
from engine.masks.trie import build_trie
from engine.regular import charset
from engine.regular import expression as ex

STRING = g.StringTerminal(ex.ALL_STRINGS)
SHORT = g.StringTerminal(ex.repeat(ex.char_class(charset.ANY), 1, 3))
DIGITS = ex.char_class(charset.of("0123456789"))
INTEGER = g.RegularTerminal(
    ex.union(ex.text("0"), ex.concat(ex.char_class(charset.of("123456789")), ex.repeat(DIGITS, 0, None)))
)


class Even:
    """A guard that no grammar can say cheaply: an even number."""

    name, path = "even", "/"
    scope: g.Scope = "value"

    def reason(self, value: bytes) -> str:
        return f"{value.decode()} is odd"

    def holds(self, value: bytes) -> bool:
        return int(value) % 2 == 0


class Unique:
    name, path = "uniqueItems", "/"
    scope: g.Scope = "value"

    def reason(self, value: bytes) -> str:
        return "not unique"

    def holds(self, value: bytes) -> bool:
        items = [json.dumps(item) for item in json.loads(value)]
        return len(set(items)) == len(items)


def array(item: g.Node, low: int = 0, high: int | None = None) -> g.Node:
    more = g.Repeat(g.Sequence((g.Literal(", "), item)), max(0, low - 1), None if high is None else high - 1)
    body = g.Sequence((item, more))
    return g.Sequence((g.Literal("["), body if low else g.Repeat(body, 0, 1), g.Literal("]")))


def grammar(root: g.Node, **rules: g.Node) -> g.Grammar:
    return g.Grammar({"root": root, **rules})


OPEN = g.Members(
    (g.Member("a", INTEGER, True),),
    (g.AdditionalMembers(ex.complement(ex.finite_set(["a"])), INTEGER),),
    colon=g.Literal(":"),
)
UP_TO = [ex.repeat(ex.char_class(charset.ANY), low, high) for low, high in ((0, 4), (2, 5), (1, None))]
ODD = ex.concat(
    ex.optional(ex.char_class(charset.of("aé"))),
    ex.repeat(ex.concat(ex.text("b"), ex.char_class(charset.ANY)), 0, None),
)
NARROWED = {
    "a pattern and a length": ex.intersection(ODD, UP_TO[0]),
    "a pattern and two lengths": ex.intersection(ODD, UP_TO[1]),
    "a class and a length": ex.repeat(ex.char_class(charset.of("abé😀\n")), 1, 3),
    "all but some words": ex.intersection(
        ex.complement(ex.finite_set(["a", "ab", "é"])), ex.complement(ex.finite_set(["b", ""]))
    ),
    "short but for some words": ex.intersection(ex.complement(ex.finite_set(["a", "ab", "aba", "é"])), UP_TO[0]),
    "not a pattern": ex.intersection(ex.complement(ODD), UP_TO[2]),
}
GRAMMARS = {
    **{
        f"{n}, {s}": g.Grammar({"root": g.StringTerminal(e, s)})
        for n, e in NARROWED.items()
        for s in ("canonical", "any")
    },
    "strings": grammar(array(STRING)),
    "short strings": grammar(array(SHORT, 1, 3)),
    "integers": grammar(array(INTEGER)),
    "even": grammar(array(g.Guarded(INTEGER, Even()))),
    "unique": grammar(g.Guarded(array(INTEGER), Unique())),
    "unique or strings": grammar(g.Choice((g.Guarded(array(INTEGER), Unique()), array(STRING)))),
    "open object": grammar(g.Sequence((g.Literal("{"), OPEN, g.Literal("}")))),
    "nested": grammar(array(g.Choice((g.RuleRef("root"), INTEGER)))),
    "number at the root": grammar(INTEGER),
    "blanks": grammar(array(g.Sequence((g.RegularTerminal(ex.repeat(ex.char_class(charset.of(" ")), 0, 3)), INTEGER)))),
    "words": grammar(g.Choice((g.Literal("ab"), g.Literal("aba"), g.Literal("é"), g.Literal("😀")))),
}


@pytest.mark.parametrize("name", GRAMMARS)
@pytest.mark.parametrize("vocabulary", [SMALL, FULL], ids=["small", "full"])
def test_mask_is_exactly_the_set_of_acceptable_tokens(name: str, vocabulary) -> None:  # type: ignore[no-untyped-def]
    masks = Masks(Automaton(GRAMMARS[name]), Walks(vocabulary))
    random = np.random.default_rng(len(name))
    checked = 0
    for _ in range(25):
        matcher = Matcher(masks)
        for _ in range(14):
            mask = matcher.mask()
            for token in range(len(vocabulary)):
                before = (matcher.output, matcher.finished)
                try:
                    matcher.accept(token)
                except TokenRejected:
                    assert not mask[token], vocabulary.pieces[token]
                    assert (matcher.output, matcher.finished) == before
                else:
                    assert mask[token], vocabulary.pieces[token]
                    matcher.rollback(1)
                assert matcher.allows(token) == mask[token]
            assert mask[list(ENDS)].all() == mask[list(ENDS)].any() == matcher.may_end
            checked += 1
            if not mask.any():
                break
            chosen = int(random.choice(np.flatnonzero(mask)))
            matcher.accept(chosen)
            if chosen in ENDS:
                break
    assert checked > 50


@pytest.mark.parametrize("name", GRAMMARS)
def test_walks_under_the_mask_and_their_closing_end_in_json(name: str) -> None:
    masks = Masks(Automaton(GRAMMARS[name]), Walks(FULL))
    random = np.random.default_rng(1)
    guarded = name in {"even", "unique", "unique or strings"}
    ended = 0
    for _ in range(60):
        matcher = Matcher(masks)
        for _ in range(int(random.integers(0, 30))):
            mask = matcher.mask()
            mask[list(ENDS)] = False
            if not mask.any():
                break
            matcher.accept(int(random.choice(np.flatnonzero(mask))))
        try:
            for token in matcher.closing() or ():
                matcher.accept(token)
        except TokenRejected:
            assert guarded  # a guard may refuse the shortest completion
            continue
        assert matcher.may_end
        if name != "words":
            json.loads(matcher.output)
        ended += 1
    assert ended > 20


def test_control_tokens_and_empty_texts_are_never_allowed() -> None:
    matcher = Matcher(GRAMMARS["strings"], FULL)
    for token in (6, 2):
        matcher.accept(token)
    mask = matcher.mask()
    assert not mask[CONTROL]
    assert not mask[22]
    assert mask[24], "a token of more than 32 bytes is one like any other"
    assert mask[10]
    assert mask[23], "tokens with the same text are both allowed"


def test_mask_allows_a_token_that_ends_inside_a_character_and_only_its_rest_after_it() -> None:
    matcher = Matcher(GRAMMARS["strings"], SMALL)
    for token in (6, 2, 19):
        matcher.accept(token)
    assert np.flatnonzero(matcher.mask()).tolist() == [17, 20]  # any continuation byte makes a character


def test_a_branch_under_a_guard_does_not_stop_the_other() -> None:
    """anyOf[{uniqueItems}, {items: integer}] accepts [1, 1] and refuses ["a", "a"]."""
    either = g.Choice((g.Guarded(array(g.Choice((INTEGER, STRING))), Unique()), array(INTEGER)))
    for text, expected in (("[1, 1]", True), ('["a", "a"]', False), ('["a", "b"]', True), ("[1, 2]", True)):
        matcher = Matcher(grammar(either), FULL)
        tokens = fewest_tokens(build_trie(FULL), text.encode())
        accepted = True
        for token in tokens or ():
            if not matcher.allows(token):
                accepted = False
                break
            matcher.accept(token)
        assert (accepted and matcher.may_end) == expected, text


def test_rollback_restores_every_answer() -> None:
    matcher = Matcher(GRAMMARS["open object"], FULL)
    states = [(matcher.output, matcher.mask().tolist(), matcher.forced(), matcher.closing())]
    for token in fewest_tokens(build_trie(FULL), b'{"a":12, "b":1, "bb":0}') or ():
        matcher.accept(token)
        states.append((matcher.output, matcher.mask().tolist(), matcher.forced(), matcher.closing()))
    matcher.accept(ENDS[0])
    assert matcher.finished
    assert not matcher.mask().any()
    matcher.rollback(1)
    for state in reversed(states):
        assert (matcher.output, matcher.mask().tolist(), matcher.forced(), matcher.closing()) == state
        if matcher.output:
            matcher.rollback(1)
    with pytest.raises(ValueError, match="0 tokens were accepted"):
        matcher.rollback(1)


def test_a_key_is_not_repeated() -> None:
    matcher = Matcher(GRAMMARS["open object"], FULL)
    for token in fewest_tokens(build_trie(FULL), b'{"a":12, "b":1, "b') or ():
        matcher.accept(token)
    assert not matcher.allows(2)
    assert not matcher.allows(3)
    assert matcher.allows(9)


def test_forced_bytes_stop_where_there_is_a_choice() -> None:
    matcher = Matcher(GRAMMARS["open object"], FULL)
    assert matcher.forced() == b'{"a":'
    assert Matcher(GRAMMARS["words"], FULL).forced() == b""


def test_shortest_completion_fills_what_is_required() -> None:
    members = g.Members(
        (g.Member("x", STRING, True), g.Member("y", INTEGER, False), g.Member("z", array(INTEGER, 2), True)), low=3
    )
    matcher = Matcher(grammar(g.Sequence((g.Literal("{"), members, g.Literal("}")))), FULL)
    text = b"".join(FULL.pieces[token] for token in matcher.closing() or ())
    assert json.loads(text) == {"x": "", "y": 0, "z": [0, 0]}


def test_an_accepted_end_finishes_and_a_premature_one_is_rejected() -> None:
    matcher = Matcher(GRAMMARS["number at the root"], FULL)
    with pytest.raises(TokenRejected):
        matcher.accept(ENDS[0])
    finished = []
    for token in (14, ENDS[1]):
        matcher.accept(token)
        finished.append(matcher.finished)
    assert finished == [False, True]
    with pytest.raises(TokenRejected, match="not allowed"):
        matcher.accept(12)
