"""The automaton against llama.cpp's own grammar code on random grammars, and mutants of it that the comparison must catch.

Each grammar is printed, run by llama.cpp in a child process, and run twice by the automaton: as it is, and parsed back from
the printed text. Every walk of a text is one comparison.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import permutations

import pytest
from grammar_strategies import random_grammar, strings
from llama_oracle import LlamaOracle, OracleDied

from engine.automaton import member_progress as members_module
from engine.automaton import network as network_module
from engine.automaton import stacks as stacks_module
from engine.automaton import terminal as terminal_module
from engine.automaton.automaton import DEAD, Automaton, Conditional
from engine.automaton.network import key_terminal
from engine.automaton.terminal import quoted_terminal, text_terminal
from engine.errors import GrammarError, GrammarTooComplex
from engine.grammar.gbnf_parser import parse_gbnf
from engine.grammar.gbnf_printer import print_gbnf
from engine.grammar.grammar import Grammar, Member, Members, Repeat, StringTerminal
from engine.regular import expression

WALKS, PER_GRAMMAR = 10_000, 24


def accepts(automaton: Automaton, text: str) -> bool:
    """Whether `text` is in the language but for repeated keys, the one guard here, which no printed grammar has."""
    state = automaton.start
    for byte in text.encode():
        step = automaton.step(state, byte)
        state = step.optimistic if isinstance(step, Conditional) else step
        if state == DEAD:
            return False
    return bool(automaton.endings(state))


def cases(seed: int, walks: int) -> Iterator[tuple[Grammar, str, list[str]]]:
    rng = random.Random(seed)
    made = 0
    while made < walks:
        grammar = random_grammar(rng)
        try:
            printed = print_gbnf(grammar)
        except GrammarError:
            continue
        texts = strings(grammar, rng, PER_GRAMMAR)
        made += len(texts)
        yield grammar, printed, texts


def test_acceptance_equals_llama_cpp_on_random_grammars() -> None:
    accepted = compared = died = 0
    with LlamaOracle() as oracle:
        for grammar, printed, texts in cases(1, WALKS):
            try:
                expected = oracle.accepts(printed, texts)
            except OracleDied:
                died += 1
                continue
            assert expected is not None, printed
            try:
                for version in (Automaton(grammar), Automaton(parse_gbnf(printed))):
                    assert [accepts(version, text) for text in texts] == expected, printed
            except GrammarTooComplex:  # ambiguous without bound: it is refused, with an error
                died += 1
                continue
            compared += len(texts)
            accepted += sum(expected)
    print(f"{compared} walks, {100 * accepted / compared:.0f} % accepted, {died} grammars too ambiguous to run")
    assert compared >= 0.98 * WALKS
    assert 0.3 <= accepted / compared <= 0.7


def _off_by_one_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    original = stacks_module.Stacks._expand_loop
    monkeypatch.setattr(
        stacks_module.Stacks, "_expand_loop", lambda self, s, i, low, high: original(self, s, i, max(0, low - 1), high)
    )


def _endless_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    original = stacks_module.Stacks._expand_loop
    monkeypatch.setattr(
        stacks_module.Stacks, "_expand_loop", lambda self, s, i, low, high: original(self, s, i, low, None)
    )


def _first_option_only(monkeypatch: pytest.MonkeyPatch) -> None:
    original = stacks_module.Stacks._expand

    def expand(self, stack):  # type: ignore[no-untyped-def]
        found = original(self, stack)
        vertex = self.network.vertices[self._frames[stack][0]]
        return found._replace(stacks=found.stacks[:1]) if isinstance(vertex, network_module.ChoiceVertex) else found

    monkeypatch.setattr(stacks_module.Stacks, "_expand", expand)


def _sequence_loses_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    original = stacks_module.Stacks._expand

    def expand(self, stack):  # type: ignore[no-untyped-def]
        vertex = self.network.vertices[self._frames[stack][0]]
        if isinstance(vertex, network_module.SequenceVertex) and len(vertex.items) > 2:
            parent = self._frames[stack][2]
            for item in reversed(vertex.items[:-1]):
                parent = self.push(item, 0, parent)
            return stacks_module._Expansion((parent,))
        return original(self, stack)

    monkeypatch.setattr(stacks_module.Stacks, "_expand", expand)


def _numbers_cannot_be_left(monkeypatch: pytest.MonkeyPatch) -> None:
    original = terminal_module.TextTerminal.accepts
    monkeypatch.setattr(
        terminal_module.TextTerminal, "accepts", lambda self, q: original(self, q) and not self.edges(q)
    )


def _wide_characters_are_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal_module, "_LEADS", terminal_module._LEADS[:1])


def _escapes_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal_module.QuotedTerminal, "_escape", lambda self, pieces: {})


def _optional_members_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        members_module, "may_end", lambda members, progress: not members_module._left(members, progress[0])
    )


def _required_members_are_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members_module, "_required", lambda members, used: 0)


def _order_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members_module, "_take", lambda members, used, index: used)


def _counts_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members_module, "_saturate", lambda members, count: min(count, 1))


MUTANTS: list[Callable[[pytest.MonkeyPatch], None]] = [
    _off_by_one_loop,
    _endless_loop,
    _first_option_only,
    _sequence_loses_its_end,
    _numbers_cannot_be_left,
    _wide_characters_are_narrow,
    _escapes_are_forgotten,
    _optional_members_are_required,
    _required_members_are_optional,
    _order_is_forgotten,
    _counts_are_forgotten,
]


STRING = StringTerminal(expression.ALL_STRINGS)
PAIR = Members((Member("a", STRING, True), Member("b", STRING, False), Member("c", STRING, True)))
COUNTED = Members(tuple(Member(name, STRING, False) for name in "abc"), low=2, high=2)
MEMBERS = [", ".join(f'"{key}": "x"' for key in keys) for n in range(4) for keys in permutations("abc", n)]
DIRECTED = [
    (Grammar({"root": Repeat(STRING, 2, 3)}), ['""' * n for n in range(5)]),
    (Grammar({"root": PAIR}), MEMBERS),
    (Grammar({"root": COUNTED}), MEMBERS),
]


SHARED = (text_terminal, quoted_terminal, key_terminal, terminal_module._leads, terminal_module._continuations)


@pytest.fixture
def fresh_terminals() -> Iterator[None]:
    """Terminals are shared by all grammars: a mutant must neither find those of the sound automaton nor leave its own."""
    for shared in SHARED:
        shared.cache_clear()
    yield
    for shared in SHARED:
        shared.cache_clear()


@pytest.mark.parametrize("mutate", MUTANTS, ids=lambda mutate: mutate.__name__.strip("_"))
@pytest.mark.usefixtures("fresh_terminals")
def test_the_comparison_catches_a_broken_automaton(
    mutate: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = [(grammar, texts) for grammar, _, texts in cases(2, 1500)]
    sound = [(g, texts, [accepts(Automaton(g), t) for t in texts]) for g, texts in (*DIRECTED, *drawn)]
    for shared in SHARED:
        shared.cache_clear()
    mutate(monkeypatch)
    for grammar, texts, expected in sound:
        try:
            if [accepts(Automaton(grammar), text) for text in texts] != expected:
                return
        except (AssertionError, StopIteration, GrammarError):
            return  # an invariant noticed it first
    pytest.fail("the mutant answers like the sound automaton")
