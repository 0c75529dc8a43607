"""Value search: the continuations that the model finds most probable as a whole, among those that the grammar allows.

A greedy choice commits itself by its first token: `"` is more probable than `null`, and then some value must follow, however
improbable each one is. Here a decision (a value, or one more item against the end of a list) is made by the probability of
the whole continuation up to its end,

    log P(continuation) = Σ log P(token | prompt, what was written, the tokens before it),

each factor taken from the model's full distribution, so that what the grammar removes counts against a continuation that
needed it removed (the bias of local renormalisation: Park et al. 2024, "Grammar-Aligned Decoding").

The search is best first, a few branches a pass. A value that stands in a document mostly goes on as the document does, so
each branch is evaluated together with a draft of what follows there: one pass of many tokens, for what would be many passes
of one, tells where the value goes on, where it ends, and how probable each end is. Branches that cannot come within `slack` of
the best complete continuation any more, or are far less probable than their neighbours, are dropped, and of many tokens at
one place only the most probable are looked at; `exact` leaves out these two economies.

Where a list may end instead, the end is not held against one item, which has a hundred rivals as probable as itself, but against
all ways in which the document can begin one: the sum of the probabilities up to where the item's first value has begun. What the
model would write there and the document does not say counts for the end.

In: the logits at a place of an output, a matcher there, and the state of the decision. Out: the complete continuations, best
first. A search asks for rows of logits (`next_branches`) and is told them (`follow`); `search_passes` evaluates those of several
searches in common passes. The matcher is left as it was.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.decoding.forced_tokens import ForcedTokenizer
from engine.decoding.language_model import Row, TokenMatcher
from engine.decoding.statistics import Statistics
from engine.errors import BackendFailed
from engine.grounding.decision import Continuation
from engine.masks.vocabulary import Vocabulary

_DRAFT = 8  # tokens
_PASSES = 40
_LONGEST = 256  # tokens of one continuation
_KEPT = 64  # branches
_CHILDREN = 8  # of one place
_HOPELESS = 7.0  # natural logarithm
_TOGETHER = 1.5

Tokens = npt.NDArray[np.intp]
Chance = tuple[Tokens, Row]  # allowed ids at one place and their logits, best first


@dataclass(slots=True, eq=False)
class HeldTokens:
    """A sequence of the context that begins with the tokens of a branch; None when it was given to another one."""

    sequence: int | None


@dataclass(frozen=True, slots=True, eq=False)
class BeamBranch:
    """A continuation so far. `chances` has, for each of its tokens, what else was considered there; `held` has all tokens but
    the last, if there are any."""

    tokens: tuple[int, ...]
    probability: float  # natural logarithm
    state: Continuation
    chances: tuple[Chance, ...] = ()
    held: HeldTokens | None = None

    @property
    def score(self) -> float:
        return self.probability + self.state.worth


class ValueSearch:
    """One decision at a place behind which `rows` are known: the first behind the place itself, the others behind the tokens of
    `draft`, which `held` has."""

    def __init__(
        self,
        matcher: TokenMatcher,
        rows: Sequence[Row],
        state: Continuation,
        vocabulary: Vocabulary,
        spelling: ForcedTokenizer,
        statistics: Statistics,
        *,
        draft: Sequence[int] = (),
        held: HeldTokens | None = None,
        slack: float = 0.0,
        exact: bool = False,
    ) -> None:
        self._slack = slack
        self._wanted, self._floor = 1, -math.inf
        self._matcher, self._spelling, self._statistics, self._exact = matcher, spelling, statistics, exact
        self._pieces, self._ends = vocabulary.pieces, vocabulary.end_tokens
        self._live: list[BeamBranch] = []
        self._done: list[BeamBranch] = []
        self._passes = 0
        self._begun_mass = -math.inf  # log of the summed probability of the ways in which a value begins
        self.follow(BeamBranch((), 0.0, state), draft, rows, held)

    def go_on(self, wanted: int, floor: float) -> None:
        """Look for the `wanted` best values, not only for the best one, as far as their score is above `floor` and not more than
        `slack` (natural logarithm) below the best."""
        self._wanted, self._floor = wanted, floor

    @property
    def done(self) -> list[BeamBranch]:
        """The complete continuations, best first."""
        return sorted(self._done, key=_score, reverse=True)

    @property
    def live(self) -> Sequence[BeamBranch]:
        """What may still lead to something."""
        return self._live

    @property
    def decision(self) -> BeamBranch | None:
        """The best complete continuation; the end of the list only where it outweighs all beginnings of an item."""
        done = self.done
        items = [one for one in done if not one.state.ends_list]
        return items[0] if items and not self._end_wins() else done[0] if done else None

    def _end_wins(self) -> bool:
        """Whether the list ends."""
        end = max((one.score for one in self._done if one.state.ends_list), default=-math.inf)
        return end > self._begun_mass

    def next_branches(self, most: int, width: int) -> list[BeamBranch]:
        """Take the best branches, at most `width` and each at most `most` tokens long, whose next rows are wanted; none where
        the search is over."""
        self._live.sort(key=_score, reverse=True)
        bound = self._bound()
        longest = min(most, _LONGEST)
        good = [one for one in self._live if one.score > bound and len(one.tokens) < longest]
        if not self._exact and self._passes >= _PASSES:
            good = []
        self._passes += 1
        # Those that are far behind the best wait: it may make them hopeless.
        count = sum(one.score > good[0].score - _TOGETHER for one in good[:width]) if good else 0
        chosen = good[:count]
        useful = max((one.score for one in self._done if not one.state.ends_list), default=-math.inf) - self._slack
        rest = [one for one in self._live if one.score > useful and one not in chosen]
        self._live = rest if self._exact else rest[:_KEPT]
        return chosen

    def _bound(self) -> float:
        """The score that a branch must be above to be of use."""
        bound = self._floor
        best: dict[bytes, float] = {}
        ends = [one for one in self._done if one.state.ends_list]
        for one in self._done if not ends or self._is_settled() else [x for x in self._done if x not in ends]:
            best[one.state.text] = max(one.score, best.get(one.state.text, -math.inf))
        scores = sorted(best.values(), reverse=True)
        if scores:
            bound = max(bound, scores[0] - self._slack if self._wanted > 1 else scores[0])
        if len(scores) >= self._wanted:
            bound = max(bound, scores[self._wanted - 1])
        if self._live and not self._exact:
            bound = max(bound, self._live[0].score - _HOPELESS)
        return bound

    def _is_settled(self) -> bool:
        """Whether the end of the list outweighs all beginnings of an item, those that may still be found among them."""
        if not self._end_wins():
            return False
        open_mass = [one.score for one in self._live if not one.state.has_begun]
        end = max(one.score for one in self._done if one.state.ends_list)
        return not open_mass or end > np.logaddexp(self._begun_mass, np.logaddexp.reduce(open_mass))

    def put_back(self, branch: BeamBranch) -> None:
        """A branch that was taken waits for a later pass."""
        self._live.append(branch)

    def draft(self, branch: BeamBranch) -> tuple[int, ...]:
        """What may follow a branch, as the model would write it."""
        expected = branch.state.draft()
        if not expected:
            return ()
        written = b"".join(self._pieces[token] for token in branch.tokens)
        whole = self._spelling.spell(written + expected).tokens
        count = len(branch.tokens)
        tokens = whole[count:] if whole[:count] == branch.tokens else self._spelling.spell(expected).tokens
        return tokens[:_DRAFT]

    def follow(self, branch: BeamBranch, draft: Sequence[int], rows: Sequence[Row], held: HeldTokens | None) -> None:
        """Spread a branch, and what its draft makes of it, as far as that is allowed. `held` has both."""
        for index, row in enumerate(rows):
            goes_on = draft[index] if index + 1 < len(rows) else None
            following = self._spread(branch, row, narrow=len(branch.tokens) > 1, draft=goes_on, held=held)
            if following is None:
                break
            branch = following

    def _spread(
        self,
        branch: BeamBranch,
        row: Row,
        *,
        narrow: bool,
        draft: int | None = None,
        held: HeldTokens | None = None,
    ) -> BeamBranch | None:
        """Enter the continuations of a branch by one token; gives the one by `draft`, which is not entered."""
        with self._statistics.stage("sample"):
            total = log_sum(row)
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
            child = BeamBranch(
                (*branch.tokens, token), branch.probability + gain, state, (*branch.chances, chance), held
            )
            if state.has_begun and not branch.state.has_begun and not state.ends_list:
                self._begun_mass = float(np.logaddexp(self._begun_mass, child.score))
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


def _score(branch: BeamBranch) -> float:
    return branch.score


def log_sum(logits: Row) -> float:
    """The logarithm of the sum of exponentials."""
    most = logits.max()
    if not np.isfinite(most):
        raise BackendFailed("logits", "the model answered with values that are not numbers")
    return float(most) + math.log(float(np.exp(logits - most).sum()))
