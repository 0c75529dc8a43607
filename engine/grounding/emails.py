"""E-mail addresses that a text states, as they are written there.

An address is what RFC 5321 calls a Mailbox without quoted parts, with letters of any script (RFC 6531). The full stop
that ends a sentence is no part of it. Each `@` is looked at once, within the 64 characters that a local part and the 255
that a domain may have, so the cost is linear.
"""

import re
from collections.abc import Iterator

from engine.grounding.recogniser import Reading

_LOCAL = re.compile(
    r"(?<![\w.!#$%&'*+/=?^`{|}~-])[\w!#$%&*+/=?^`{|}~-](?:[\w.!#$%&'*+/=?^`{|}~-]{0,62}[\w!#$%&*+/=?^`{|}~-])?$"
)
_DOMAIN = re.compile(
    r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,12}(?:[^\W\d_]{2,63}|xn--[a-z0-9-]{1,59})(?![\w@]|[.-]\w)", re.IGNORECASE
)


class Emails:
    """Recognises e-mail addresses; the value is the text of the span.

    >>> [reading.value for reading in Emails().readings("Write to ann@example.org.")]
    ['ann@example.org']
    """

    def readings(self, text: str) -> list[Reading]:
        """The addresses of the text, in its order. Linear in its length."""
        return sorted(self._found(text))

    def _found(self, text: str) -> Iterator[Reading]:
        position = text.find("@")
        while position >= 0:
            low = max(0, position - 66)
            domain = _DOMAIN.match(text, position + 1)
            local = _LOCAL.search(text[low:position]) if domain else None
            if domain and local and ".." not in local[0]:
                start = low + local.start()
                yield Reading(start, domain.end(), text[start : domain.end()])
            position = text.find("@", position + 1)
