"""Which drafts are found, and how many are sent along."""

from __future__ import annotations

import pytest
from scripted_documents import VOCABULARY, text_of

from engine.decoding.drafts import DraftKind, DraftPolicy, SourceDrafts
from engine.decoding.forced_tokens import ForcedTokenizer
from engine.decoding.pass_times import PassTimes
from engine.decoding.scripted import ScriptedModel

FREE = PassTimes(None, 1, ((1, 10.0), (64, 10.0)), 0.1)
DEAR = PassTimes(None, 1, ((1, 10.0), (64, 640.0)), 10.0)
SOURCE = b"Mary, John Mag bz"


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (b'{"name": "John', b" Mag "),
        (b'{"name": "xx John', b" Mag "),
        (b'{"name": "Ma', b""),  # too little to go by
        (b'{"name": "', b""),
        (b'{"name": "xyz', b""),
        (b"", b""),
    ],
)
def test_what_follows_in_the_source(output: bytes, expected: bytes) -> None:
    drafts = SourceDrafts(SOURCE, ForcedTokenizer(ScriptedModel(VOCABULARY)))
    found = text_of(drafts.after(output))
    assert found == expected or (expected and found.startswith(expected[:3]))


def test_rows_that_cost_nothing_carry_all_drafts_and_dear_ones_none() -> None:
    wanted = [(DraftKind.FORCED, 5), (DraftKind.SOURCE, 7)]
    assert DraftPolicy(FREE).most(wanted) == 7
    assert DraftPolicy(DEAR).most(wanted) == 0
    assert DraftPolicy(None).most(wanted) == 7
    assert DraftPolicy(FREE).most([]) == 0


def test_drafts_that_turn_out_wrong_are_given_up() -> None:
    steps = PassTimes(None, 1, ((1, 10.0), (2, 13.0), (8, 40.0)), 1.0)
    policy = DraftPolicy(steps)
    assert policy.looks_up(1)
    for _ in range(20):
        policy.learn(DraftKind.SOURCE, 3, 0)
    assert not policy.looks_up(1)
    assert policy.most([(DraftKind.FORCED, 1)]) == 1
    for _ in range(20):
        policy.learn(DraftKind.SOURCE, 3, 3)
    assert policy.looks_up(1)
    assert not DraftPolicy(None).looks_up(1)
