"""What the patterns of several recognisers share."""

import re
from collections.abc import Iterable


def any_name(names: Iterable[str]) -> str:
    """An alternation of the names, the longest first, so that none hides a longer one."""
    return "|".join(sorted(map(re.escape, names), key=lambda x: (-len(x), x)))


_NO_BLANKS = r"\u0e00-\u0eff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"
LETTER = rf"[^\W\d_{_NO_BLANKS}]"
"""A letter of a script that sets blanks between words; Han, Kana, Hangul, Thai and Lao are borders by themselves."""
WORD_START = rf"(?<![^\W{_NO_BLANKS}])"
"""No word goes on here from the left."""
WORD_END = rf"(?![^\W{_NO_BLANKS}])"
"""No word goes on here to the right."""
BORDER = rf"(?:^|[\W{_NO_BLANKS}])"
"""A character between words, or the beginning of the text."""
