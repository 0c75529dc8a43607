"""Forced bytes become the model's own tokens, and never other bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_documents import PIECES, VOCABULARY, text_of

from engine.decoding.forced_tokens import ForcedTokenizer
from engine.decoding.scripted import ScriptedModel
from engine.masks.vocabulary import Vocabulary

SPELLING = ForcedTokenizer(ScriptedModel(VOCABULARY))


def _reaches_past(rest: bytes) -> bool:
    """By trying each token."""
    return any(
        piece.startswith(rest) and len(piece) > len(rest)
        for token, piece in enumerate(PIECES)
        if VOCABULARY.ordinary[token]
    )


@given(st.lists(st.sampled_from([*PIECES, "ü".encode(), b"x"]), max_size=6).map(b"".join))
def test_tokens_spell_a_beginning_of_the_text_and_doubt_starts_where_a_token_could_go_on(forced: bytes) -> None:
    spelled = SPELLING.spell(forced)
    assert forced.startswith(text_of((*spelled.certain, *spelled.drafts)))
    at = 0
    for index, token in enumerate((*spelled.certain, *spelled.drafts)):
        if index < len(spelled.certain):
            assert not _reaches_past(forced[at:])
        elif index == len(spelled.certain):
            assert _reaches_past(forced[at:])
        at += len(PIECES[token])


def test_text_that_has_tokens_is_spelled_to_its_end() -> None:
    forced = b'{"name": "'
    spelled = SPELLING.spell(forced)
    assert text_of((*spelled.certain, *spelled.drafts)) == forced
    assert spelled.certain
    # `": "` could have been `": "J`.
    assert text_of(spelled.drafts) == b'": "'


@pytest.mark.parametrize("forced", [b"", b"\xbc", b"\xbc12", b"\xff", b"xyz"])
def test_what_cannot_be_spelled_is_left_to_the_model(forced: bytes) -> None:
    spelled = SPELLING.spell(forced)
    assert (spelled.certain, spelled.drafts) == ((), ())


def test_a_text_is_spelled_as_far_as_its_characters_are_whole() -> None:
    spelled = SPELLING.spell(b'{"\xc3')
    assert text_of((*spelled.certain, *spelled.drafts)) == b'{"'


class _Liar(ScriptedModel):
    """A tokeniser that, like SentencePiece with U+2581, does not give back what it was given."""

    def tokenize(self, text: bytes, /) -> tuple[int, ...]:
        return super().tokenize(text.replace(b"_", b" "))


def test_tokens_of_other_bytes_and_signals_are_not_used() -> None:
    spelling = ForcedTokenizer(_Liar(VOCABULARY))
    assert text_of(spelling.spell(b"name_").certain + spelling.spell(b"name_").drafts) == b"name"

    class Signalling(ScriptedModel):
        def tokenize(self, text: bytes, /) -> tuple[int, ...]:
            return (1, *super().tokenize(text))

    signals = Vocabulary.from_pieces([b"<end>", b"a", b"a"], signals=[1], end_tokens=[0])
    assert ForcedTokenizer(Signalling(signals)).spell(b"aa").certain == ()
