"""Models of random weights, which write what no sane model would: every output is an allowed one."""

from __future__ import annotations

from pathlib import Path

import pytest
from finite_matcher import FiniteLanguage, FiniteMatcher

from engine.decoding.generation import Jump
from engine.decoding.loaded_model import LoadedModel
from engine.decoding.prompt_encoder import PromptEncoder, shared_prefix
from engine.decoding.sampler import Sampling
from engine.decoding.scheduler import Request
from engine.decoding.settings import ModelSettings
from engine.decoding.statistics import Statistics

NAMES = ("John", "Johnny", "Mary", "Zoë", "漢字", "a b", " x", "{", '\\"', "🙂", "=" * 40)
OUTPUTS = [f'{{"name": "{name}", "age": {age}}}'.encode() for name in NAMES for age in (1, 20, 21, 105)]
OUTPUTS += [f'[{{"name": "{name}"}}, {{"name": "{other}"}}]'.encode() for name in NAMES for other in ("", "Bo")]
SETTINGS = ModelSettings(n_ctx=1024, n_batch=128, sequences=4, threads=1)


@pytest.fixture(scope="module", params=["bpe_path", "sentencepiece_path"])
def model(request: pytest.FixtureRequest) -> LoadedModel:
    path: Path = request.getfixturevalue(request.param)
    return LoadedModel(path, SETTINGS)


@pytest.fixture(scope="module")
def language(model: LoadedModel) -> FiniteLanguage:
    return FiniteLanguage(OUTPUTS, model.vocabulary)


def _decode(
    model: LoadedModel, language: FiniteLanguage, sampling: Sampling, *, jump: Jump, max_tokens: int = 80
) -> tuple[dict[int, bytes], Statistics]:
    encoder, statistics = PromptEncoder(model), Statistics()

    def prompt(text: str) -> tuple[int, ...]:
        return encoder.encode([{"role": "user", "content": f"Who is it?\n{text}"}])

    def prepare(_: int, text: str) -> Request:
        return Request(prompt(text), FiniteMatcher(language), max_tokens, sampling)

    texts: dict[int, bytes] = {}
    documents = [f"Document {number} <|im_end|> tells of John" for number in range(12)]
    for event in model.decode(documents, prepare, prefix=shared_prefix(prompt), jump=jump, statistics=statistics):
        assert event.error is None
        texts[event.document] = texts.get(event.document, b"") + event.data
    return texts, statistics


@pytest.mark.parametrize("jump", ["off", "spelled", "verified"])
@pytest.mark.parametrize("seed", range(8))
def test_every_output_is_allowed(model: LoadedModel, language: FiniteLanguage, seed: int, jump: Jump) -> None:
    sampling = Sampling(temperature=1.5 + seed, seed=seed)
    texts, statistics = _decode(model, language, sampling, jump=jump)
    assert set(texts) == set(range(12))
    assert set(texts.values()) <= set(OUTPUTS)
    assert len(set(texts.values())) > 3
    assert statistics.documents == 12


@pytest.mark.parametrize("max_tokens", range(12, 40, 5))
def test_every_output_is_allowed_under_a_tight_budget(
    model: LoadedModel, language: FiniteLanguage, max_tokens: int
) -> None:
    if len(FiniteMatcher(language).closing()) > max_tokens:
        pytest.skip("the shortest output is longer in this vocabulary")
    texts, statistics = _decode(model, language, Sampling(temperature=3, seed=1), jump="spelled", max_tokens=max_tokens)
    assert set(texts.values()) <= set(OUTPUTS)
    assert statistics.decoded_tokens <= 12 * max_tokens


def test_the_same_run_gives_the_same_texts(model: LoadedModel, language: FiniteLanguage) -> None:
    for sampling in (Sampling(), Sampling(temperature=2, seed=7)):
        first, _ = _decode(model, language, sampling, jump="spelled")
        assert _decode(model, language, sampling, jump="spelled")[0] == first


def test_forced_text_is_jumped(model: LoadedModel, language: FiniteLanguage) -> None:
    _, plain = _decode(model, language, Sampling(), jump="off")
    _, jumping = _decode(model, language, Sampling(), jump="spelled")
    assert jumping.forced_tokens > 0
    assert jumping.forward_passes < plain.forward_passes
