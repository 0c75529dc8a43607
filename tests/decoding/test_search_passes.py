"""Searches side by side find what each finds alone, however few sequences and cells there are for them."""

from __future__ import annotations

import pytest
from scripted_documents import VOCABULARY
from word_search import GRAMMAR, PROMPT, Words, sharp

from engine.automaton.automaton import Automaton
from engine.decoding.forced_tokens import ForcedTokenizer
from engine.decoding.language_model import Feed
from engine.decoding.scripted import ScriptedModel, ScriptedSequences
from engine.decoding.search_passes import Lead, SearchBase, SearchPasses, search_room
from engine.decoding.statistics import Statistics
from engine.decoding.value_search import ValueSearch
from engine.grammar.gbnf_parser import parse_gbnf
from engine.masks.mask import Masks, Walks
from engine.masks.matcher import Matcher

LEADS = (Lead((1, 2)), Lead((3,)), Lead((4, 5, 6)))
WALKS = Walks(VOCABULARY)


def found(
    seed: int, leads: tuple[Lead, ...], wanted: int = 1, **room: int
) -> tuple[list[list[tuple[bytes, float]]], ScriptedSequences, Statistics]:
    sequences, statistics = ScriptedSequences(VOCABULARY, sharp(seed), **room), Statistics()
    sequences.decode([Feed(1, 0, PROMPT, 1)])
    passes = SearchPasses(sequences, statistics)
    begun = passes.begin(SearchBase(1, len(PROMPT)), leads)
    searches = []
    for base, rows, held in begun:
        matcher = Matcher(Masks(Automaton(parse_gbnf(GRAMMAR)), WALKS))
        spelling = ForcedTokenizer(ScriptedModel(VOCABULARY))
        search = ValueSearch(
            matcher, rows, Words(), VOCABULARY, spelling, statistics, held=held, slack=100.0, exact=True
        )
        search.go_on(wanted, float("-inf"))
        searches.append((search, base))
    passes.run(searches)
    passes.release()
    best: list[list[tuple[bytes, float]]] = []
    for search, _ in searches:
        scores: dict[bytes, float] = {}
        for one in search.done:
            scores.setdefault(one.state.text, round(one.score, 3))
        best.append(list(scores.items())[:wanted])
    return best, sequences, statistics


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("wanted", [1, 3])
def test_searches_side_by_side_find_what_each_finds_alone(seed: int, wanted: int) -> None:
    together, sequences, statistics = found(seed, LEADS, wanted, branches=20)
    alone = [found(seed, (lead,), wanted, branches=20) for lead in LEADS]
    assert together == [one for result, _, _ in alone for one in result]
    assert statistics.forward_passes < sum(each.forward_passes for _, _, each in alone)
    assert all(not sequences.held(number) for number in range(2, 2 + sequences.branches))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("room", [{"branches": 6}, {"n_ctx": 160}, {"branches": 6, "n_ctx": 160, "n_batch": 12}])
def test_few_sequences_or_cells_change_nothing(seed: int, room: dict[str, int]) -> None:
    plenty, _, _ = found(seed, LEADS, 3)
    scarce, sequences, _ = found(seed, LEADS, 3, **room)
    assert scarce == plenty
    assert search_room(sequences) <= 512


def test_each_token_of_a_search_is_evaluated_once() -> None:
    for seed in range(4):
        _, _, statistics = found(seed, LEADS[:1], 3)
        _, _, scarce = found(seed, LEADS[:1], 3, branches=2)
        assert statistics.searched_tokens <= scarce.searched_tokens
    assert statistics.searched_tokens < scarce.searched_tokens


def test_leads_are_begun_together_as_far_as_they_fit() -> None:
    def fitting(leads: list[Lead], **room: int) -> int:
        return SearchPasses(ScriptedSequences(VOCABULARY, sharp(0), **room), Statistics()).fitting(leads)

    leads = [Lead((1,) * 10)] * 6
    assert fitting(leads, branches=20) == 6
    assert fitting(leads, branches=6) == 3
    assert fitting(leads, branches=20, n_ctx=400) == 2  # 50 cells, half of them for leads
    assert fitting(leads, branches=20, n_ctx=40) == 1
