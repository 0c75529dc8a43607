"""Search passes: the rows of logits that searches want, several searches in one forward pass.

Each branch of a search is evaluated in a sequence of its own, which begins as that of the branch it goes on from, so that each
token of the tree is evaluated once. Where sequences or cells of the cache run out, the least promising branches lose
theirs and are evaluated anew from their base when their turn comes.

In: bases, each a sequence and its length, with the search that begins there. All sequences that were taken are given back by
`release`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from engine.decoding.language_model import Feed, Row, Sequences
from engine.decoding.statistics import Statistics
from engine.decoding.value_search import BeamBranch, HeldTokens, ValueSearch

_WIDTH = 4  # branches of one search in a pass


def search_room(sequences: Sequences) -> int:
    """How many tokens searches may hold in the cache beside those of documents."""
    return min(sequences.n_batch, sequences.n_ctx // 8)


@dataclass(frozen=True, slots=True)
class SearchBase:
    """Where the branches of a search begin: the first `length` tokens of a sequence."""

    sequence: int
    length: int


@dataclass(frozen=True, slots=True)
class Lead:
    """The tokens (at least one) that lead from where several searches begin to one of them, and at most one that may follow."""

    tokens: tuple[int, ...]
    draft: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.tokens) + len(self.draft)


@dataclass(frozen=True, slots=True)
class _Step:
    search: ValueSearch
    base: SearchBase
    branch: BeamBranch
    draft: tuple[int, ...]
    fresh: tuple[int, ...]  # the tokens of the branch that are to be evaluated


class SearchPasses:
    """The sequences in which one document's decisions are tried."""

    def __init__(self, sequences: Sequences, statistics: Statistics) -> None:
        self._sequences, self._statistics = sequences, statistics
        first = sequences.count + 1
        self._all = range(first, first + sequences.branches)
        self._free = list(reversed(self._all))
        self._held: list[HeldTokens] = []
        self._room = search_room(sequences)
        self._cells = self._base_cells = 0  # at most so many tokens are held

    def fitting(self, leads: Sequence[Lead]) -> int:
        """How many of the first leads, at least one, can be begun together."""
        most = min(len(self._all) // 2, self._sequences.max_rows // 2)
        sizes = list(accumulate(map(len, leads)))
        return max(1, bisect_right(sizes[:most], min(self._sequences.n_batch, self._room // 2)))

    def begin(self, source: SearchBase, leads: Sequence[Lead]) -> list[tuple[SearchBase, list[Row], HeldTokens]]:
        """For each lead a base behind it, where it follows `source`, with the logits behind it and behind the tokens of its
        draft."""
        begun, feeds = [], []
        for lead in leads:
            sequence = self._free.pop()
            self._sequences.share(source.sequence, sequence, source.length)
            feeds.append(Feed(sequence, source.length, (*lead.tokens, *lead.draft), 1 + len(lead.draft)))
            begun.append((SearchBase(sequence, source.length + len(lead.tokens)), HeldTokens(sequence)))
        self._base_cells = sum(map(len, leads))
        self._cells = self._base_cells
        answers = self._decode(feeds)
        return [(base, [row.copy() for row in rows], held) for (base, held), rows in zip(begun, answers, strict=True)]

    def run(self, searches: Sequence[tuple[ValueSearch, SearchBase]]) -> None:
        """Let each search come to its end."""
        while steps := self._plan(searches):
            feeds, taken = [], []
            for step in steps:
                held = HeldTokens(self._free.pop())
                assert held.sequence is not None
                length = step.base.length + len(step.branch.tokens) - len(step.fresh)
                before = step.branch.held
                source = before.sequence if before is not None and len(step.fresh) == 1 else None
                self._sequences.share(step.base.sequence if source is None else source, held.sequence, length)
                feeds.append(Feed(held.sequence, length, (*step.fresh, *step.draft), 1 + len(step.draft)))
                taken.append(held)
            self._held += taken
            self._cells += sum(len(feed.tokens) for feed in feeds)
            for step, held, rows in zip(steps, taken, self._decode(feeds), strict=True):
                step.search.follow(step.branch, step.draft, rows, held)
            self._free_unused(searches)

    def release(self) -> None:
        """Give all sequences back."""
        for sequence in self._all:
            if sequence not in self._free:
                self._sequences.truncate(sequence, 0)
        self._free, self._held = list(reversed(self._all)), []
        self._cells = self._base_cells = 0

    # -- one pass

    def _plan(self, searches: Sequence[tuple[ValueSearch, SearchBase]]) -> list[_Step]:
        """What goes into the next pass: the best branches of each search, then their drafts as far as there is room."""
        room, rows = min(self._sequences.n_batch, self._room - self._base_cells), self._sequences.max_rows
        most = max(1, len(self._free) + len(self._held))
        width = max(1, min(_WIDTH, most // len(searches)))
        wanted = [(search, base, one) for search, base in searches for one in search.next_branches(room, width)]
        if len(wanted) > len(self._free) or self._cells + len(wanted) > self._room:
            self._forget()
        steps: list[_Step] = []
        for search, base, branch in wanted:
            held = branch.held is not None and branch.held.sequence is not None
            fresh = branch.tokens[-1:] if held else branch.tokens
            if len(fresh) > room or len(steps) == min(rows, most):
                search.put_back(branch)
                continue
            room -= len(fresh)
            steps.append(_Step(search, base, branch, (), fresh))
        rows -= len(steps)
        for index, step in enumerate(steps):
            draft = step.search.draft(step.branch)[: min(room, rows)]
            room, rows = room - len(draft), rows - len(draft)
            steps[index] = replace(step, draft=draft)
        return steps

    def _forget(self) -> None:
        """Take the sequences of all branches: they will be evaluated from their bases."""
        for held in self._held:
            self._give_back(held)
        self._held, self._cells = [], self._base_cells

    def _free_unused(self, searches: Sequence[tuple[ValueSearch, SearchBase]]) -> None:
        """Take the sequences from which no branch goes on."""
        used = {id(one.held) for search, _ in searches for one in search.live}
        for held in self._held:
            if id(held) not in used:
                self._give_back(held)
        self._held = [held for held in self._held if held.sequence is not None]
        if not self._held:
            self._cells = self._base_cells

    def _give_back(self, held: HeldTokens) -> None:
        assert held.sequence is not None
        self._sequences.truncate(held.sequence, 0)
        self._free.append(held.sequence)
        held.sequence = None

    def _decode(self, feeds: list[Feed]) -> list[list[Row]]:
        with self._statistics.stage("model"):
            rows = self._sequences.decode(feeds)
        self._statistics.forward_passes += 1
        self._statistics.searched_tokens += sum(len(feed.tokens) for feed in feeds)
        return rows
