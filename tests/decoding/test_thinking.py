"""A thought before the answer: it ends with its mark, at its bound or with the turn, and the answer follows."""

from __future__ import annotations

import numpy as np
import pytest
from finite_matcher import FiniteMatcher
from scripted_documents import LANGUAGE, OUTPUTS, PIECES, VOCABULARY, prompt

from engine.decoding.forced_tokens import ForcedTokenizer
from engine.decoding.generation import Jump
from engine.decoding.language_model import Row
from engine.decoding.scheduler import Event, Request, Run, Workspace
from engine.decoding.scripted import Script, ScriptedModel, ScriptedSequences
from engine.decoding.statistics import Statistics
from engine.decoding.thinking import Thinking
from engine.errors import TextTooLong

CLOSING = "Bob_"
IDS = {piece: token for token, piece in reversed(list(enumerate(PIECES)))}
MODEL = ScriptedModel(VOCABULARY)
THINKING = Thinking(
    8, CLOSING.encode(), frozenset(), MODEL.tokenize(b" "), (*MODEL.tokenize(CLOSING.encode()), *MODEL.tokenize(b" "))
)


def writing(*wanted: bytes) -> Script:
    """A model that thinks in these tokens, and then wants nothing in particular."""

    def script(tokens: tuple[int, ...]) -> Row:
        row = np.zeros(len(PIECES), np.float32)
        place = len(tokens) - len(prompt(0))
        if place < len(wanted):
            row[IDS[wanted[place]]] = 1
        return row

    return script


def run(
    script: Script, *, thinking: Thinking = THINKING, jump: Jump = "spelled", n_ctx: int = 4096
) -> tuple[Event, str, int]:
    sequences = ScriptedSequences(VOCABULARY, script, n_ctx=n_ctx)
    space, statistics = Workspace(VOCABULARY, ForcedTokenizer(MODEL), sequences), Statistics()
    request = Request(prompt(0), FiniteMatcher(LANGUAGE), 60, thinking=thinking)
    events = list(Run([None], lambda *_: request, jump=jump, statistics=statistics).events(space))
    return events[-1], b"".join(event.data for event in events).decode(), statistics.thought_tokens


@pytest.mark.parametrize("jump", ["off", "spelled", "verified"])
@pytest.mark.parametrize(
    ("wanted", "thought", "counted"),
    [
        ((b"John", b"M", b"Bob_" if b"Bob_" in IDS else b"B", b"o", b"b", b"_"), "JohnM", 7),
        ((b"John", b"<end>"), "John", 1 + len(THINKING.ending)),
        ((b"a",) * 20, "aaaaaaaa", 8 + len(THINKING.ending)),
    ],
)
def test_a_thought_ends_and_the_answer_follows(
    wanted: tuple[bytes, ...], thought: str, counted: int, jump: Jump
) -> None:
    event, text, tokens = run(writing(*wanted), jump=jump)
    assert text.encode() in OUTPUTS
    assert (event.finish, event.thought, tokens) == ("complete", thought, counted)


def test_a_single_token_may_be_the_mark() -> None:
    thinking = Thinking(8, b"</think>", frozenset([IDS[b"J"]]), (), (IDS[b"J"],))
    event, text, tokens = run(writing(b"M", b"J"), thinking=thinking)
    assert text.encode() in OUTPUTS
    assert (event.thought, tokens) == ("M", 2)


def test_room_for_the_thought_is_kept() -> None:
    event, _, _ = run(writing(), n_ctx=len(prompt(0)) + 60 + 12)
    assert isinstance(event.error, TextTooLong)
    assert event.error is not None
