"""Several documents through one context: who goes into the next pass, and what comes out of it.

A run pulls documents when a sequence is free for them, at most as many as the context has sequences, and passes a
sequence on as soon as its document is finished, without waiting for the others. Each forward pass has the tokens of all
documents in work: one or a few for those that are being decoded, a chunk of the prompt for those that begin. The tokens
before the documents are evaluated once, in sequence 0, and stay there for the next run.

A document is let in when the cache has room for its prompt and all of its `max_tokens`, so none fails half-way. The
consumer drives: nothing is computed between two events. A run has one consumer at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from engine.decoding.drafts import MOST_DRAFTS, DraftPolicy
from engine.decoding.field_fit import FieldFit
from engine.decoding.forced_tokens import ForcedTokenizer
from engine.decoding.generation import MAX_BACKTRACKS, Generation, Jump
from engine.decoding.language_model import PREFIX_SEQUENCE, Feed, Row, Sequences, TokenMatcher
from engine.decoding.output_state import Finish
from engine.decoding.pass_times import PassTimes
from engine.decoding.sampler import GREEDY, Sampling
from engine.decoding.search_passes import search_room
from engine.decoding.statistics import Statistics
from engine.decoding.thinking import Thinking
from engine.decoding.value_bounds import ValueBounds
from engine.errors import Cancelled, EngineError, TextTooLong, UsageError
from engine.grounding.decision import Decisions
from engine.masks.vocabulary import Vocabulary

T = TypeVar("T")
S = TypeVar("S", bound=Sequences, covariant=True)


class Later(Enum):
    """What documents give where more may come, but none is there now."""

    LATER = "later"


LATER = Later.LATER


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be decoded for one document; the matcher is new and is used by this document alone.

    `many`: the items of the outermost array are given out as they close. `max_backtracks` is how many tokens chosen by
    the model may be thrown away when guards leave no way on and decoding goes back. `key` is what the draws depend on
    beside the seed; without it, the document's number in the run. `decisions` are made by the probability of whole
    values; with `reference`, the prompt of an empty document, also by how well they fit their fields (see `field_fit`). `bounds`
    are for JSON texts: they end values that run away. `thinking`: a thought comes first.
    Once `cancelled` says so, the document ends before the next pass with `Cancelled`.
    """

    prompt: tuple[int, ...]
    matcher: TokenMatcher
    max_tokens: int = 1024
    sampling: Sampling = GREEDY
    many: bool = False
    max_backtracks: int = MAX_BACKTRACKS
    key: str | None = None
    decisions: Decisions | None = None
    reference: tuple[int, ...] | None = None
    bounds: ValueBounds | None = None
    cancelled: Callable[[], bool] | None = None
    thinking: Thinking | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """New bytes of a document's output; with its last event either how it finished, or the error that ended it.

    `cuts` are the bytes of the output so far at which the budget changed what was chosen, `loops` the paths of values that were
    ended because they repeated themselves, `thought` is what the model thought before its answer.
    The first event of a document that was let in is empty: its decoding begins.
    """

    document: int
    data: bytes = b""
    finish: Finish | None = None
    error: EngineError | None = None
    cuts: tuple[int, ...] = ()
    loops: tuple[tuple[str | int, ...], ...] = ()
    thought: str = ""


@dataclass(slots=True)
class Workspace(Generic[S]):
    """A context with what it is used with; `prefix` are the tokens that sequence 0 holds."""

    vocabulary: Vocabulary
    spelling: ForcedTokenizer
    sequences: S
    prefix: tuple[int, ...] = ()


class Run(Generic[T]):
    """Decodes `documents`, each of which `prepare` turns into a request when its turn comes. Where they give `LATER`, they are
    asked again after the next pass; the run ends when nothing is in work.

    `times` decide which drafts pay; they change no text. An `EngineError` of `prepare` ends that
    document alone. A failure of llama.cpp ends the run at once, an exception of the iterable itself when the documents that
    came before it are over.
    """

    def __init__(
        self,
        documents: Iterable[T | Later],
        prepare: Callable[[int, T], Request],
        *,
        prefix: Sequence[int] = (),
        jump: Jump = "spelled",
        statistics: Statistics | None = None,
        times: PassTimes | None = None,
    ) -> None:
        self.statistics = statistics if statistics is not None else Statistics()
        self._documents: Iterator[tuple[int, T | Later]] = enumerate(documents)
        self._failure: Exception | None = None
        self._prepare = prepare
        self.prefix = tuple(prefix)
        self._jump = jump
        self._times = times

    def events(self, workspace: Workspace[Sequences]) -> Iterator[Event]:
        """The run's events in the order in which they come about.

        A run that is given up leaves its sequences as they are: the next one with this workspace clears them.
        """
        state = _Slots(workspace, self._jump, self.statistics, self._times)
        state.clear()
        state.hold_prefix(self.prefix)
        while True:
            yield from self._admit(state)
            if not state.active:
                break
            yield from state.step()
        if self._failure is not None:
            raise self._failure

    def _pull(self) -> tuple[int, T | Later] | None:
        try:
            return next(self._documents, None)
        except Exception as error:  # foreign code: whatever it raises is its own
            self._failure, self._documents = error, iter(())
            return None

    def _admit(self, state: _Slots) -> Iterator[Event]:
        """Fill the free sequences; documents that are over before their first pass have only events."""
        while state.has_free_slot():
            if state.waiting is None:
                found = self._pull()
                if found is None:
                    return
                document, text = found
                if isinstance(text, Later):
                    return
                self.statistics.documents += 1
                try:
                    state.waiting = document, self._prepare(document, text)
                except EngineError as error:
                    yield Event(document, error=error)
                    continue
            if not state.has_room():
                return
            document, request = state.waiting
            state.waiting = None
            try:
                generation = state.begin(document, request)
            except EngineError as error:
                yield Event(document, error=error)
                continue
            yield Event(document)
            yield from state.report(generation)


class _Slots:
    """The documents at work and the sequences that they hold."""

    def __init__(
        self, workspace: Workspace[Sequences], jump: Jump, statistics: Statistics, times: PassTimes | None
    ) -> None:
        self.active: dict[int, Generation] = {}
        self.waiting: tuple[int, Request] | None = None
        self._workspace = workspace
        self._sequences = workspace.sequences
        self._jump = jump
        self._statistics = statistics
        self._drafts = DraftPolicy(times)
        # By sequence: what its document may take of the cache beside the prefix.
        self._reserved: dict[int, int] = {}
        self._cancelled: dict[int, Callable[[], bool]] = {}
        self._free = list(range(workspace.sequences.count, PREFIX_SEQUENCE, -1))

    def clear(self) -> None:
        """Free what an earlier run, which may have been given up, has left behind."""
        branches = range(self._sequences.count + 1, self._sequences.count + 1 + self._sequences.branches)
        for sequence in (*self._free, *branches):
            self._sequences.truncate(sequence, 0)

    # -- the prefix

    def hold_prefix(self, prefix: tuple[int, ...]) -> None:
        """Let sequence 0 hold `prefix`, keeping what it has of it from an earlier run."""
        if len(prefix) >= min(self._sequences.max_length, self._sequences.n_ctx):
            prefix = ()  # the documents will be refused, with counts
        kept = common_length(self._workspace.prefix, prefix)
        self._statistics.reused_tokens += kept
        # The note is never ahead of the cache, but after an interrupt it may be behind it.
        self._workspace.prefix = prefix[:kept]
        self._sequences.truncate(PREFIX_SEQUENCE, kept)
        while kept < len(prefix):
            chunk = prefix[kept : kept + self._sequences.n_batch]
            self._decode([Feed(PREFIX_SEQUENCE, kept, chunk, 0)])
            kept += len(chunk)
            self._workspace.prefix = prefix[:kept]

    # -- places

    def has_free_slot(self) -> bool:
        return bool(self._free)

    def has_room(self) -> bool:
        """Whether the waiting document fits beside the others; one that fits nowhere is refused when it begins."""
        if self.waiting is None or not self.active:
            return True
        needed = self._needed(self.waiting[1])
        whole = self._sequences.n_ctx - len(self._workspace.prefix) - self._tried(self.waiting[1])
        return needed <= whole - sum(self._reserved.values()) or needed > whole

    def begin(self, document: int, request: Request) -> Generation:
        self._check(document, request)
        self._statistics.prompt_tokens += len(request.prompt)
        generation = Generation(
            document,
            request.matcher,
            self._workspace.spelling,
            self._workspace.vocabulary,
            self._statistics,
            max_tokens=request.max_tokens,
            sampling=request.sampling,
            key=request.key,
            jump=self._jump,
            many=request.many,
            max_backtracks=request.max_backtracks,
            decisions=request.decisions,
            fit=self._field_fit(request),
            bounds=request.bounds,
        )
        shared = self._shared(request)
        generation.start(request.prompt, shared, request.thinking)
        sequence = self._free.pop()
        self.active[sequence] = generation
        self._reserved[sequence] = self._needed(request)
        if request.cancelled is not None:
            self._cancelled[sequence] = request.cancelled
        if shared:
            self._sequences.share(PREFIX_SEQUENCE, sequence, shared)
            self._statistics.reused_tokens += shared
        return generation

    def _field_fit(self, request: Request) -> FieldFit | None:
        if request.reference is None:
            return None
        workspace, prefix = self._workspace, self._workspace.prefix
        return FieldFit(
            workspace.sequences,
            workspace.vocabulary,
            workspace.spelling,
            self._statistics,
            reference=request.reference,
            prefix=prefix,
        )

    def _check(self, document: int, request: Request) -> None:
        if not request.prompt:
            raise UsageError(f"document {document}: the prompt is empty")
        if request.max_tokens < 1:
            raise UsageError(f"max_tokens must be at least 1, not {request.max_tokens}")
        room = self._sequences.n_ctx - len(self._workspace.prefix) + self._shared(request)
        window = min(self._sequences.max_length, room)
        reserve = MOST_DRAFTS + self._tried(request) + _thought_room(request)
        fits = max(0, window - request.max_tokens - reserve)
        if len(request.prompt) > fits:
            raise TextTooLong(document, len(request.prompt), fits, window, request.max_tokens, reserve)

    def _tried(self, request: Request) -> int:
        """Tokens that decisions hold for the time of one pass, beside those of documents."""
        return 0 if request.decisions is None else search_room(self._sequences)

    def _shared(self, request: Request) -> int:
        """How much of the prompt sequence 0 holds; the last token is evaluated in any case, for its logits."""
        return min(common_length(self._workspace.prefix, request.prompt), len(request.prompt) - 1)

    def _needed(self, request: Request) -> int:
        return len(request.prompt) - self._shared(request) + request.max_tokens + MOST_DRAFTS + _thought_room(request)

    def _leave(self, sequence: int) -> None:
        del self.active[sequence]
        self._sequences.truncate(sequence, 0)
        del self._reserved[sequence]
        self._cancelled.pop(sequence, None)
        self._free.append(sequence)

    # -- passes

    def step(self) -> Iterator[Event]:
        """One forward pass, and the events that it leads to."""
        yield from self._end_cancelled()
        yield from self._decide()
        if not self.active:
            return
        feeds = self._feeds()
        answers = self._decode(feeds)
        # All choices are made before the first event: the rows are gone with the next pass, whoever makes it.
        failures: dict[int, EngineError] = {}
        for feed, answer in zip(feeds, answers, strict=True):
            generation = self.active[feed.sequence]
            kind, sent = generation.draft_kind, max(0, feed.rows - 1)
            try:
                in_step = generation.advance(feed, answer)
                if sent:
                    self._drafts.learn(kind, sent, generation.right_drafts)
            except EngineError as error:
                failures[feed.sequence] = error
                continue
            if not in_step and generation.finish is None:
                self._sequences.truncate(feed.sequence, generation.length)
        for feed in feeds:
            yield from self.report(self.active[feed.sequence], failures.get(feed.sequence))

    def _end_cancelled(self) -> Iterator[Event]:
        for sequence, cancelled in list(self._cancelled.items()):
            if cancelled():
                generation = self.active[sequence]
                yield from self.report(generation, Cancelled(generation.document))

    def _feeds(self) -> list[Feed]:
        """What goes into the next pass: documents that are being decoded, with drafts as far as they pay, then prompts.

        A prompt takes all the room that is left. In small pieces its rows would be cheaper for the others, but its own document
        would join them later: four receipts took 1.4 times as long with pieces of 64 tokens.
        """
        deciding = {place: held for place, held in self.active.items() if not held.is_reading}
        reading = {place: held for place, held in self.active.items() if held.is_reading}
        room = self._sequences.n_batch
        lacking = min(room, sum(held.lacks for held in reading.values()))
        most = self._most_drafts(list(deciding.values()), lacking)
        feeds: list[Feed] = []
        for sequence, generation in (*deciding.items(), *reading.items()):
            if room == 0 or len(feeds) == self._sequences.max_rows:
                break
            feeds.append(generation.feed(sequence, room, 1 if generation.is_reading else 1 + most))
            room -= len(feeds[-1].tokens)
        return feeds

    def _most_drafts(self, generations: list[Generation], others: int) -> int:
        """How many drafts each document may send along."""
        look_up = self._drafts.looks_up(len(generations))
        drafts = [(held.draft_kind, count) for held in generations for count in [held.drafts(look_up=look_up)]]
        rows = self._sequences.max_rows // max(1, len(self.active)) - 1
        return max(0, min(rows, self._drafts.most(drafts, others)))

    def _decide(self) -> Iterator[Event]:
        """Make the decisions that are due, each in passes of its own."""
        for sequence, generation in list(self.active.items()):
            while generation.decision is not None and generation.finish is None:
                try:
                    generation.decide(self._sequences, sequence)
                except EngineError as error:
                    yield from self.report(generation, error)
                    break
                yield from self.report(generation)

    def report(self, generation: Generation, error: EngineError | None = None) -> Iterator[Event]:
        """The news of one document; a finished one leaves its place first."""
        data = generation.take_output()
        if error is not None or generation.finish is not None:
            self._leave(next(place for place, held in self.active.items() if held is generation))
        if data or error is not None or generation.finish is not None:
            finish = generation.finish if error is None else None
            yield Event(generation.document, data, finish, error, generation.cuts, generation.loops, generation.thought)

    def _decode(self, feeds: list[Feed]) -> list[list[Row]]:
        with self._statistics.stage("model"):
            answers = self._sequences.decode(feeds)
        self._statistics.forward_passes += 1
        return answers


def _thought_room(request: Request) -> int:
    return 0 if request.thinking is None else request.thinking.room


def common_length(left: Sequence[int], right: Sequence[int]) -> int:
    """The length of the longest common beginning."""
    count = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        count += 1
    return count
