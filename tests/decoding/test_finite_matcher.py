"""The matcher that the other tests lean on: its mask is what trying each token gives."""

from __future__ import annotations

from scripted_documents import LANGUAGE, OUTPUTS, VOCABULARY


def test_the_mask_is_the_answer_for_each_token() -> None:
    for text in {output[:end] for output in OUTPUTS for end in range(len(output) + 1)}:
        expected = [LANGUAGE.allows(text, token) for token in range(len(VOCABULARY))]
        assert LANGUAGE.mask(text).tolist() == expected
