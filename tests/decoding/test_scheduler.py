"""Several documents through one context: lazily, without waiting for each other, and with their errors kept apart."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from finite_matcher import FiniteLanguage, FiniteMatcher
from scripted_documents import OUTPUTS, PROMPT, VOCABULARY, matcher, prompt, run

from engine.decoding.forced_tokens import ForcedTokenizer
from engine.decoding.scheduler import Event, Request, Run, Workspace
from engine.decoding.scripted import ScriptedModel, ScriptedSequences, hashed_script
from engine.decoding.statistics import Statistics
from engine.errors import BackendFailed, PromptError, TextTooLong, UsageError


def _workspace(count: int = 2, n_ctx: int = 4096, n_batch: int = 64) -> Workspace[ScriptedSequences]:
    sequences = ScriptedSequences(VOCABULARY, hashed_script(len(VOCABULARY)), count=count, n_ctx=n_ctx, n_batch=n_batch)
    return Workspace(VOCABULARY, ForcedTokenizer(ScriptedModel(VOCABULARY)), sequences)


def _request(index: int, *_: object) -> Request:
    return Request(prompt(index), matcher(), 60)


def test_documents_are_pulled_when_there_is_a_place_for_them() -> None:
    pulled: list[int] = []

    def documents() -> Iterator[int]:
        for document in range(10):
            pulled.append(document)
            yield document

    finished = 0
    events = Run(documents(), _request, prefix=PROMPT).events(_workspace(count=3))
    assert pulled == []
    for event in events:
        finished += event.finish is not None
        assert len(pulled) <= finished + 3
    assert pulled == list(range(10))


def test_an_endless_iterable_of_documents_streams() -> None:
    def documents() -> Iterator[int]:
        number = 0
        while True:
            yield number
            number += 1

    events = Run(documents(), _request).events(_workspace())
    seen = {next(events).document for _ in range(200)}
    assert max(seen) > 5


def test_a_finished_document_gives_its_place_to_the_next_at_once() -> None:
    short, long = (FiniteLanguage([output], VOCABULARY) for output in (b"[]", max(OUTPUTS, key=len)))

    def prepare(index: int, _: object) -> Request:
        return Request(prompt(index), FiniteMatcher(long if index == 1 else short), 60)

    events = list(Run(range(5), prepare, jump="off").events(_workspace(count=2)))
    assert [event.document for event in events if event.finish] == [0, 2, 3, 4, 1]


def test_an_error_of_one_document_leaves_the_others_alone() -> None:
    def prepare(index: int, _: object) -> Request:
        if index == 1:
            raise PromptError("no prompt for this one")
        return _request(index)

    events = list(Run(range(4), prepare).events(_workspace()))
    assert [event.document for event in events if event.error] == [1]
    texts = {n: b"".join(event.data for event in events if event.document == n) for n in (0, 2, 3)}
    assert set(texts.values()) <= set(OUTPUTS)


def test_an_error_of_the_iterable_itself_is_the_callers() -> None:
    def documents() -> Iterator[int]:
        yield 0
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        list(Run(documents(), _request).events(_workspace()))


def test_what_came_before_an_error_of_the_iterable_is_decoded() -> None:
    class Source(Iterator[int]):
        asked = 0

        def __next__(self) -> int:
            self.asked += 1
            if self.asked > 1:
                raise OSError("the source is gone")
            return self.asked

    source = Source()
    events = Run(source, _request).events(_workspace())
    assert next(event.document for event in events if event.finish == "complete") == 0
    assert source.asked == 2
    with pytest.raises(OSError, match="the source is gone"):
        next(events)


def test_a_text_that_does_not_fit_says_how_much_would() -> None:
    def prepare(index: int, _: object) -> Request:
        return Request((*PROMPT, *range(2, 22)) if index else prompt(0), matcher(), 60)

    space = _workspace(n_ctx=90)
    events = list(Run(range(3), prepare, prefix=PROMPT).events(space))
    errors = [event.error for event in events if event.error]
    assert [type(error) for error in errors] == [TextTooLong, TextTooLong]
    error = errors[0]
    assert isinstance(error, TextTooLong)
    assert (error.document, error.prompt_tokens, error.n_ctx) == (1, 30, 90)
    # One token more than fits is refused, what fits is not.
    for length, fine in ((error.fits, True), (error.fits + 1, False)):
        request = Request((*PROMPT, *[2] * (length - len(PROMPT))), matcher(), 60)
        (last,) = list(Run([0], lambda *_, request=request: request, prefix=PROMPT).events(space))[-1:]
        assert (last.error is None) == fine


def test_documents_wait_until_the_cache_has_room_for_all_of_their_output() -> None:
    # Room for the prefix and two documents, though there are four places.
    statistics = Statistics()
    found = run(hashed_script(len(VOCABULARY)), 8, count=4, n_ctx=10 + 2 * 70, statistics=statistics)
    assert {text for text, _ in found.values()} <= set(OUTPUTS)


def test_the_prefix_is_evaluated_once_and_stays_for_the_next_run() -> None:
    space = _workspace()
    for expected in (len(PROMPT), 0):
        before = space.sequences.tokens
        statistics = Statistics()
        list(Run([], _request, prefix=PROMPT, statistics=statistics).events(space))
        assert space.sequences.tokens - before == expected
    assert space.prefix == PROMPT
    assert space.sequences.held(0) == PROMPT
    other = (*PROMPT[:5], 2, 2)
    list(Run(range(3), _request, prefix=other).events(space))
    assert space.sequences.held(0) == other


def test_prompts_are_evaluated_in_chunks_and_the_prefix_not_again() -> None:
    statistics = Statistics()
    space = _workspace(count=1, n_batch=4)
    list(Run(range(5), _request, prefix=PROMPT, statistics=statistics).events(space))
    assert statistics.prompt_tokens == 5 * 13
    assert statistics.reused_tokens == 5 * len(PROMPT)
    evaluated = statistics.decoded_tokens + statistics.prompt_tokens - statistics.reused_tokens + len(PROMPT)
    # The last tokens of each output need no pass; refused drafts need one.
    assert space.sequences.tokens <= evaluated + statistics.drafted_tokens


def test_a_run_that_was_given_up_leaves_nothing_behind() -> None:
    space = _workspace(count=3)
    events = Run(range(9), _request, prefix=PROMPT).events(space)
    for _ in range(4):
        next(events)
    assert any(space.sequences.held(sequence) for sequence in (1, 2, 3))
    events.close()  # type: ignore[attr-defined]
    again = list(Run(range(2), _request, prefix=PROMPT).events(space))
    assert sum(event.finish is not None for event in again) == 2
    assert not any(space.sequences.held(sequence) for sequence in (1, 2, 3))


def test_an_interrupted_prefix_is_evaluated_again() -> None:
    space = _workspace(n_batch=4)
    honest = space.sequences.decode
    calls = 0

    def interrupted(feeds: object) -> object:
        nonlocal calls
        calls += 1
        answer = honest(feeds)  # type: ignore[arg-type]
        if calls == 2:
            raise KeyboardInterrupt
        return answer

    space.sequences.decode = interrupted  # type: ignore[method-assign,assignment]
    with pytest.raises(KeyboardInterrupt):
        list(Run(range(1), _request, prefix=PROMPT).events(space))
    events = list(Run(range(1), _request, prefix=PROMPT).events(space))
    assert events[-1].finish == "complete"
    assert space.sequences.held(0) == PROMPT


def test_a_failure_of_the_backend_ends_the_run() -> None:
    space = _workspace(n_ctx=40)
    # Promises more than it has.
    space.sequences.n_ctx, space.sequences.max_length = 4096, 4096
    honest = space.sequences.decode

    def failing(feeds: object) -> object:
        if space.sequences.passes == 3:
            raise BackendFailed("decode", "it broke")
        return honest(feeds)  # type: ignore[arg-type]

    space.sequences.decode = failing  # type: ignore[method-assign,assignment]
    with pytest.raises(BackendFailed, match="it broke"):
        list(Run(range(3), _request).events(space))


@pytest.mark.parametrize("request_", [Request((), matcher(), 60), Request((2, 3), matcher(), 0)])
def test_requests_that_make_no_sense_are_refused(request_: Request) -> None:
    (event,) = Run([0], lambda *_: request_).events(_workspace())
    assert isinstance(event.error, UsageError)


def test_an_output_that_is_forced_to_its_end_needs_no_pass() -> None:
    language = FiniteLanguage([OUTPUTS[0]], VOCABULARY)
    statistics = Statistics()
    run_ = Run([0], lambda *_: Request(prompt(0), FiniteMatcher(language), 60), statistics=statistics)
    events = list(run_.events(_workspace()))
    assert events == [Event(0), Event(0, OUTPUTS[0], "complete")]
    assert statistics.forward_passes == 0
    assert statistics.forced_tokens == statistics.decoded_tokens > 0


def test_no_documents_give_no_events() -> None:
    assert list(Run([], _request).events(_workspace())) == []
