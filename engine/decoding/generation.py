"""One document's generation: which tokens go into the next pass, and what its logits lead to.

A generation knows nothing of llama.cpp or of other documents. `feed` names the tokens that its sequence still lacks:
the prompt at first, later the token that was chosen last, what the grammar forces after it, and drafts. `advance` takes
the rows of logits for them, chooses tokens, and goes on until one differs from the draft that was sent along.

What the budget refuses gives way to the next best token (see `output_state`). Where guards refuse all that is left, the
generation goes on from another token earlier in the output (see `backtracking`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

from engine.decoding.backtracking import Backtracker
from engine.decoding.drafts import DraftKind, SourceDrafts
from engine.decoding.field_fit import FieldFit
from engine.decoding.field_search import FieldSearch, Root, evaluate_tokens
from engine.decoding.forced_tokens import ForcedTokenizer
from engine.decoding.language_model import Feed, Row, Sequences, TokenMatcher
from engine.decoding.output_state import Finish, OutputState
from engine.decoding.sampler import GREEDY, Sampler, Sampling
from engine.decoding.search_passes import SearchBase, SearchPasses
from engine.decoding.statistics import Statistics
from engine.decoding.thinking import Thinking, Thought
from engine.decoding.token_node import TokenNode
from engine.decoding.value_bounds import ValueBounds, ValueEnd, ValueWatch
from engine.decoding.value_search import BeamBranch, ValueSearch
from engine.errors import BackendFailed, DeadEnd, TokenRejected
from engine.grounding.decision import Continuation, Decisions, Fill, Write
from engine.guards.frontier import Candidate, ChoicePoint
from engine.masks.vocabulary import Vocabulary, first_bytes

T = TypeVar("T", bound=np.generic)

Jump = Literal["spelled", "verified", "off"]

# How many candidates are tried one by one when the budget refuses them, before the shortest way to close is taken. The
# refusals come in a row where the output must close at once; each costs a step of the matcher.
_TRIED = 512

# How many tokens that were not taken are remembered for each choice under a grammar with guards.
_ALTERNATIVES = 64

# How many tokens of the short way to the end are remembered with it.
_CLOSING = 8

MAX_BACKTRACKS = 1000


class Generation:
    """`jump`: "spelled" trusts certain forced tokens, "verified" asks the model about each, "off" never jumps.

    `many`: the items of the outermost array are given out as they close, and stay. `max_backtracks` is how many tokens
    chosen by the model may be thrown away when guards leave no way on. `bounds` end values of a JSON text that run away.
    """

    def __init__(
        self,
        document: int,
        matcher: TokenMatcher,
        spelling: ForcedTokenizer,
        vocabulary: Vocabulary,
        statistics: Statistics,
        *,
        max_tokens: int,
        sampling: Sampling = GREEDY,
        key: str | None = None,
        jump: Jump = "spelled",
        many: bool = False,
        max_backtracks: int = MAX_BACKTRACKS,
        decisions: Decisions | None = None,
        fit: FieldFit | None = None,
        bounds: ValueBounds | None = None,
    ) -> None:
        self.document = document
        # How many tokens the sequence holds that are certain.
        self.length = 0
        self._matcher = matcher
        self._spelling = spelling
        self._statistics = statistics
        self._sampler = Sampler(sampling, document if key is None else key)
        self._jump = jump
        watch = None if bounds is None else ValueWatch(bounds, max_tokens, self._prompt_text)
        self._path = OutputState(
            document, matcher, vocabulary, statistics, max_tokens=max_tokens, many=many, watch=watch
        )
        self._backtracker = Backtracker(
            self._path, max_backtracks, self._prompt_text, lambda text: self._spelling.spell(text).tokens
        )
        self._prompt: tuple[int, ...] = ()
        self._prompt_length = self._told = 0
        self._thought: Thought | None = None
        self._pending: list[int] = []
        self._drafts: tuple[int, ...] = ()
        self.draft_kind = DraftKind.FORCED
        self.right_drafts = 0  # of those that were sent along last
        self._source: SourceDrafts | None = None
        self._given_out = 0
        self._decisions, self._fit = decisions, fit
        self._vocabulary = vocabulary
        # What is to be decided as a whole before the next pass.
        self.decision: Continuation | Fill | Write | None = None
        self._values: dict[tuple[str | int, ...], bytes] = {}  # that are decided
        self._unplanned: TokenNode | None = None  # where the object began whose values were decided last
        self._undecided = -1  # the end of an output where no decision could be made

    @property
    def finish(self) -> Finish | None:
        return self._path.finish

    @property
    def cuts(self) -> tuple[int, ...]:
        """The bytes of the output at which the budget changed what was chosen."""
        return self._path.cuts

    @property
    def loops(self) -> tuple[tuple[str | int, ...], ...]:
        """The paths of the values so far that were ended because they repeated themselves."""
        return self._path.node.loops

    def _prompt_text(self) -> str:
        return b"".join(self._path.pieces[token] for token in self._prompt[: self._told]).decode(errors="replace")

    @property
    def thought(self) -> str:
        """What the model thought before its answer, so far."""
        return "" if self._thought is None else self._thought.text.decode(errors="replace")

    @property
    def _is_thinking(self) -> bool:
        return self._thought is not None and not self._thought.over

    def start(self, prompt: Sequence[int], length: int, thinking: Thinking | None = None) -> None:
        """Begin with the tokens of the prompt, the first `length` of which the sequence holds already. `thinking` lets the
        model write a thought first, which then counts as a part of the prompt."""
        if thinking is not None:
            self._thought = Thought(thinking, self._vocabulary, self._sampler)
        self._prompt, self._prompt_length = tuple(prompt), len(prompt)
        self._told = len(prompt)
        self.length = length
        self._pending = list(prompt[length:])
        if not self._is_thinking:
            self._after_choice()

    def take_output(self) -> bytes:
        """The bytes that were committed since the last call."""
        fresh = self._matcher.output_between(self._given_out, self._path.committed)
        self._given_out = self._path.committed
        return fresh

    @property
    def is_reading(self) -> bool:
        """Whether the prompt is not evaluated yet."""
        return self.length < self._told

    @property
    def lacks(self) -> int:
        """How many tokens the sequence still lacks."""
        return len(self._pending)

    def drafts(self, *, look_up: bool) -> int:
        """How many tokens there are that may be sent along; `look_up` reads some off the document where none are forced."""
        if self._is_thinking:
            return 0
        if look_up and not self._drafts and not self.is_reading and self._decisions is None:
            if self._source is None:
                written = b"".join(self._vocabulary.pieces[token] for token in self._prompt)
                self._source = SourceDrafts(written, self._spelling)
            self._drafts, self.draft_kind = self._source.after(self._matcher.output), DraftKind.SOURCE
        return len(self._drafts)

    def feed(self, sequence: int, room: int, rows: int) -> Feed:
        """At most `room` tokens for the next pass, with logits for at most `rows` of them; both at least 1."""
        if len(self._pending) > room:
            return Feed(sequence, self.length, tuple(self._pending[:room]), 0)
        drafts = self._drafts[: min(room - len(self._pending), rows - 1)]
        self._statistics.drafted_tokens += len(drafts)
        return Feed(sequence, self.length, (*self._pending, *drafts), 1 + len(drafts))

    def advance(self, feed: Feed, rows: Sequence[Row]) -> bool:
        """Go on with the answer to `feed`; False where the sequence now holds more than `length` tokens."""
        certain = len(feed.tokens) - max(0, len(rows) - 1)
        self.length += certain
        del self._pending[:certain]
        if not rows:
            return True
        try:
            self._follow(feed.tokens[certain:], rows)
        except DeadEnd as dead:
            self._go_back(dead)
        return self.length == feed.start + len(feed.tokens)

    def _follow(self, drafts: Sequence[int], rows: Sequence[Row]) -> None:
        """Choose by each row as long as the drafts are what is chosen."""
        index = self.right_drafts = 0
        if self._is_thinking:
            self._think(rows[0])
            return
        while True:
            token = self._choose(rows[index])
            if token is None:  # the end
                return
            agreed = index < len(drafts) and token == drafts[index]
            if agreed:
                index += 1
                self.length += 1
                self._statistics.kept_drafts += 1
            self._pending = [] if agreed else [token]
            held = self.length
            self._after_choice()
            if self.length < held:  # a loop was cut off
                return
            if agreed:
                index += self._take_sent(drafts[index:])
                self.right_drafts = index
            if not agreed or self._pending or self._path.finish is not None:
                return
            if self.decision is not None:  # which evaluates the last token itself
                self.length -= 1
                self._pending = [drafts[index - 1]]
                return

    def _think(self, row: Row) -> None:
        """Go on with the thought; where it ends, the answer begins."""
        assert self._thought is not None, "there is a thought"
        with self._statistics.stage("sample"):
            tokens = self._thought.go_on(row)
        self._statistics.thought_tokens += len(tokens)
        self._prompt += tuple(tokens)
        self._prompt_length = len(self._prompt)
        self._pending = list(tokens)
        if self._thought.over:
            self._after_choice()

    def _take_sent(self, sent: Sequence[int]) -> int:
        """How many of the tokens that are forced now were sent along already; they are evaluated."""
        count = 0
        while count < min(len(sent), len(self._pending)) and sent[count] == self._pending[count]:
            count += 1
        del self._pending[:count]
        self.length += count
        return count

    # -- choosing

    def _choose(self, row: Row) -> int | None:
        """The next token, accepted by the matcher; None where it ends the output."""
        self._path.squeezed = False
        ending = self._path.ending
        if self._sampler.greedy:
            with self._statistics.stage("sample"):
                token = int(row.argmax())
                if not row[token] < np.inf:  # also where it is not a number
                    raise BackendFailed("logits", "the model answered with values that are not numbers")
            with self._statistics.stage("mask"):
                # Under guards the alternatives are wanted too.
                bound = ending is not None and (ending.loop or not self._path.ends_value(token, ending))
                free = not self._path.guarded and not bound
                if free and self._matcher.allows(token) and self._path.take(token):
                    return None if token in self._path.ends else token
        with self._statistics.stage("mask"):
            candidates = self._candidates()
        with self._statistics.stage("sample"):
            logits = row[candidates]
            choice = self._choice(candidates, logits) if self._path.guarded else None
        for attempt in range(len(candidates)):
            if attempt >= _TRIED and self._path.node.closing and self._path.squeezed:
                break
            with self._statistics.stage("sample"):
                index = self._sampler.pick(logits, self._path.node.end, attempt)
            token = int(candidates[index])
            if choice is not None:
                choice.tried.add((token,))
                choice.end = choice.start + len(self._path.pieces[token])
            with self._statistics.stage("mask"):
                if self._path.take(token, choice):
                    return None if token in self._path.ends else token
            if attempt == 0 and self._sampler.greedy:  # refusals come in a row: from now on the first one is the best
                order = np.argsort(-logits, kind="stable")
                candidates, logits, index = candidates[order], logits[order], 0
            candidates, logits = _without(candidates, index), _without(logits, index)
        if self._path.ending is not None:
            self._tolerate(self._path.ending)
            return self._choose(row)
        return self._close_up()

    def _candidates(self) -> npt.NDArray[np.intp]:
        """The tokens that are allowed; where a value has to end, those of them that end it."""
        candidates = np.flatnonzero(self._matcher.mask())
        if (ending := self._path.ending) is None:
            return candidates
        self._path.squeezed = not ending.loop
        firsts = first_bytes(self._vocabulary)[candidates]  # a value ends by a byte: there are few of them
        present = (byte for byte in np.unique(firsts).tolist() if byte >= 0)
        ending_bytes = [byte for byte in present if self._path.byte_ends_value(bytes([byte]), ending)]
        return candidates[np.isin(firsts, ending_bytes) | np.isin(candidates, list(self._path.ends))]

    def _choice(self, candidates: npt.NDArray[np.intp], logits: Row) -> ChoicePoint[TokenNode]:
        """What can be taken here, best first, with how much less it is wanted than the best."""
        if len(candidates) > _ALTERNATIVES:
            best = np.argpartition(-logits, _ALTERNATIVES)[:_ALTERNATIVES]
            # To end is always one of them: where values are refused for their length, nothing else helps.
            best = np.union1d(best, np.flatnonzero(np.isin(candidates, self._path.node.closing[:1])))
            candidates, logits = candidates[best], logits[best]
        order = np.argsort(-logits, kind="stable")
        alternatives = [
            Candidate(
                float(logits[order[0]] - logits[index]), int(candidates[index]), self._path.pieces[candidates[index]]
            )
            for index in order
        ]
        step = self._path.node
        closing = [(token, self._path.pieces[token]) for token in step.closing[:_CLOSING]]
        return ChoicePoint(step, step.end, step.end, step.loss, alternatives, closing)

    def _close_up(self) -> int:
        """The first token of the short completion, where the budget leaves nothing else."""
        with self._statistics.stage("mask"):
            if self._path.squeezed and self._path.node.closing and self._path.take(self._path.node.closing[0]):
                return self._path.node.token
        raise DeadEnd(self.document, self._matcher.output, "no token is allowed, and the output is not complete")

    # -- going back

    def _go_back(self, dead: DeadEnd) -> None:
        """Go on from another token earlier in the output."""
        if not self._path.guarded:
            raise dead
        if self._unplanned is not None:
            self._start_over(self._unplanned)
            return
        with self._statistics.stage("mask"):
            kept = min(self.length - self._prompt_length, self._backtracker.go_back(dead))
        self.length = self._prompt_length + kept
        self._pending = self._path.node.tokens_after(kept)
        self._after_choice()

    def _start_over(self, before: TokenNode) -> None:
        """Where a guard refuses an object whose values were decided one by one: write it as the model does, token by token."""
        self._path.return_to(before)
        self._decisions, self._unplanned = None, None
        self._values.clear()
        self._rewind(before.count)
        self._after_choice()

    def _rewind(self, kept: int) -> None:
        """Go on from an output that has the first `kept` tokens in common with what was evaluated."""
        written = (*self._prompt, *self._path.node.tokens_after(0))
        # The last token is evaluated anew if it must be, for its logits.
        self.length = min(self.length, self._prompt_length + kept, len(written) - 1)
        self._pending = list(written[self.length :])

    # -- ending values that run away

    def _end_value(self) -> bool:
        """Whether a value has to end now: then the next token is one that ends it."""
        end = self._path.due
        self._path.due = None
        if end is None or not (self._cut_back(end) if end.loop else self._path.can_end(end)):
            return False
        self._path.ending, self._drafts = end, ()
        return True

    def _cut_back(self, end: ValueEnd) -> bool:
        """Go back to where a loop begins; False, and nothing has changed, where the value cannot end there."""
        here, committed = self._path.node, self._path.committed
        before = next((node for node in here.back() if node.end <= end.place), self._path.first)
        kept = self._matcher.output_between(before.end, end.place)
        with self._statistics.stage("mask"):
            self._path.return_to(before)
            taken = all(self._path.take(token) for token in self._spelling.spell(kept).tokens)
            if not taken or self._path.node.end != end.place or not self._path.can_end(end):
                self._path.return_to(here)
                self._path.committed = committed
                self._tolerate(end)
                return False
        self._rewind(before.count)
        self._undecided = -1
        return True

    def _tolerate(self, end: ValueEnd) -> None:
        """Leave a value to the model where it cannot be ended."""
        self._path.ending = self._path.due = None
        if self._path.watch is not None:
            self._path.watch.tolerated.add(end.start)

    # -- going on without the model

    def _after_choice(self) -> None:
        """After a chosen token: is the output complete, and if not, what is forced next, and what is to be decided?"""
        self._drafts, self.draft_kind, self.decision = (), DraftKind.FORCED, None
        if self._path.end_if_due() or self._end_value():
            return
        rest = b"" if self._jump == "off" or self._path.ending is not None else self._jump_forward()
        if self._path.end_if_due() or self._end_value():
            return
        if self._decisions is not None and self._path.node.end != self._undecided:
            with self._statistics.stage("mask"):
                self.decision = self._decisions.at(self._matcher.output, rest, self._values)

    def _jump_forward(self) -> bytes:
        """Append what is forced and certain; gives the forced bytes that are not."""
        with self._statistics.stage("mask"):
            forced = self._matcher.forced()
            if not forced:
                return b""
            spelled = self._spelling.spell(forced)
            if self._jump == "verified":
                self._drafts = (*spelled.certain, *spelled.drafts)
                return forced
            before = self._path.node.end
            if self._append(spelled.certain) and not self._complete_with(spelled.drafts):
                self._drafts = spelled.drafts
            return forced[self._path.node.end - before :]

    # -- deciding

    def decide(self, sequences: Sequences, sequence: int) -> None:
        """Make the decision that is due, or find that it cannot be made: then the next tokens are chosen one by one."""
        start, decision = self._path.node.end, self.decision
        self.decision = None
        match decision:
            case Write(text):
                made = self._write(text)
            case Fill():
                made = self._fill(decision, sequences, sequence)
            case _:
                assert decision is not None
                made = self._search(decision, sequences, sequence)
        if made:
            held = self.length
            self._after_choice()
            if self.length < held:
                sequences.truncate(sequence, self.length)
        elif self._path.node.end == start:
            self._undecided = start

    def _write(self, text: bytes) -> bool:
        """Append text that was decided, in the tokens in which it is written where it is followed by what is forced."""
        before, length = self._path.node, 0
        with self._statistics.stage("mask"):
            taken = self._accepted(self._spelling.spell(text).tokens)
            following = self._matcher.forced() if taken else b""
            self._matcher.rollback(taken)
            for token in self._spelling.spell(text + following).tokens:
                if length >= len(text) or not self._append([token]):
                    break
                length += len(self._path.pieces[token])
        return self._path.node is not before

    def _accepted(self, tokens: Sequence[int]) -> int:
        """How many of some tokens the matcher takes; they stay accepted."""
        for count, token in enumerate(tokens):
            if not self._matcher.allows(token):
                return count
            self._matcher.accept(token)
        return len(tokens)

    def _fill(self, decision: Fill, sequences: Sequences, sequence: int) -> bool:
        """Decide the values of an object."""
        root = next((step for step in self._path.node.back() if step.end <= decision.start), None)
        wanted = self._prompt_length + (root.count if root is not None else 0)
        # The last token of the output stays pending, so that the next pass has something to evaluate.
        lead = self._pending[: max(0, wanted - self.length)]
        if len(lead) > 1:
            _, self.length = evaluate_tokens(sequences, sequence, self.length, lead[:-1], self._statistics)
            del self._pending[: len(lead) - 1]
        self._unplanned = root if root is not None else self._path.first
        search = FieldSearch(sequences, self._vocabulary, self._spelling, self._statistics, self._fit)
        found = search.fill(
            decision.blanks, Root(sequence, wanted - len(lead[-1:]), tuple(lead[-1:]), root.end if root else 0)
        )
        for filled in found:
            self._values[filled.blank.path] = filled.text or b""
            if self._decisions is not None:
                self._decisions.note(filled.blank.path, [(one.text, one.score) for one in filled.considered])
        return True

    def _search(self, decision: Continuation, sequences: Sequences, sequence: int) -> bool:
        """Write the most probable continuation; where the search finds none, the most probable token."""
        row, self.length = evaluate_tokens(sequences, sequence, self.length, self._pending, self._statistics)
        self._pending = []
        search = ValueSearch(self._matcher, [row], decision, self._vocabulary, self._spelling, self._statistics)
        passes = SearchPasses(sequences, self._statistics)
        try:
            passes.run([(search, SearchBase(sequence, self.length))])
        finally:
            passes.release()
        if (best := search.decision) is not None and self._take_all(best):
            self._note(best, search.done)
            return True
        self._undecided = self._path.node.end
        self._go_on(row)
        sequences.truncate(sequence, self.length)
        return False

    def _note(self, best: BeamBranch, done: Sequence[BeamBranch]) -> None:
        if self._decisions is not None and best.state.text:
            considered: dict[bytes, float] = {}
            for one in done:  # best first: spelled in other tokens, a value is less probable
                considered.setdefault(one.state.text, one.score)
            self._decisions.note(best.state.path, list(considered.items()))

    def _go_on(self, row: Row) -> None:
        """Choose the next token alone."""
        try:
            token = self._choose(row)
        except DeadEnd as dead:
            self._go_back(dead)
            return
        if token is not None:
            self._pending = [token]
            self._after_choice()

    def _take_all(self, branch: BeamBranch) -> bool:
        """Accept the tokens of a continuation; False, and nothing has changed, where the budget has no room for one of them."""
        before = self._path.node
        for token, (candidates, logits) in zip(branch.tokens, branch.chances, strict=True):
            choice = self._choice(candidates, logits) if self._path.guarded else None
            if choice is not None:
                choice.tried.add((token,))
                choice.end = choice.start + len(self._path.pieces[token])
            if not self._path.take(token, choice):
                self._path.return_to(before)
                return False
        self._pending = list(branch.tokens)
        return True

    def _append(self, tokens: Sequence[int]) -> bool:
        """Accept tokens without asking the model; False from the first one on that is refused."""
        for token in tokens:
            if not (self._matcher.allows(token) and self._path.take(token)):
                return False
            self._pending.append(token)
            self._statistics.forced_tokens += 1
            if self._path.due is not None:
                return False
        return True

    def _complete_with(self, drafts: Sequence[int]) -> bool:
        """Append the drafts where nothing can follow them: then no longer token could have stood there."""
        accepted = 0
        try:
            for token in drafts:
                self._matcher.accept(token)
                accepted += 1
        except TokenRejected:
            complete = False
        else:
            complete = self._matcher.finished
        if accepted:
            self._matcher.rollback(accepted)
        return complete and self._append(drafts)


def _without(array: npt.NDArray[T], index: int) -> npt.NDArray[T]:
    return array[1:] if index == 0 else np.delete(array, index)
