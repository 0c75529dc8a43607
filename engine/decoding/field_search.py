"""Field search: the values of an object's fields, each asked for by itself, then put together.

Written one behind the other, a field's value depends on those before it, wrong ones too: after a null a small model writes
null again. So each field is asked for as if it came first, `{"city": `, over the same evaluated document; what the model finds
probable there is searched by `value_search`, and `assignment` gives each piece of the document to one field. A field that
loses its piece to another is asked once more for what is left.

In: the blanks of an object (see `engine.grounding.decision`) and the sequence of its document. Out: a value for each blank, with
what else was considered.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from engine.decoding.assignment import TextSpan, ValueCandidate, assign, rivals
from engine.decoding.field_fit import FieldFit
from engine.decoding.forced_tokens import ForcedTokenizer
from engine.decoding.language_model import Feed, Row, Sequences, TokenMatcher
from engine.decoding.search_passes import Lead, SearchBase, SearchPasses
from engine.decoding.statistics import Statistics
from engine.decoding.value_search import ValueSearch
from engine.grounding.decision import Blank, Continuation
from engine.masks.vocabulary import Vocabulary

# How much less probable than the best (natural logarithm) a value may be to be considered where fields want the same piece.
SLACK = 4.0
_CONSIDERED = 3  # values a field
_CLOSE = 4.0  # to the best (natural logarithm): what comes this near may overtake it


@dataclass(frozen=True, slots=True)
class Root:
    """Where blanks begin: the first `length` tokens of a sequence, then `lead`, at the byte `end` of the output."""

    sequence: int
    length: int
    lead: tuple[int, ...]
    end: int


@dataclass(frozen=True, slots=True)
class Filled:
    """A blank's value, and all that were considered, best first; `text` is None where no value could be found."""

    blank: Blank
    text: bytes | None
    considered: tuple[ValueCandidate, ...]


@dataclass(frozen=True, slots=True)
class _Question:
    """A blank as it is asked: what leads to its value, and what may be written from there."""

    lead: Lead
    matcher: TokenMatcher
    state: Continuation


class FieldSearch:
    """Fills the blanks of one object after the other for the document in one sequence."""

    def __init__(
        self,
        sequences: Sequences,
        vocabulary: Vocabulary,
        spelling: ForcedTokenizer,
        statistics: Statistics,
        fit: FieldFit | None = None,
    ) -> None:
        self._vocabulary, self._spelling, self._statistics = vocabulary, spelling, statistics
        self._passes = SearchPasses(sequences, statistics)
        self._fit = fit

    def fill(self, blanks: Sequence[Blank], root: Root) -> list[Filled]:
        """A value for each blank of an object that begins at `root`."""
        self._root, source = root, blanks[0].source if blanks else ""
        considered = self._fitted(blanks, self._ask(blanks, [()] * len(blanks)))
        chosen = assign(considered, source)
        lost = [at for at in range(len(blanks)) if chosen[at] != 0 and considered[at]]
        if lost:
            others = [_spans(considered, chosen, without=at) for at in lost]
            again: list[list[ValueCandidate]] = [[] for _ in blanks]
            for at, found in zip(lost, self._ask([blanks[at] for at in lost], others), strict=True):
                known = {one.text for one in considered[at]}
                again[at] = [one for one in found if one.text not in known]
            again = self._fitted(blanks, again)
            considered = [_merged(first, second) for first, second in zip(considered, again, strict=True)]
            chosen = assign(considered, source)
        return [
            Filled(blank, None if at is None else found[at].text, tuple(found))
            for blank, found, at in zip(blanks, considered, chosen, strict=True)
        ]

    def _fitted(self, blanks: Sequence[Blank], found: list[list[ValueCandidate]]) -> list[list[ValueCandidate]]:
        """The candidates of each blank with how well they fit its name added to their scores, best first."""
        if self._fit is None:
            return found
        values: dict[bytes, list[int]] = {}
        for text in dict.fromkeys(one.text for each in _undecided(found) for one in each if one.spans):
            fields = [at for at, blank in enumerate(blanks) if blank.spans(text)]
            if len(fields) > 1:
                values[text] = fields
        fits = self._fit.fits([blank.key for blank in blanks], values)
        fitted = [
            [replace(one, score=one.score + fits.get((at, one.text), 0.0)) for one in each]
            for at, each in enumerate(found)
        ]
        return [sorted(each, key=lambda one: -one.score) for each in fitted]

    def _ask(self, blanks: Sequence[Blank], taken: Sequence[tuple[TextSpan, ...]]) -> list[list[ValueCandidate]]:
        """The most probable values of each blank, best first; more of them where several blanks want the same piece."""
        questions = [self._question(blank, spans) for blank, spans in zip(blanks, taken, strict=True)]
        found: list[list[ValueCandidate]] = []
        while len(found) < len(questions):
            count = self._passes.fitting([one.lead for one in questions[len(found) :]])
            together = range(len(found), len(found) + count)
            try:
                found += self._answers([blanks[at] for at in together], [questions[at] for at in together])
            finally:
                self._passes.release()
        return found

    def _question(self, blank: Blank, taken: tuple[TextSpan, ...]) -> _Question:
        matcher, state = blank.begin(self._root.end, taken)
        with self._statistics.stage("mask"):
            forced = matcher.forced()
            tokens = self._accepted(matcher, self._spelling.spell(forced).certain)
            written = b"".join(self._vocabulary.pieces[token] for token in tokens)
            # Most values are strings: what follows the quotation mark is wanted, whatever follows the key.
            mark = self._spelling.spell(forced[len(written) :] + b'"').tokens[:1]
            draft = self._accepted(matcher, mark)
            matcher.rollback(len(draft))
        return _Question(Lead((*self._root.lead, *tokens), draft), matcher, state.feed(written))

    def _accepted(self, matcher: TokenMatcher, tokens: Sequence[int]) -> tuple[int, ...]:
        """The first of some tokens, as far as the matcher takes them; they stay accepted."""
        taken: list[int] = []
        for token in tokens:
            if not matcher.allows(token):
                break
            matcher.accept(token)
            taken.append(token)
        return tuple(taken)

    def _answers(self, blanks: Sequence[Blank], questions: Sequence[_Question]) -> list[list[ValueCandidate]]:
        begun = self._passes.begin(SearchBase(self._root.sequence, self._root.length), [one.lead for one in questions])
        bases = [base for base, _, _ in begun]
        searches = [
            ValueSearch(
                one.matcher,
                rows,
                one.state,
                self._vocabulary,
                self._spelling,
                self._statistics,
                draft=one.lead.draft,
                held=held,
                slack=SLACK,
            )
            for one, (_, rows, held) in zip(questions, begun, strict=True)
        ]
        self._passes.run(list(zip(searches, bases, strict=True)))
        found = [_candidates(blank, search) for blank, search in zip(blanks, searches, strict=True)]
        wanted = rivals([one[0] if one else None for one in found])
        if wanted:
            for at in wanted:
                searches[at].go_on(_CONSIDERED, _worth_of_nothing(found[at]))
            self._passes.run([(searches[at], bases[at]) for at in wanted])
            for at in wanted:
                found[at] = _candidates(blanks[at], searches[at])
        return found


def _undecided(found: list[list[ValueCandidate]]) -> Iterator[list[ValueCandidate]]:
    """For each field that has several good candidates, or one that another field wants, the few best."""
    near = [[one for one in each[:_CONSIDERED] if one.score > each[0].score - _CLOSE] for each in found]
    for at, each in enumerate(near):
        elsewhere = {one.text for other, second in enumerate(near) if other != at for one in second}
        if len(each) > 1 or any(one.text in elsewhere for one in each):
            yield each


def _worth_of_nothing(found: list[ValueCandidate]) -> float:
    """The score of the best value that needs no piece, null for example: nothing below it is ever chosen."""
    return max((one.score for one in found if not one.spans), default=-math.inf)


def _candidates(blank: Blank, search: ValueSearch) -> list[ValueCandidate]:
    best: dict[bytes, ValueCandidate] = {}
    for branch in search.done:
        text = branch.state.text
        if text not in best:  # spelled in other tokens, it is less probable
            best[text] = ValueCandidate(text, branch.score, blank.spans(text))
    return list(best.values())


def _spans(considered: list[list[ValueCandidate]], chosen: list[int | None], *, without: int) -> tuple[TextSpan, ...]:
    """The pieces of the chosen candidates but one."""
    taken: list[TextSpan] = []
    for index, (found, at) in enumerate(zip(considered, chosen, strict=True)):
        if index != without and at is not None and found[at].spans:
            taken.append(found[at].spans[0])
    return tuple(taken)


def _merged(first: list[ValueCandidate], second: list[ValueCandidate]) -> list[ValueCandidate]:
    known = {one.text for one in first}
    return sorted((*first, *(one for one in second if one.text not in known)), key=lambda one: -one.score)


def evaluate_tokens(
    sequences: Sequences, sequence: int, length: int, tokens: Sequence[int], statistics: Statistics
) -> tuple[Row, int]:
    """Let a sequence of `length` tokens go on with `tokens` (at least one); the logits of what follows, and the new length."""
    row: Row | None = None
    for at in range(0, len(tokens), sequences.n_batch):
        chunk = tuple(tokens[at : at + sequences.n_batch])
        with statistics.stage("model"):
            ((row,),) = sequences.decode([Feed(sequence, length, chunk, 1)])
        statistics.forward_passes += 1
        length += len(chunk)
    assert row is not None, "there is always a token that is not evaluated yet"
    return row.copy(), length
