"""Equal logits give equal text, whatever is jumped, drafted, or decoded beside it.

Proved on scripted models, whose logits are a function: of all tokens before (then every token is held against the
model's choice), or of the text before, with a preference for the spelling that forced text gets.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from finite_matcher import FiniteLanguage, FiniteMatcher
from scripted_documents import LANGUAGE, OUTPUTS, VOCABULARY, prompt, run, spelled_script, text_of

from engine.decoding.generation import Jump
from engine.decoding.language_model import Row
from engine.decoding.pass_times import PassTimes
from engine.decoding.sampler import GREEDY, Sampling
from engine.decoding.scripted import Script, ScriptedModel, hashed_script
from engine.decoding.statistics import Statistics
from engine.grounding.decision import Write

SEEDS = range(12)
SAMPLINGS = [GREEDY, Sampling(temperature=1.5, seed=3), Sampling(temperature=0.8, top_k=5, top_p=0.9, seed=4)]


def _by_tokens(seed: int) -> Script:
    return hashed_script(len(VOCABULARY), seed)


def _by_text(seed: int) -> Script:
    return spelled_script(hashed_script(len(VOCABULARY), seed, context=text_of))


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("seed", SEEDS)
def test_verified_jumps_change_nothing_for_any_model(seed: int, sampling: Sampling) -> None:
    plain = run(_by_tokens(seed), jump="off", sampling=sampling)
    assert run(_by_tokens(seed), jump="verified", sampling=sampling) == plain


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("seed", SEEDS)
def test_spelled_jumps_change_nothing_for_a_model_that_spells_so(seed: int, sampling: Sampling) -> None:
    plain = run(_by_text(seed), jump="off", sampling=sampling)
    assert run(_by_text(seed), jump="spelled", sampling=sampling) == plain


@pytest.mark.parametrize("jump", ["off", "spelled", "verified"])
@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_neither_the_company_nor_the_size_of_the_passes_matters(seed: int, sampling: Sampling, jump: Jump) -> None:
    alone = run(_by_tokens(seed), 9, jump=jump, sampling=sampling)
    for count, n_batch in ((4, 64), (4, 5), (2, 1), (3, 2), (9, 64)):
        assert run(_by_tokens(seed), 9, jump=jump, sampling=sampling, count=count, n_batch=n_batch) == alone


class _KeepsAlternatives(FiniteMatcher):
    """Decoded as under guards that never refuse: with a mask, a tracker and alternatives for each choice."""

    guarded = True


@pytest.mark.parametrize("max_tokens", [60, 14])
@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("seed", SEEDS)
def test_testing_only_the_first_choice_changes_nothing(seed: int, sampling: Sampling, max_tokens: int) -> None:
    kept = run(_by_tokens(seed), max_tokens=max_tokens, sampling=sampling, make=lambda: _KeepsAlternatives(LANGUAGE))
    assert run(_by_tokens(seed), max_tokens=max_tokens, sampling=sampling) == kept


# Passes of several rows cost what one row does, or as much as so many passes; a token of a prompt costs next to nothing.
FREE = PassTimes(None, 1, ((1, 10.0), (16, 10.0)), 0.1)
DEAR = PassTimes(None, 1, ((1, 10.0), (16, 160.0)), 10.0)


def _asks_with_the_answers(index: int) -> tuple[int, ...]:
    """A prompt in which some outputs stand, so that it says how they may go on."""
    return (*prompt(index), *ScriptedModel(VOCABULARY).tokenize(b" ".join(OUTPUTS[index : index + 4])))


@pytest.mark.parametrize("jump", ["off", "spelled", "verified"])
@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_passes_cost_changes_nothing(seed: int, sampling: Sampling, jump: Jump) -> None:
    plain = run(_by_tokens(seed), 6, jump=jump, sampling=sampling, ask=_asks_with_the_answers)
    for times in (FREE, DEAR):
        for count, n_batch in ((1, 64), (4, 64), (4, 5)):
            wanted = {"jump": jump, "sampling": sampling, "ask": _asks_with_the_answers, "n_batch": n_batch}
            assert run(_by_tokens(seed), 6, times=times, count=count, **wanted) == plain  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", SEEDS)
def test_what_passes_cost_changes_nothing_under_guards(seed: int) -> None:
    def make() -> FiniteMatcher:
        return _KeepsAlternatives(LANGUAGE)

    plain = run(_by_tokens(seed), 6, make=make, ask=_asks_with_the_answers)
    assert run(_by_tokens(seed), 6, make=make, ask=_asks_with_the_answers, times=FREE) == plain


class _Decides:
    """Every age that may be 20 is, decided as soon as its key is written."""

    def at(self, output: bytes, forced: bytes, values: object) -> Write | None:
        return Write(b"20") if output.endswith(b'"age": ') else None

    def note(self, path: object, considered: object) -> None:
        raise AssertionError("nothing was considered")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_decision_behind_drafts_is_made_as_one_behind_a_choice(seed: int) -> None:
    plain = run(_by_tokens(seed), 6, jump="off", decisions=_Decides())
    assert run(_by_tokens(seed), 6, jump="verified", decisions=_Decides()) == plain
    assert any(b'"age": 20}' in text for text, _ in plain.values())


@pytest.mark.parametrize("forced", [b"", b"b", b"bge"])
def test_drafts_from_the_source_save_passes_where_rows_are_cheap(forced: bytes) -> None:
    """Also where the grammar forces some bytes between two choices."""
    choices = itertools.product((b"z", b"M", b"J"), repeat=7)
    texts = tuple(b'"' + forced.join(letters) + b'"' for letters in choices)
    language, model = FiniteLanguage(texts, VOCABULARY), ScriptedModel(VOCABULARY)
    wanted = texts[1234]
    asked = model.tokenize(wanted[1:-1] + b'" ')

    def script(tokens: tuple[int, ...]) -> Row:
        """Copies the text, in the longest tokens."""
        rest = wanted[len(text_of(tokens[len(asked) :])) :]
        return np.array([len(piece) * float(rest.startswith(piece)) for piece in VOCABULARY.pieces], np.float32)

    counts = {}
    for name, times in (("unknown", None), ("free", FREE), ("dear", DEAR)):
        counts[name] = Statistics()
        make = lambda: FiniteMatcher(language)  # noqa: E731
        outputs = run(script, 1, ask=lambda _: asked, make=make, prefix=(), times=times, statistics=counts[name])
        assert outputs == {0: (wanted, "complete")}
    assert counts["free"].kept_drafts > counts["unknown"].kept_drafts
    assert counts["free"].forward_passes < counts["unknown"].forward_passes
    assert counts["dear"].drafted_tokens == 0


@pytest.mark.parametrize("prefix", [(), prompt(0)[:4], prompt(0), (1, 1, 1)])
def test_the_shared_prefix_changes_nothing(prefix: tuple[int, ...]) -> None:
    assert run(_by_tokens(5), prefix=prefix) == run(_by_tokens(5))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_output_is_allowed_and_several_come_up(seed: int) -> None:
    found = run(_by_tokens(seed), 20, count=4, sampling=Sampling(temperature=2, seed=seed))
    texts = {text for text, _ in found.values()}
    assert texts <= set(OUTPUTS)
    assert len(texts) > 3
    assert {finish for _, finish in found.values()} == {"complete"}


def test_jumping_saves_passes_and_asks_for_few_rows() -> None:
    plain, jumping = Statistics(), Statistics()
    run(_by_text(1), 6, jump="off", statistics=plain)
    run(_by_text(1), 6, jump="spelled", statistics=jumping)
    assert jumping.forward_passes < plain.forward_passes
    assert jumping.forced_tokens > jumping.decoded_tokens // 4
    assert jumping.decoded_tokens == plain.decoded_tokens
    assert plain.forced_tokens == 0


def test_drafts_are_kept_and_refused() -> None:
    statistics = Statistics()
    for seed in SEEDS:
        run(_by_tokens(seed), 4, jump="verified", statistics=statistics)
    assert 0 < statistics.kept_drafts < statistics.drafted_tokens
