"""A text walked through an automaton byte by byte, without tokens; and which rules of a grammar the values of a text visit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from engine.automaton.automaton import DEAD, Automaton, Conditional
from engine.automaton.tracker import Tracker
from engine.grammar.grammar import Grammar


def accepts(automaton: Automaton, text: str) -> bool:
    """Whether a JSON text is in the language, guards included."""
    state, tracker = automaton.start, Tracker()
    for byte in text.encode():
        step, after = automaton.step(state, byte), tracker.feed(bytes([byte]))
        if isinstance(step, Conditional):
            step = automaton.resolve(step, tracker, after)
        if step == DEAD:
            return False
        state, tracker = step, after
    return automaton.may_end(state, tracker)


def visited_rules(grammar: Grammar, texts: Iterable[str]) -> set[str]:
    """The rules that some value inside some of the texts is a text of."""
    parts = {json.dumps(value, ensure_ascii=False) for text in texts for value in _values(json.loads(text))}
    automata = {rule: Automaton(Grammar(grammar.rules, rule)) for rule in grammar.rules}
    return {rule for rule, automaton in automata.items() if any(accepts(automaton, part) for part in parts)}


def _values(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _values(inner)
