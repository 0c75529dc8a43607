"""Field fit: how well a value goes with a field's name, before any document is read.

A small model that has read "at 9:30PM" writes it into `date` as readily as into `time`: copying drowns what the names mean.
Without the document it still knows which of the two it is. So the values that a document offers are scored under the empty
document too, in every field, and

    fit(field, value) = log P(value | empty document, field) − log mean P(value | empty document, any field)

is added to log P(value | document, field). By Bayes' rule it is log P(field | value) up to a constant, all fields being equally
probable beforehand. (To subtract the prior as such, PMI, takes the model's liking for a text out in favour of texts that are
merely rare: Holtzman et al. 2021, "Surface Form Competition"; Zhao et al. 2021, "Calibrate Before Use". Here it is compared
between fields, so a rare text gains nothing.)

In: the keys that lead to the fields, and values, each with the fields that may hold it. Out: a fit for each pair, at most
`MOST_FIT` in size. A value is told by its first tokens, so no more than `_TOLD_BY` of them are evaluated. What was computed for
one document is kept until that document ends.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.decoding.forced_tokens import ForcedTokenizer
from engine.decoding.language_model import PREFIX_SEQUENCE, Feed, Row, Sequences
from engine.decoding.search_passes import search_room
from engine.decoding.statistics import Statistics
from engine.decoding.value_search import log_sum
from engine.masks.vocabulary import Vocabulary

MOST_FIT = 6.0  # natural logarithm
_TOLD_BY = 8  # tokens

_Tokens = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Scored:
    """A value behind a key, in the tokens in which the model writes the two."""

    lead: _Tokens
    value: _Tokens


class FieldFit:
    """Fits for one document. `reference` is the prompt of an empty document; of the shared `prefix` it is not evaluated anew."""

    def __init__(
        self,
        sequences: Sequences,
        vocabulary: Vocabulary,
        spelling: ForcedTokenizer,
        statistics: Statistics,
        *,
        reference: _Tokens,
        prefix: _Tokens,
    ) -> None:
        self._sequences, self._pieces = sequences, vocabulary.pieces
        self._spelling, self._statistics = spelling, statistics
        self._reference = reference
        self._shared = _common(prefix, reference[:-1])
        self._known: dict[_Scored, float] = {}
        self._free: list[int] = []

    def fits(self, keys: Sequence[bytes], values: Mapping[bytes, Collection[int]]) -> dict[tuple[int, bytes], float]:
        """The fit of each value in each field that may hold it, by the field's index in `keys`."""
        pairs = {(at, value): self._spelled(keys[at], value) for value, fields in values.items() for at in fields}
        wanted = set(pairs.values()) - self._known.keys()
        if wanted:
            self._score(sorted(wanted, key=lambda pair: (pair.lead, pair.value)))
        found: dict[tuple[int, bytes], float] = {}
        for value, fields in values.items():
            priors = np.array([self._known[pairs[at, value]] for at in fields])
            mean = priors.max() + math.log(np.exp(priors - priors.max()).mean())
            fits = np.clip(priors - mean, -MOST_FIT, MOST_FIT)
            found.update({(at, value): float(fit) for at, fit in zip(fields, fits, strict=True)})
        return found

    def _spelled(self, key: bytes, value: bytes) -> _Scored:
        """Up to the token that closes the value, or as far as it takes to tell what kind of value it is."""
        begin = len(key.rstrip())
        tokens = self._spelling.spell(key + value + b",").tokens
        ends = np.cumsum([len(self._pieces[token]) for token in tokens])
        first = int(np.searchsorted(ends, begin, side="right"))
        closed = len(key) + len(value) + (0 if value.endswith(b'"') else 1)
        last = int(np.searchsorted(ends, closed))
        return _Scored(tokens[:first], tokens[first : last + 1][:_TOLD_BY])

    def _score(self, pairs: Sequence[_Scored]) -> None:
        """Note log P of each value behind its key."""
        first = self._sequences.count + 1
        self._free = list(range(first, first + self._sequences.branches))
        base = self._free.pop()
        try:
            self._sequences.share(PREFIX_SEQUENCE, base, self._shared) if self._shared else None
            rest, length = self._reference[self._shared : -1], self._shared
            for at in range(0, len(rest), self._sequences.n_batch):
                chunk = rest[at : at + self._sequences.n_batch]
                self._decode([Feed(base, length, chunk, 0)])
                length += len(chunk)
            for group in self._groups(pairs):
                self._score_group(group, base, length)
        finally:
            for sequence in range(first, first + self._sequences.branches):
                self._sequences.truncate(sequence, 0)

    def _groups(self, pairs: Sequence[_Scored]) -> Iterator[list[_Scored]]:
        """Pairs that are evaluated in two passes: the keys, then the values behind them."""
        group: list[_Scored] = []
        leads: set[_Tokens] = set()
        cells = rows = 0
        room = min(search_room(self._sequences), self._sequences.n_batch)
        for pair in pairs:
            size = len(pair.value) + (0 if pair.lead in leads else len(pair.lead) + 1)
            sequences = len(group) + len(leads) + 2
            full = cells + size > room or rows + len(pair.value) > self._sequences.max_rows
            if group and (full or sequences > len(self._free)):
                yield group
                group, leads, cells, rows = [], set(), 0, 0
                size = len(pair.value) + len(pair.lead) + 1
            group.append(pair)
            leads.add(pair.lead)
            cells, rows = cells + size, rows + len(pair.value)
        if group:
            yield group

    def _score_group(self, group: Sequence[_Scored], base: int, length: int) -> None:
        free = list(self._free)
        leads = list(dict.fromkeys(pair.lead for pair in group))
        held = {}
        feeds = []
        for lead in leads:
            held[lead] = free.pop()
            self._sequences.share(base, held[lead], length)
            feeds.append(Feed(held[lead], length, (self._reference[-1], *lead), 1))
        before = {lead: row.copy() for lead, (row,) in zip(leads, self._decode(feeds), strict=True)}
        feeds = []
        for pair in group:
            sequence, start = free.pop(), length + 1 + len(pair.lead)
            self._sequences.share(held[pair.lead], sequence, start)
            feeds.append(Feed(sequence, start, pair.value, len(pair.value)))
        for pair, rows in zip(group, self._decode(feeds), strict=True):
            self._known[pair] = sum(
                float(row[token]) - log_sum(row)
                for row, token in zip((before[pair.lead], *rows), pair.value, strict=False)
            )
        for feed in feeds:
            self._sequences.truncate(feed.sequence, 0)
        for sequence in held.values():
            self._sequences.truncate(sequence, 0)

    def _decode(self, feeds: list[Feed]) -> list[list[Row]]:
        with self._statistics.stage("model"):
            rows = self._sequences.decode(feeds)
        self._statistics.forward_passes += 1
        self._statistics.searched_tokens += sum(len(feed.tokens) for feed in feeds)
        return rows


def _common(left: Sequence[int], right: Sequence[int]) -> int:
    return next(
        (at for at, (one, other) in enumerate(zip(left, right, strict=False)) if one != other),
        min(len(left), len(right)),
    )
