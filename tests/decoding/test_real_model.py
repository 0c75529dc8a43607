"""The default model in llama.cpp: real logits, a real vocabulary with gaps, and drafts that are mostly right."""

from __future__ import annotations

from pathlib import Path

import pytest
from finite_matcher import FiniteLanguage, FiniteMatcher

from engine.decoding.generation import Jump
from engine.decoding.loaded_model import LoadedModel, load_model
from engine.decoding.prompt_encoder import PromptEncoder, shared_prefix
from engine.decoding.scheduler import Request
from engine.decoding.settings import ModelSettings
from engine.decoding.statistics import Statistics

pytestmark = pytest.mark.real_model

PEOPLE = {"John": 20, "Mary": 21, "Bob": 22, "Alice": 23, "Jane": 24, "Joe": 25, "Jill": 26}
LINES = [f"My name is {name} and I am {age} years old" for name, age in PEOPLE.items()]
OUTPUTS = [f'{{"name": "{name}", "age": {age}}}'.encode() for name in PEOPLE for age in range(18, 30)]


@pytest.fixture(scope="module")
def model(real_path: Path) -> LoadedModel:
    return load_model(real_path, ModelSettings(n_ctx=1024))


@pytest.fixture(scope="module")
def language(model: LoadedModel) -> FiniteLanguage:
    return FiniteLanguage(OUTPUTS, model.vocabulary)


def _decode(model: LoadedModel, language: FiniteLanguage, jump: Jump) -> tuple[list[bytes], Statistics]:
    encoder, statistics = PromptEncoder(model), Statistics()

    def prompt(text: str) -> tuple[int, ...]:
        question = f'Who is it? Answer as {{"name": ..., "age": ...}}\n\nText: {text}'
        return encoder.encode([{"role": "user", "content": question}])

    def prepare(_: int, text: str) -> Request:
        return Request(prompt(text), FiniteMatcher(language), 40)

    texts = [b""] * len(LINES)
    for event in model.decode(LINES, prepare, prefix=shared_prefix(prompt), jump=jump, statistics=statistics):
        assert event.error is None
        texts[event.document] += event.data
    return texts, statistics


@pytest.mark.parametrize("jump", ["off", "spelled", "verified"])
def test_the_seven_lines_are_read(model: LoadedModel, language: FiniteLanguage, jump: Jump) -> None:
    texts, _ = _decode(model, language, jump)
    assert texts == [f'{{"name": "{name}", "age": {age}}}'.encode() for name, age in PEOPLE.items()]


def test_the_model_agrees_with_its_drafts(model: LoadedModel, language: FiniteLanguage) -> None:
    _, verified = _decode(model, language, "verified")
    assert verified.kept_drafts >= verified.drafted_tokens * 3 // 4


def test_jumping_saves_half_of_the_passes(model: LoadedModel, language: FiniteLanguage) -> None:
    _, plain = _decode(model, language, "off")
    _, jumping = _decode(model, language, "spelled")
    assert jumping.forward_passes * 2 <= plain.forward_passes
    assert jumping.forced_tokens * 3 >= jumping.decoded_tokens


def test_the_vocabulary_lacks_bytes_and_its_long_tokens_are_whole(model: LoadedModel) -> None:
    pieces = {piece for piece, keep in zip(model.vocabulary.pieces, model.vocabulary.ordinary, strict=True) if keep}
    assert len({piece for piece in pieces if len(piece) == 1}) == 235
    assert max(map(len, pieces)) == 81
    assert model.vocabulary.end_tokens >= {0, 2}
