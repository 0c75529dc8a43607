"""Where decoding goes on after a dead end: guesses that guards confirm first, then best first, each once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from engine.grammar.grammar import Scope
from engine.guards.frontier import Candidate, ChoicePoint, Frontier, Refusal, Retry


class Holds:
    """A guard that any function makes."""

    name, path = "holds", "/"
    scope: Scope = "value"

    def __init__(self, holds: Callable[[object], bool]) -> None:
        self._holds = holds

    def holds(self, value: bytes) -> bool:
        return self._holds(json.loads(value))

    def reason(self, value: bytes) -> str:
        return "it does not"


def choices_of(text: bytes, alternatives: list[bytes]) -> list[ChoicePoint[int]]:
    """A choice for each byte of a text, latest first; each alternative costs one nat more than the one before it."""
    known = [Candidate(float(loss), piece[0], piece) for loss, piece in enumerate(alternatives)]
    made = [ChoicePoint(at, at, at + 1, 0.0, known) for at in range(len(text))]
    for choice in made:
        choice.tried.add((text[choice.start],))
    return made[::-1]


def all_of(frontier: Frontier[int]) -> list[Retry[int]]:
    found = []
    while (one := frontier.pop()) is not None:
        found.append(one)
    return found


def test_what_a_guard_would_take_comes_first_and_then_the_cheapest() -> None:
    frontier: Frontier[int] = Frontier()
    frontier.spread(choices_of(b"13", [b"1", b"3", b"8", b"9"]), [Refusal(Holds(lambda v: v == 18), 0, b"13")])
    found = all_of(frontier)
    assert (found[0].choice.start, found[0].piece) == (1, b"8")
    assert [one.loss for one in found[1:]] == sorted(one.loss for one in found[1:])


def test_a_wider_change_is_found_where_no_single_one_helps() -> None:
    frontier: Frontier[int] = Frontier()
    digits = [b"%d" % digit for digit in range(10)]
    frontier.spread(choices_of(b"1500", digits), [Refusal(Holds(lambda v: v == 1055), 0, b"1500")])
    first = frontier.pop()
    assert first is not None
    assert (first.choice.start, first.piece) == (1, b"055")
    assert first.options == tuple(b"055")


def test_ending_the_value_earlier_is_a_guess_too() -> None:
    frontier: Frontier[int] = Frontier()
    known = [Candidate(0.0, 0, b", "), Candidate(9.0, 1, b"]")]
    comma = ChoicePoint(2, 2, 4, 0.0, known, tried={(0,)})
    frontier.spread([comma], [Refusal(Holds(lambda v: v == [7]), 0, b"[7, 7]")])
    assert [(one.options, one.piece) for one in all_of(frontier)] == [((1,), b"]")]


def test_choices_inside_the_refused_value_come_before_those_outside() -> None:
    frontier: Frontier[int] = Frontier()
    frontier.spread(choices_of(b"123456", [b"7", b"8"]), [Refusal(Holds(lambda v: False), 4, b"56")])
    assert [one.choice.start >= 4 for one in all_of(frontier)] == [True] * 4 + [False] * 8


def test_nothing_is_tried_twice_over_all_branches() -> None:
    frontier: Frontier[int] = Frontier()
    choices = choices_of(b"12", [b"1", b"2", b"3"])
    refusals = [Refusal(Holds(lambda v: v == 13), 0, b"12")]
    frontier.spread(choices, refusals)
    found = all_of(frontier)
    frontier.spread(choices, refusals)
    assert all_of(frontier) == []
    tried = [(one.choice.start, one.options) for one in found]
    assert len(tried) == len(set(tried))
    assert (0, tuple(b"1")) not in tried


def test_a_repeated_key_and_a_broken_text_are_no_guesses() -> None:
    assert not Refusal(None, 0, b'"a"').would_hold(0, 1, b"b")
    assert not Refusal(Holds(lambda v: True), 0, b'"a"').would_hold(0, 1, b"b")
    assert Refusal(Holds(lambda v: True), 0, b'"a"').would_hold(1, 2, b"b")


@pytest.mark.parametrize("count", [0, 1, 500])
def test_any_number_of_choices_is_spread(count: int) -> None:
    frontier: Frontier[int] = Frontier()
    text = b"7" * count
    frontier.spread(choices_of(text, [b"7", b"8"]), [Refusal(Holds(lambda v: False), 0, text)])
    assert len(all_of(frontier)) == count


def test_what_was_mended_stays_while_a_later_value_is_refused() -> None:
    frontier: Frontier[int] = Frontier()
    text = [b"%d" % digit for digit in range(10)]
    made = choices_of(b"[3, 5]", text)
    frontier.spread([one for one in made if one.start <= 1], [Refusal(Holds(lambda v: v in (8, 9)), 1, b"3")])
    first = frontier.pop()
    assert first is not None
    assert (first.choice.start, first.piece) == (1, b"8")
    costly = [replace(one, loss=100.0) for one in made]  # much was given up for the first
    frontier.spread(costly, [Refusal(Holds(lambda v: v == 6), 4, b"5")])
    later = [(one.choice.start, one.piece) for one in all_of(frontier)]
    assert later[0] == (4, b"6")
    assert next(one for one in later if one[0] < 4) == (
        1,
        b"9",
    )  # before all else, what the guard would have taken there
    assert all(start >= 4 for start, _ in later[: later.index((1, b"9"))])


def test_something_inside_of_the_value_is_ended_earlier_with_the_rest_as_it_was() -> None:
    text = b'{"a": ["x", "x", "x"], "b": 1}'
    known = [Candidate(0.5, 7, b'"')]
    made = [ChoicePoint(at, at, at + 1, 0.0, known, [(7, b'"'), (8, b"]"), (9, b"}")]) for at in (19, 14, 9)]
    frontier: Frontier[int] = Frontier()
    guard = Holds(lambda v: isinstance(v, dict) and "b" in v and len(set(v["a"])) == len(v["a"]))
    frontier.spread(made, [Refusal(guard, 0, text)])
    first = frontier.pop()
    assert first is not None
    assert (first.choice.start, first.options, first.piece, first.loss) == (9, (7, 8), b'"]', 0.5)
