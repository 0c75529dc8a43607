"""Field search: the values of an object's fields, each asked for by itself, then put together.

Written one behind the other, a field's value depends on those before it, wrong ones too: after a null a small model writes
null again. So each field is asked for as if it came first, `{"city": `, over the same evaluated document; what the model finds
probable there is searched by `value_search`, and `assignment` gives each piece of the document to one field. A field that
loses its piece to another is asked once more for what is left.

In: the blanks of an object (see `engine.grounding.decision`) and the sequence of its document. Out: a value for each blank, with
what else was considered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.decoding.assignment import TextSpan, ValueCandidate, assign
from engine.decoding.forced_tokens import ForcedTokenizer
from engine.decoding.language_model import Feed, Row, Sequences
from engine.decoding.statistics import Statistics
from engine.decoding.value_search import ValueSearch
from engine.grounding.decision import Blank
from engine.masks.vocabulary import Vocabulary

SLACK = 4.0  # how much less probable than the best (natural logarithm) a value may be to be considered
_CONSIDERED = 6  # values a field


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


class FieldSearch:
    """Fills the blanks of one object after the other for the document in one sequence."""

    def __init__(
        self, sequences: Sequences, vocabulary: Vocabulary, spelling: ForcedTokenizer, statistics: Statistics
    ) -> None:
        self._sequences, self._vocabulary = sequences, vocabulary
        self._spelling, self._statistics = spelling, statistics
        self._asked = sequences.count + sequences.branches  # the sequence in which a field is asked for

    def fill(self, blanks: Sequence[Blank], root: Root) -> list[Filled]:
        """A value for each blank of an object that begins at `root`."""
        self._root = root
        considered = [self._candidates(blank, ()) for blank in blanks]
        chosen = assign(considered)
        for index, blank in enumerate(blanks):
            if chosen[index] != 0 and considered[index]:
                others = _spans(considered, chosen, without=index)
                considered[index] = _merged(considered[index], self._candidates(blank, others))
        chosen = assign(considered)
        return [
            Filled(blank, None if at is None else found[at].text, tuple(found))
            for blank, found, at in zip(blanks, considered, chosen, strict=True)
        ]

    def _candidates(self, blank: Blank, taken: tuple[TextSpan, ...]) -> list[ValueCandidate]:
        """The most probable values of a blank, best first."""
        root = self._root
        matcher, state = blank.begin(root.end, taken)
        tokens: list[int] = []
        for token in self._spelling.spell(matcher.forced()).certain:
            if not matcher.allows(token):
                break
            matcher.accept(token)
            tokens.append(token)
        self._sequences.share(root.sequence, self._asked, root.length)
        row, length = evaluate_tokens(
            self._sequences, self._asked, root.length, (*root.lead, *tokens), self._statistics
        )
        state = state.feed(b"".join(self._vocabulary.pieces[token] for token in tokens))
        search = ValueSearch(self._sequences, self._vocabulary, self._spelling, self._statistics, slack=SLACK)
        done = search.run(matcher, self._asked, length, row, state)
        self._sequences.truncate(self._asked, 0)
        best: dict[bytes, ValueCandidate] = {}
        for branch in done:
            found = branch.state.text
            if found not in best:  # spelled in other tokens, it is less probable
                best[found] = ValueCandidate(found, branch.score, blank.spans(found))
        return list(best.values())[:_CONSIDERED]


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
