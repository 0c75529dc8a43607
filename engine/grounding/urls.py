"""Web addresses that a text states: with a scheme as they are written, `www.example.org` also with `https://` before it.

Punctuation that ends a sentence, and brackets that were opened before the address, are no part of it. Linear.
"""

import re
from collections.abc import Iterator

from engine.grounding.patterns import WORD_START
from engine.grounding.recogniser import Reading

_CHARACTER = r"[^\s<>\"“”«»`{}|\\^]"
_URL = re.compile(
    rf"{WORD_START}(?:(?:https?|ftps?|sftp|wss?|file|git|ssh)://{_CHARACTER}+|www\.[^\W_][\w-]{{0,62}}\.{_CHARACTER}+)",
    re.IGNORECASE,
)
_CLOSING = {")": "(", "]": "[", "’": "‘"}
_ENDS = ".,;:!?'*_~…。，、；：！？」』）】"


class Urls:
    """Recognises web addresses.

    >>> [reading.value for reading in Urls().readings("(see https://example.org/a_(b).)")]
    ['https://example.org/a_(b)']
    """

    def readings(self, text: str) -> list[Reading]:
        """The addresses of the text, in its order. Linear in its length."""
        return sorted(self._found(text))

    def _found(self, text: str) -> Iterator[Reading]:
        for match in _URL.finditer(text):
            start, end = match.start(), _end(match[0]) + match.start()
            written = text[start:end]
            scheme, marks, rest = written.partition("://")
            if marks and rest.strip("/"):
                yield Reading(start, end, written)
            elif not marks and scheme.count(".") >= 2:
                yield Reading(start, end, written)
                yield Reading(start, end, f"https://{written}")


def _end(address: str) -> int:
    """How much of it is the address: without punctuation and closing brackets of the text around it."""
    open_ = {opening: address.count(opening) - address.count(closing) for closing, opening in _CLOSING.items()}
    end = len(address)
    while end:
        last = address[end - 1]
        if last in _ENDS and last not in _CLOSING:
            end -= 1
        elif last in _CLOSING and open_[_CLOSING[last]] < 0:
            open_[_CLOSING[last]] += 1
            end -= 1
        else:
            break
    return end
