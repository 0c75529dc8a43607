"""A walk says of each token whether it stays inside a terminal, closes it, or leaves it; held against the bytes."""

from __future__ import annotations

import pytest
from vocabularies import FULL, SMALL

from engine.automaton.terminal import Terminal, quoted_terminal, text_terminal
from engine.masks.trie import read_trie
from engine.masks.vocabulary import Vocabulary
from engine.masks.walk import Walker
from engine.regular import charset
from engine.regular import expression as ex
from engine.regular.pattern import parse_pattern

ANY = ex.char_class(charset.ANY)
TERMINALS: dict[str, Terminal] = {
    "free string": quoted_terminal(ex.ALL_STRINGS, "canonical"),
    "string in any spelling": quoted_terminal(ex.ALL_STRINGS, "any"),
    "at most two characters": quoted_terminal(ex.repeat(ANY, 0, 2), "canonical"),
    "a pattern": quoted_terminal(parse_pattern("^[ab]{1,3}$", "ecma"), "canonical"),
    "digits": text_terminal(parse_pattern("^[0-9]+$", "ecma")),
    "a word": text_terminal(ex.text("ab")),
}


@pytest.mark.parametrize("vocabulary", [SMALL, FULL], ids=["small", "full"])
@pytest.mark.parametrize("name", TERMINALS)
def test_every_token_is_inside_or_closes_exactly_where_its_bytes_do(name: str, vocabulary: Vocabulary) -> None:
    terminal, walker = TERMINALS[name], Walker(read_trie(vocabulary))
    pending, seen = [1], {1}
    while pending:
        start = pending.pop()
        walk = walker.walk(terminal, start)
        inside, closing = set(walk.inside()), {token for end in walk.ends for token in end.closing}
        for token in (int(token) for token in vocabulary.ordinary.nonzero()[0]):
            state = start
            for byte in vocabulary.pieces[token]:
                state = terminal.edges(state).get(byte, 0)
                if not state:
                    break
            goes_on = bool(state and terminal.edges(state))
            assert (token in inside) is goes_on, (start, vocabulary.pieces[token])
            assert (token in closing) is bool(state and not goes_on), (start, vocabulary.pieces[token])
        for target in terminal.edges(start).values():
            if target not in seen and len(seen) < 12 and terminal.edges(target):
                seen.add(target)
                pending.append(target)


def test_an_exit_is_a_place_where_longer_tokens_leave_the_terminal() -> None:
    walker = Walker(read_trie(SMALL))
    terminal = TERMINALS["free string"]
    (inner,) = set(terminal.edges(1).values())
    labels = {int(label) for end in walker.walk(terminal, inner).ends for label in end.labels}
    assert labels == set(b":,")  # of `":` and of `", "`
