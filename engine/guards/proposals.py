"""Proposals: values for a guard that cannot be seen into, taken from the text that the model was given.

A validator that looks a value up somewhere refuses nearly everything, and guessing letters does not find what it takes. But what
is extracted mostly stands in the text: so its words, its runs of words and its numbers are put to the guard. In: a text and a
guard. Out: the JSON texts that the guard takes, in the order of the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator

from engine.grammar.grammar import Guard

_RUN = 4  # words
_MOST = 20_000  # questions for one guard
_BLANKLESS = re.compile(r"\S+")
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"-?\d+(?:[ ,_'’]\d{3})*(?:\.\d+)?")
_AROUND = " \t\n.,;:!?()[]{}<>\"'`«»“”„‘’…|*_#-–—/\\"
_SPELLINGS: tuple[Callable[[str], str], ...] = (str, str.lower, str.upper, str.title, str.capitalize)


class Proposals:
    """`text` is what the model was given. What a guard takes of it is asked once for each guard."""

    def __init__(self, text: Callable[[], str]) -> None:
        self._text = text
        self._pieces: tuple[str, ...] | None = None
        self._taken: dict[tuple[int, bool], tuple[Guard, list[bytes]]] = {}

    def taken_by(self, guard: Guard, refused: bytes) -> list[bytes]:
        """What of the text the guard takes in the place of a string or a number that it refused; nothing for other values."""
        is_text = refused[:1] == b'"'
        if not is_text and not refused[:1].isdigit() and refused[:1] != b"-":
            return []
        key = id(guard), is_text
        if key not in self._taken:
            found = self._of_texts(guard) if is_text else _first_held(guard, self._numbers())
            self._taken[key] = guard, found
        return self._taken[key][1]

    def _of_texts(self, guard: Guard) -> list[bytes]:
        """As the text spells them; if the guard takes none of these, with other capitals."""
        if self._pieces is None:
            self._pieces = tuple(dict.fromkeys(_pieces(self._text())))
        for spelling in _SPELLINGS:
            found = _first_held(guard, (json.dumps(spelling(one), ensure_ascii=False).encode() for one in self._pieces))
            if found:
                return found
        return []

    def _numbers(self) -> Iterator[bytes]:
        for found in _NUMBER.finditer(self._text()):
            plain = re.sub(r"[ ,_'’]", "", found[0])
            if not re.match(r"-?0\d", plain):
                yield plain.encode()


def _pieces(text: str) -> Iterator[str]:
    """Words, then runs of words, the shorter ones first; without the marks around them."""
    yield from _WORD.findall(text)
    spans = [found.span() for found in _BLANKLESS.finditer(text)]
    for length in range(1, _RUN + 1):
        for first in range(len(spans) - length + 1):
            piece = text[spans[first][0] : spans[first + length - 1][1]]
            yield piece
            yield piece.strip(_AROUND)


def _first_held(guard: Guard, values: Iterable[bytes]) -> list[bytes]:
    """Those of the first values that the guard takes."""
    found: list[bytes] = []
    for value, _ in zip(values, range(_MOST), strict=False):
        if value != b'""' and _holds(guard, value):
            found.append(value)
    return list(dict.fromkeys(found))


def _holds(guard: Guard, value: bytes) -> bool:
    try:
        return guard.holds(value)
    except ValueError:  # no JSON
        return False
