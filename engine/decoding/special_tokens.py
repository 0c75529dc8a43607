"""Special tokens: which there are, which of them are chat markers, and where they stand in a text.

A *special token* is one that llama.cpp looks for in a text before it tokenises the rest: control, unknown and
user-defined ones. A *marker* is a special token that gives a prompt its structure: a control or unknown token, or a
user-defined one that a chat template emits (white space never is one: Gemma has user-defined runs of newlines).

`partition` repeats llama.cpp's own (`tokenizer_st_partition` in llama-vocab.cpp): longest token first, over the whole
text, with the blanks beside a token removed where the token says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.decoding.chat_formats import CHAT_FORMATS
from engine.decoding.chat_template import ChatTemplate
from engine.errors import PromptError

# llama.cpp's attribute bits.
UNKNOWN, UNUSED, NORMAL, CONTROL, USER_DEFINED, BYTE = (1 << bit for bit in range(6))
LEFT_STRIP, RIGHT_STRIP = 1 << 7, 1 << 8
SPECIAL = CONTROL | USER_DEFINED | UNKNOWN

_BLANKS = b" \t\n\v\f\r"
_SAMPLE = (
    [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}, {"role": "assistant", "content": "c"}],
    [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}],
    [{"role": "user", "content": "a"}],
)


@dataclass(frozen=True, slots=True)
class SpecialToken:
    """`text` is what llama.cpp looks for; `attributes` are its bits for the token."""

    token: int
    text: bytes
    attributes: int


class SpecialTokens:
    """All special tokens of a vocabulary, in the order in which they are looked for."""

    def __init__(self, tokens: Iterable[SpecialToken]) -> None:
        self.tokens = tuple(sorted((token for token in tokens if token.text), key=lambda token: -len(token.text)))

    def partition(self, text: bytes) -> list[int | bytes]:
        """`text` cut at its special tokens, each of which is replaced by its id; the parts between are not empty."""
        parts: list[int | bytes] = [text] if text else []
        for special in self.tokens:
            if special.text in text:
                parts = [piece for part in parts for piece in _split_at(part, special)]
        return parts

    def markers(self, template: str | None) -> frozenset[int]:
        """The ids of the markers, where prompts are made with `template` or with one of the known formats."""
        kept = {special.token for special in self.tokens if special.attributes & (CONTROL | UNKNOWN)}
        candidates = {
            special.token: special.text
            for special in self.tokens
            if special.token not in kept and special.text.strip(_BLANKS)
        }
        if candidates:
            for source in (template, *CHAT_FORMATS.values()):
                emitted = self._emitted(source) if source else set()
                kept.update(token for token in emitted if token in candidates)
        return frozenset(kept)

    def _emitted(self, source: str) -> set[int]:
        """The special tokens that a template writes around the messages of short conversations, or names."""
        found = {special.token for special in self.tokens if special.text.decode("utf-8", "replace") in source}
        for messages in _SAMPLE:
            try:
                text = ChatTemplate(source).render(messages)
            except PromptError:  # this template has no such conversation, or is refused where it is used
                continue
            found.update(part for part in self.partition(text.encode("utf-8", "replace")) if isinstance(part, int))
        return found


def _split_at(part: int | bytes, special: SpecialToken) -> list[int | bytes]:
    if isinstance(part, int):
        return [part]
    pieces: list[int | bytes] = []
    rest = part
    while rest:
        left, found, right = rest.partition(special.text)
        if not found:
            pieces.append(rest)
            break
        if special.attributes & LEFT_STRIP:
            left = left.rstrip(_BLANKS)
        if special.attributes & RIGHT_STRIP:
            right = right.lstrip(_BLANKS)
        pieces += [left, special.token] if left else [special.token]
        rest = right
    return pieces
