"""The zoo under a hot model of random weights: whatever it writes validates, on both vocabularies.

Where a guard is in the model that random text hardly ever passes, no document need end well, but none may end badly: the only
error is that the guard was not satisfied within the search.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter
from zoo.zoo_models import ZOO, Animal

from engine import Extractor, ModelSettings
from engine.decoding.sampler import Sampling
from engine.errors import GuardUnsatisfied

pytestmark = pytest.mark.filterwarnings(
    "ignore:Possible (nested set|set difference)"
)  # of re.compile, given random text
TOKENS = 400
SLOW = {"AwareBounds", "NamedMail", "Mail", "Networks6"}  # many states, some seconds of masks
HOPELESS = {"Expressions", "EmbeddedTree"}  # random text is hardly ever balanced, or JSON
FAST = [animal for animal in ZOO if animal.name not in SLOW | HOPELESS]


def check_run(animal: Animal, path: Path, runs: int, seed: int) -> None:
    extractor = Extractor(
        animal.model, model=path, settings=ModelSettings(n_ctx=2048, threads=1, sequences=4), mode="one"
    )
    adapter: TypeAdapter[Any] = TypeAdapter(animal.model)
    sampling = Sampling(temperature=1.5, seed=seed)
    max_backtracks = 50 if animal.name in HOPELESS else 1000
    found = extractor.extract(
        ["a text"] * runs, max_tokens=TOKENS, sampling=sampling, errors="collect", max_backtracks=max_backtracks
    )
    done = set()
    for result in found.detailed():
        adapter.validate_json(result.text)
        done.add(result.document)
    expected = (GuardUnsatisfied,) if animal.name in HOPELESS else ()
    assert [error for error in found.errors.values() if not isinstance(error, expected)] == []
    assert done | set(found.errors) == set(range(runs))


@pytest.mark.parametrize("index", range(len(FAST)), ids=[animal.name for animal in FAST])
def test_whatever_a_random_model_writes_of_the_zoo_validates(index: int, request: pytest.FixtureRequest) -> None:
    vocabulary = ("bpe_path", "sentencepiece_path")[index % 2]
    check_run(FAST[index], request.getfixturevalue(vocabulary), 2, seed=1)


@pytest.mark.thorough
@pytest.mark.parametrize("vocabulary", ["bpe_path", "sentencepiece_path"])
@pytest.mark.parametrize("animal", ZOO, ids=[animal.name for animal in ZOO])
def test_whatever_a_random_model_writes_of_the_zoo_validates_on_many_seeds(
    animal: Animal, vocabulary: str, request: pytest.FixtureRequest
) -> None:
    check_run(animal, request.getfixturevalue(vocabulary), 4 if animal.name in HOPELESS else 20, seed=100)
