"""Value search: the continuations that the model finds most probable as a whole, among those that the grammar allows.

A greedy choice commits itself by its first token: `"` is more probable than `null`, and then some value must follow, however
improbable each one is. Here a decision (a value, or one more item against the end of a list) is made by the probability of
the whole continuation up to its end,

    log P(continuation) = Σ log P(token | prompt, what was written, the tokens before it),

each factor taken from the model's full distribution, so that what the grammar removes counts against a continuation that
needed it removed (the bias of local renormalisation: Park et al. 2024, "Grammar-Aligned Decoding").

The search is best first, `BEAM_WIDTH` branches a pass. A value that stands in a document mostly goes on as the document does, so
each branch is evaluated together with a draft of what follows there: one pass of many tokens, for what would be many passes
of one, tells where the value goes on, where it ends, and how probable each end is. Branches that cannot come within `slack` of
the best complete continuation any more, or are far less probable than their neighbours, are dropped, and of many tokens at
one place only the most probable are looked at; `exact` leaves out these two economies.

In: a sequence of the context and the logits behind it, a matcher at the same place, and the state of the decision there. Out:
the complete continuations, best first. Matcher and sequence are left as they were.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.decoding.forced_tokens import ForcedTokenizer
from engine.decoding.language_model import Feed, Row, Sequences, TokenMatcher
from engine.decoding.statistics import Statistics
from engine.errors import BackendFailed
from engine.grounding.decision import Continuation
from engine.masks.vocabulary import Vocabulary

BEAM_WIDTH = 4
_DRAFT = 11  # tokens
_PASSES = 40
_LONGEST = 256  # tokens of one continuation
_KEPT = 64  # branches
_CHILDREN = 8  # of one place
_HOPELESS = 7.0  # natural logarithm
_TOGETHER = 3.0

Tokens = npt.NDArray[np.intp]
Chance = tuple[Tokens, Row]  # allowed ids at one place and their logits, best first


@dataclass(frozen=True, slots=True, eq=False)
class BeamBranch:
    """A continuation so far. `chances` has, for each of its tokens, what else was considered there."""

    tokens: tuple[int, ...]
    probability: float  # natural logarithm
    state: Continuation
    chances: tuple[Chance, ...] = ()

    @property
    def score(self) -> float:
        return self.probability + self.state.worth


class ValueSearch:
    """One decision after the other with one matcher."""

    def __init__(
        self,
        sequences: Sequences,
        vocabulary: Vocabulary,
        spelling: ForcedTokenizer,
        statistics: Statistics,
        *,
        slack: float = 0.0,
        exact: bool = False,
    ) -> None:
        self._sequences, self._spelling, self._statistics = sequences, spelling, statistics
        self._pieces, self._ends = vocabulary.pieces, vocabulary.end_tokens
        self._slack, self._exact = slack, exact
        self._first = sequences.count + 1
        self._width = min(BEAM_WIDTH, sequences.branches - 1)

    def run(self, matcher: TokenMatcher, sequence: int, length: int, row: Row, state: Continuation) -> list[BeamBranch]:
        """The complete continuations, best first, of the `length` tokens of `sequence`; `row` are the logits behind them."""
        self._matcher, self._base = matcher, (sequence, length)
        self._live: list[BeamBranch] = []
        self._done: list[BeamBranch] = []
        self._spread(BeamBranch((), 0.0, state), row, narrow=False)
        for _ in range(_PASSES if not self._exact else _LONGEST):
            chosen = self._next()
            if not chosen:
                break
            drafts = [self._draft(branch) for branch in chosen]
            for branch, draft, rows in zip(chosen, drafts, self._evaluate(chosen, drafts), strict=True):
                self._follow(branch, draft, rows)
        return sorted(self._done, key=_score, reverse=True)

    def _next(self) -> list[BeamBranch]:
        """Take the best branches that may still lead to something."""
        self._live.sort(key=_score, reverse=True)
        bound = max(map(_score, self._done), default=-math.inf) - self._slack
        if self._live and not self._exact:
            bound = max(bound, self._live[0].score - _HOPELESS)
        good = [one for one in self._live if one.score > bound and len(one.tokens) < _LONGEST]
        # Those that are far behind the best wait: it may make them hopeless.
        count = sum(one.score > good[0].score - _TOGETHER for one in good[: self._width]) if good else 0
        while sum(len(one.tokens) for one in good[:count]) > self._sequences.n_batch:
            count -= 1  # the others wait; one that is longer than a pass is given up
        self._live = good[count:] if self._exact else good[count:_KEPT]
        return good[:count]

    # -- one pass

    def _draft(self, branch: BeamBranch) -> tuple[int, ...]:
        """What may follow a branch, as the model would write it."""
        expected = branch.state.draft()
        if not expected:
            return ()
        written = b"".join(self._pieces[token] for token in branch.tokens)
        whole = self._spelling.spell(written + expected).tokens
        count = len(branch.tokens)
        tokens = whole[count:] if whole[:count] == branch.tokens else self._spelling.spell(expected).tokens
        return tokens[: min(_DRAFT, count + 1)]  # the longer it has held, the longer it may be

    def _evaluate(self, branches: list[BeamBranch], drafts: list[tuple[int, ...]]) -> list[list[Row]]:
        """The logits behind each branch and behind each token of its draft."""
        sequence, length = self._base
        most = min(self._sequences.max_rows, self._sequences.n_batch - sum(len(one.tokens) for one in branches))
        allowance = max(0, most // len(branches) - 1)
        feeds = []
        for number, (branch, draft) in enumerate(zip(branches, drafts, strict=True)):
            own = self._first + number
            self._sequences.share(sequence, own, length)
            tokens = (*branch.tokens, *draft[:allowance])
            feeds.append(Feed(own, length, tokens, 1 + min(len(draft), allowance)))
        with self._statistics.stage("model"):
            rows = self._sequences.decode(feeds)
        self._statistics.forward_passes += 1
        self._statistics.searched_tokens += sum(len(feed.tokens) for feed in feeds)
        for feed in feeds:
            self._sequences.truncate(feed.sequence, 0)
        return rows

    def _follow(self, branch: BeamBranch, draft: tuple[int, ...], rows: list[Row]) -> None:
        """Spread a branch, and what its draft makes of it, as far as that is allowed."""
        for index, row in enumerate(rows):
            goes_on = draft[index] if index + 1 < len(rows) else None
            following = self._spread(branch, row, narrow=True, draft=goes_on)
            if following is None:
                break
            branch = following

    def _spread(self, branch: BeamBranch, row: Row, *, narrow: bool, draft: int | None = None) -> BeamBranch | None:
        """Enter the continuations of a branch by one token; gives the one by `draft`, which is not entered."""
        with self._statistics.stage("sample"):
            total = _log_sum(row)
        with self._statistics.stage("mask"):
            for token in branch.tokens:
                self._matcher.accept(token)
            tokens = self._allowed(row, draft, narrow=narrow)
            self._matcher.rollback(len(branch.tokens))
        chance = (tokens, row[tokens])
        following = None
        for token in tokens.tolist():
            state = branch.state.end() if token in self._ends else branch.state.feed(self._pieces[token])
            gain = float(row[token]) - total
            child = BeamBranch((*branch.tokens, token), branch.probability + gain, state, (*branch.chances, chance))
            if state.is_over:
                self._done.append(child)
            elif token == draft:
                following = child
            else:
                self._live.append(child)
        return following

    def _allowed(self, row: Row, draft: int | None, *, narrow: bool) -> Tokens:
        """The most probable of the tokens that are allowed, and the draft if it is. `narrow`: only those near the top."""
        if narrow and not self._exact:
            top = np.argpartition(-row, _CHILDREN)[:_CHILDREN]
            if draft is not None:
                top = np.union1d(top, [draft])
            tokens = np.array([token for token in top.tolist() if self._matcher.allows(token)], np.intp)
            if len(tokens):
                return tokens[np.argsort(-row[tokens], kind="stable")]
        tokens = np.flatnonzero(self._matcher.mask())
        most = 2 * _CHILDREN
        if len(tokens) > most and not self._exact:
            tokens = tokens[np.argpartition(-row[tokens], most)[:most]]
        return tokens[np.argsort(-row[tokens], kind="stable")]


def decided(done: list[BeamBranch]) -> BeamBranch:
    """The best of some (best first), where an end of the list is held against all that might come instead of it."""
    ends = [one for one in done if one.state.ends_list]
    others = [one for one in done if not one.state.ends_list]
    if not ends or not others:
        return done[0]
    together = _log_sum(np.array([one.score for one in others], np.float32))
    return others[0] if together > ends[0].score else ends[0]


def _score(branch: BeamBranch) -> float:
    return branch.score


def _log_sum(logits: Row) -> float:
    """The logarithm of the sum of exponentials."""
    most = logits.max()
    if not np.isfinite(most):
        raise BackendFailed("logits", "the model answered with values that are not numbers")
    return float(most) + math.log(float(np.exp(logits - most).sum()))
