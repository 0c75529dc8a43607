"""The choice among candidates: exact greedy, exact restricted distributions, draws that depend on nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.decoding.sampler import Sampler, Sampling
from engine.errors import BackendFailed, UsageError


def _logits(*values: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.array(values, dtype=np.float32)


def _frequencies(sampling: Sampling, logits: np.ndarray[tuple[int], np.dtype[np.float32]], draws: int) -> list[float]:
    sampler = Sampler(sampling, 0)
    counts = np.bincount([sampler.pick(logits, position, 0) for position in range(draws)], minlength=len(logits))
    return [float(count) / draws for count in counts]


def test_greedy_takes_the_largest_and_the_lowest_id_among_equals() -> None:
    sampler = Sampler(Sampling(), 0)
    assert sampler.pick(_logits(1, 3, 2), 0, 0) == 1
    assert sampler.pick(_logits(1, 3, 3), 0, 0) == 1
    assert sampler.pick(_logits(-math.inf, -math.inf), 0, 0) == 0


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_sampling_follows_the_softmax(temperature: float) -> None:
    logits = _logits(0, 1, 2, -math.inf)
    weights = np.exp(np.array([0, 1, 2]) / temperature)
    expected = [*(weights / weights.sum()), 0]
    found = _frequencies(Sampling(temperature=temperature, seed=1), logits, 4000)
    # Five standard deviations of 4,000 draws.
    assert found == pytest.approx(expected, abs=5 * 0.5 / math.sqrt(4000))
    assert found[3] == 0


@pytest.mark.parametrize(
    ("sampling", "kept"),
    [
        (Sampling(temperature=1, top_k=2, seed=0), {3, 4}),
        (Sampling(temperature=1, top_k=1, seed=0), {4}),
        (Sampling(temperature=1, top_p=0.5, seed=0), {4}),
        (Sampling(temperature=1, top_p=0.8, seed=0), {3, 4}),
        (Sampling(temperature=1, min_p=0.2, seed=0), {3, 4}),
        (Sampling(temperature=1, min_p=1.0, seed=0), {4}),
        (Sampling(temperature=1, top_k=3, top_p=0.99, min_p=0.3, seed=0), {3, 4}),
        (Sampling(temperature=100, top_p=0.5, seed=0), {4}),
    ],
)
def test_filters_keep_the_most_probable_before_the_temperature(sampling: Sampling, kept: set[int]) -> None:
    # Probabilities are about 0.01, 0.03, 0.09, 0.23 and 0.64.
    frequencies = _frequencies(sampling, _logits(0, 1, 2, 3, 4), 400)
    assert {index for index, frequency in enumerate(frequencies) if frequency} == kept


def test_a_filter_keeps_the_lowest_ids_among_equals() -> None:
    frequencies = _frequencies(Sampling(temperature=1, top_k=2, seed=0), _logits(5, 5, 5, 5), 200)
    assert frequencies[2:] == [0, 0]
    assert min(frequencies[:2]) > 0.3


def test_a_draw_depends_on_seed_document_position_and_attempt_alone() -> None:
    logits = np.zeros(1000, np.float32)

    def draw(seed: int, document: int, position: int, attempt: int) -> int:
        return Sampler(Sampling(temperature=1, seed=seed), document).pick(logits, position, attempt)

    base = (7, 3, 11, 0)
    assert draw(*base) == draw(*base)
    others = [(8, 3, 11, 0), (7, 4, 11, 0), (7, 3, 12, 0), (7, 3, 11, 1)]
    assert draw(*base) not in {draw(*other) for other in others}


def test_a_seed_is_given_where_there_is_none() -> None:
    assert Sampling(temperature=1, seed=5).seeded().seed == 5
    assert Sampling(temperature=1).seeded().seed != Sampling(temperature=1).seeded().seed


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_logits_that_are_no_numbers_are_an_error(bad: float) -> None:
    with pytest.raises(BackendFailed, match="not numbers"):
        Sampler(Sampling(temperature=1, seed=0), 0).pick(_logits(0, bad), 0, 0)


@pytest.mark.parametrize(
    "arguments",
    [
        {"temperature": -1},
        {"temperature": math.nan},
        {"temperature": math.inf},
        {"top_p": 0},
        {"top_p": 1.5},
        {"top_p": math.nan},
        {"top_k": -1},
        {"min_p": -0.1},
        {"min_p": 2},
    ],
)
def test_settings_that_make_no_sense_are_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(arguments))):
        Sampling(**arguments)  # type: ignore[arg-type]
