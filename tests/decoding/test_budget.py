"""The output is never cut, whatever the budget; and a document that cannot be decoded says why."""

from __future__ import annotations

import math

import numpy as np
import pytest
from finite_matcher import FiniteLanguage, FiniteMatcher
from scripted_documents import LANGUAGE, NAMES, OUTPUTS, PIECES, VOCABULARY, matcher, run, spelled_script

from engine.decoding.generation import Jump
from engine.decoding.language_model import Row
from engine.decoding.sampler import GREEDY, Sampling
from engine.decoding.scripted import Script, hashed_script
from engine.decoding.statistics import Statistics
from engine.errors import BackendFailed, BudgetTooSmall, DeadEnd, TokenRejected
from engine.masks.vocabulary import Vocabulary

SHORTEST = len(matcher().closing())


def _wants(text: bytes) -> Script:
    """A model that would spell out `text` byte by byte if nothing stopped it."""
    single = {PIECES[token]: token for token in range(len(PIECES)) if len(PIECES[token]) == 1}

    def script(tokens: tuple[int, ...]) -> Row:
        row = np.zeros(len(PIECES), np.float32)
        written = b"".join(PIECES[token] for token in tokens[13:])
        if text.startswith(written) and written != text:
            row[single[text[len(written) : len(written) + 1]]] = 1
        return row

    return script


@pytest.mark.parametrize("jump", ["off", "spelled", "verified"])
@pytest.mark.parametrize("sampling", [GREEDY, Sampling(temperature=2, seed=9)])
@pytest.mark.parametrize("extra", range(9))
def test_outputs_are_whole_under_every_budget(extra: int, sampling: Sampling, jump: Jump) -> None:
    for seed in range(6):
        statistics = Statistics()
        script = hashed_script(len(VOCABULARY), seed)
        max_tokens = SHORTEST + extra
        found = run(script, 4, max_tokens=max_tokens, sampling=sampling, jump=jump, count=2, statistics=statistics)
        assert {text for text, _ in found.values()} <= set(OUTPUTS)
        assert {finish for _, finish in found.values()} <= {"complete", "budget"}
        assert statistics.decoded_tokens <= 4 * max_tokens


def test_a_budget_that_changed_the_output_is_said() -> None:
    long = next(output for output in OUTPUTS if b"Mary" in output and b"205" in output)
    assert run(_wants(long), 1, jump="off", max_tokens=len(long)) == {0: (long, "complete")}
    shortened, finish = run(_wants(long), 1, jump="off", max_tokens=len(long) // 2)[0]
    assert shortened in OUTPUTS
    assert shortened != long
    assert finish == "budget"


def test_the_end_token_is_not_counted() -> None:
    vocabulary = Vocabulary.from_pieces([b"<end>", b"a"], end_tokens=[0])
    language = FiniteLanguage([b"aa", b"aaa"], vocabulary)

    def ending(tokens: tuple[int, ...]) -> Row:
        return np.array([1.0 if len(tokens) >= 15 else 0.0, 0.5], np.float32)

    found = _run_alone(vocabulary, language, ending, max_tokens=2)
    assert found == (b"aa", "budget")
    assert _run_alone(vocabulary, language, ending, max_tokens=3) == (b"aa", "complete")


def _run_alone(
    vocabulary: Vocabulary, language: FiniteLanguage, script: Script, *, max_tokens: int
) -> tuple[bytes, object]:
    from engine.decoding.forced_tokens import ForcedTokenizer
    from engine.decoding.scheduler import Request, Run, Workspace
    from engine.decoding.scripted import ScriptedModel, ScriptedSequences

    space = Workspace(vocabulary, ForcedTokenizer(ScriptedModel(vocabulary)), ScriptedSequences(vocabulary, script))
    request = Request((1,) * 13, FiniteMatcher(language), max_tokens)
    events = list(Run([None], lambda *_: request, jump="off").events(space))
    return b"".join(event.data for event in events), events[-1].finish or events[-1].error


def test_a_budget_below_the_shortest_output_is_refused_before_decoding() -> None:
    statistics = Statistics()
    found = run(hashed_script(len(VOCABULARY)), 2, max_tokens=SHORTEST - 1, statistics=statistics, prefix=())
    for document, (text, error) in found.items():
        assert text == b""
        assert isinstance(error, BudgetTooSmall)
        assert (error.document, error.max_tokens, error.needed) == (document, SHORTEST - 1, SHORTEST)
    assert statistics.forward_passes == 0


class _Stuck(FiniteMatcher):
    """Allows nothing any more after the third token."""

    def mask(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        return np.zeros(len(VOCABULARY), np.bool_) if len(self.output) > 12 else super().mask()

    def allows(self, token: int, /) -> bool:
        return len(self.output) <= 12 and super().allows(token)


def test_a_dead_end_ends_its_document_alone_and_shows_the_output() -> None:
    made: list[FiniteMatcher] = []

    def make() -> FiniteMatcher:
        made.append(_Stuck(LANGUAGE) if len(made) == 1 else matcher())
        return made[-1]

    found = run(hashed_script(len(VOCABULARY)), 3, count=3, make=make, jump="off")
    assert [type(end) for _, end in found.values()].count(DeadEnd) == 1
    text, error = found[1]
    assert isinstance(error, DeadEnd)
    assert (error.document, error.output) == (1, text)
    assert len(text) > 12
    assert {found[0][0], found[2][0]} <= set(OUTPUTS)


class _Guarded(FiniteMatcher):
    """Refuses what its mask allows, as a guard may: every output but Bob's."""

    def accept(self, token: int, /) -> None:
        before = self.output
        super().accept(token)
        if not self._ended and not any(b"Bob" in output for output, _ in LANGUAGE.possible(self.output)):
            self.rollback(1)
            assert self.output == before
            raise TokenRejected(token, PIECES[token])


@pytest.mark.parametrize("jump", ["off", "spelled"])
@pytest.mark.parametrize("sampling", [GREEDY, Sampling(temperature=1, seed=1)])
def test_a_token_that_a_guard_refuses_is_struck_out(sampling: Sampling, jump: Jump) -> None:
    for seed in range(5):
        script = spelled_script(hashed_script(len(VOCABULARY), seed), 1)
        found = run(script, make=lambda: _Guarded(LANGUAGE), sampling=sampling, jump=jump)
        assert all(b"Bob" in text and text in OUTPUTS for text, _ in found.values())


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("sampling", [GREEDY, Sampling(temperature=1, seed=1)])
def test_logits_that_are_no_numbers_are_an_error(bad: float, sampling: Sampling) -> None:
    def script(tokens: tuple[int, ...]) -> Row:
        return np.full(len(VOCABULARY), bad, np.float32)

    found = run(script, 1, jump="off", sampling=sampling)
    assert isinstance(found[0][1], BackendFailed)


def test_a_model_that_excludes_everything_still_gets_an_allowed_output() -> None:
    def script(tokens: tuple[int, ...]) -> Row:
        return np.full(len(VOCABULARY), -np.inf, np.float32)

    for sampling in (GREEDY, Sampling(temperature=1, seed=1)):
        assert run(script, 1, sampling=sampling)[0][0] in OUTPUTS


def test_all_names_can_be_decoded() -> None:
    for name in NAMES[:-1]:
        wanted = f'[{{"name": "{name}", "age": 2}}]'.encode()
        if all(bytes([byte]) in PIECES for byte in wanted):
            assert run(_wants(wanted), 1, jump="off")[0] == (wanted, "complete")
