"""Field fit is the prior of a value in a field against its mean over the fields that may hold it."""

from __future__ import annotations

import numpy as np
import pytest
from scripted_documents import PIECES, VOCABULARY
from word_search import sharp

from engine.decoding.field_fit import MOST_FIT, FieldFit
from engine.decoding.forced_tokens import ForcedTokenizer
from engine.decoding.language_model import Feed
from engine.decoding.scripted import ScriptedModel, ScriptedSequences
from engine.decoding.statistics import Statistics

REFERENCE = (5, 6, 7, 8)
KEYS = [b'{"name": ', b'{"age": ', b'{"b": ']
VALUES = {b'"John"': (0, 2), b'"Mary"': (0, 1, 2), b"1": (0, 1), b"12": (0, 1, 2)}


def fit_of(seed: int, **room: int) -> tuple[FieldFit, ScriptedSequences]:
    sequences = ScriptedSequences(VOCABULARY, sharp(seed), **room)
    sequences.decode([Feed(0, 0, REFERENCE[:2], 0)])
    spelling = ForcedTokenizer(ScriptedModel(VOCABULARY))
    fit = FieldFit(sequences, VOCABULARY, spelling, Statistics(), reference=REFERENCE, prefix=(*REFERENCE[:2], 99))
    return fit, sequences


def prior(seed: int, key: bytes, value: bytes) -> float:
    """log P of what follows the colon, up to where the value is closed."""
    script, tokens = sharp(seed), ScriptedModel(VOCABULARY).tokenize(key + value + b",")
    total, written = 0.0, 0
    end = len(key) + len(value) + (not value.endswith(b'"'))
    for index, token in enumerate(tokens):
        begun, written = written, written + len(PIECES[token])
        if written > len(key.rstrip()) and begun < end:
            row = script((*REFERENCE, *tokens[:index])).astype(np.float64)
            total += float(row[token] - np.log(np.exp(row).sum()))
    return total


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("room", [{"branches": 40}, {"branches": 5}, {"branches": 6, "n_ctx": 200, "n_batch": 20}])
def test_fits_are_those_of_brute_force(seed: int, room: dict[str, int]) -> None:
    fit, sequences = fit_of(seed, **room)
    found = fit.fits(KEYS, VALUES)
    assert found.keys() == {(at, value) for value, fields in VALUES.items() for at in fields}
    for value, fields in VALUES.items():
        priors = np.array([prior(seed, KEYS[at], value) for at in fields])
        expected = np.clip(priors - np.log(np.exp(priors).mean()), -MOST_FIT, MOST_FIT)
        assert [found[at, value] for at in fields] == pytest.approx(expected, abs=1e-3)
    assert all(not sequences.held(number) for number in range(2, 2 + sequences.branches))


def test_what_is_known_is_not_evaluated_again() -> None:
    fit, sequences = fit_of(1)
    first = fit.fits(KEYS, VALUES)
    passes = sequences.passes
    assert fit.fits(KEYS, VALUES) == first
    assert sequences.passes == passes
    assert fit.fits(KEYS, {}) == {}
