"""The search finds the continuation that is the most probable as a whole, whatever its first tokens are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scripted_documents import PIECES, VOCABULARY
from word_search import GRAMMAR, PROMPT, WORDS, Words, sharp

from engine.automaton.automaton import Automaton
from engine.decoding.forced_tokens import ForcedTokenizer
from engine.decoding.language_model import Feed, Row
from engine.decoding.scripted import ScriptedModel, ScriptedSequences
from engine.decoding.search_passes import SearchBase, SearchPasses
from engine.decoding.statistics import Statistics
from engine.decoding.value_search import BeamBranch, ValueSearch
from engine.grammar.gbnf_parser import parse_gbnf
from engine.masks.mask import Masks, Walks
from engine.masks.matcher import Matcher


def search(seed: int, state: Words) -> tuple[list[BeamBranch], ScriptedSequences, Matcher]:
    sequences = ScriptedSequences(VOCABULARY, sharp(seed))
    ((row,),) = sequences.decode([Feed(1, 0, PROMPT, 1)])
    matcher = Matcher(Masks(Automaton(parse_gbnf(GRAMMAR)), Walks(VOCABULARY)))
    spelling, statistics = ForcedTokenizer(ScriptedModel(VOCABULARY)), Statistics()
    value_search = ValueSearch(matcher, [row], state, VOCABULARY, spelling, statistics, exact=True)
    passes = SearchPasses(sequences, statistics)
    passes.run([(value_search, SearchBase(1, len(PROMPT)))])
    passes.release()
    return value_search.done, sequences, matcher


def _log_probability(seed: int, tokens: tuple[int, ...]) -> float:
    total, script = 0.0, sharp(seed)
    for index, token in enumerate(tokens):
        row: Row = script((*PROMPT, *tokens[:index])).astype(np.float64)
        total += float(row[token] - np.log(np.exp(row).sum()))
    return total


def _spellings(word: bytes) -> list[tuple[int, ...]]:
    """All ways to write a word in tokens."""
    if not word:
        return [()]
    return [
        (token, *rest)
        for token in np.flatnonzero(VOCABULARY.ordinary).tolist()
        if PIECES[token] and word.startswith(PIECES[token])
        for rest in _spellings(word[len(PIECES[token]) :])
    ]


@pytest.mark.parametrize("seed", range(12))
def test_the_best_is_that_of_brute_force(seed: int) -> None:
    best = max((_log_probability(seed, tokens), tokens) for word in WORDS for tokens in _spellings(word))
    done, _, matcher = search(seed, Words())
    assert done[0].probability == pytest.approx(best[0], abs=1e-3)
    assert matcher.output == b""


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("expected", [b'"Mary"', b'"bag"', b'"other'])
def test_drafts_change_nothing_but_the_number_of_passes(seed: int, expected: bytes) -> None:
    plain, _, _ = search(seed, Words())
    drafted, sequences, _ = search(seed, Words(expected=expected))
    assert drafted[0].tokens == plain[0].tokens
    assert drafted[0].probability == pytest.approx(plain[0].probability, abs=1e-4)
    assert all(not sequences.held(number) for number in range(2, 2 + sequences.branches))


@dataclass(frozen=True)
class ItemOrEnd(Words):
    """A list that ends, or a word as its next item."""

    def feed(self, data: bytes) -> ItemOrEnd:
        after = replace(self, text=self.text + data)
        return replace(after, ends_list=after.text == b"]")

    @property
    def is_over(self) -> bool:
        return self.text in WORDS or self.ends_list


@pytest.mark.parametrize("seed", range(12))
def test_an_end_is_held_against_all_beginnings_of_an_item(seed: int) -> None:
    """Brute force: the sum of all tokens that begin an item, behind all ways to write what leads to it."""
    sequences = ScriptedSequences(VOCABULARY, sharp(seed))
    ((row,),) = sequences.decode([Feed(1, 0, PROMPT, 1)])
    matcher = Matcher(Masks(Automaton(parse_gbnf(f'{GRAMMAR} | "]"')), Walks(VOCABULARY)))
    spelling, statistics = ForcedTokenizer(ScriptedModel(VOCABULARY)), Statistics()
    search = ValueSearch(matcher, [row], ItemOrEnd(), VOCABULARY, spelling, statistics, exact=True)
    passes = SearchPasses(sequences, statistics)
    passes.run([(search, SearchBase(1, len(PROMPT)))])
    beginnings = {tokens[: _first_begun(tokens)] for word in WORDS for tokens in _spellings(word)}
    mass = np.logaddexp.reduce([_log_probability(seed, tokens) for tokens in beginnings])
    ends = max((_log_probability(seed, tokens) for tokens in _spellings(b"]")), default=-np.inf)
    assert search.decision is not None
    assert search.decision.state.ends_list == (ends > mass)


def _first_begun(tokens: tuple[int, ...]) -> int:
    """How many tokens there are up to where more than the quotation mark is written."""
    sizes = np.cumsum([len(PIECES[token]) for token in tokens])
    return int(np.searchsorted(sizes, 2)) + 1
