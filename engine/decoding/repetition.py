"""Repetition: where the model goes round in circles, in a string or in an array.

A loop is the same text for the third time in a row, or the same items. What the prompt itself says so often is none: a
document may repeat itself. Single characters and short words repeat in honest values, so the copies of a text must make
up some bytes, and numbers, booleans and nulls in an array must come more often.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

_COPIES = 3
_BYTES = 12  # that the copies of a text must have together
_PLAIN_COPIES = 16  # of items that hold no text

# One character of a JSON string as it is spelled; a surrogate pair is one.
_CHARACTER = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^\\]", re.S)
_BETWEEN_ITEMS = re.compile(r"[ \t\n\r]*,?[ \t\n\r]*")

# How often the prompt says a text.
Stated = Callable[[str], int]


def looping_text(content: bytes, stated: Stated) -> int | None:
    """How many bytes of an open string's content come before it repeats itself, the first copy included; None: no loop."""
    if not _periods(content, _BYTES):
        return None
    characters = _spelled_characters(content)
    for period in _periods(characters, _BYTES) if characters else ():
        start = _run_start(characters, period)
        if stated(_decoded("".join(characters[start:]))):
            continue
        kept = "".join(characters[: start + period])
        return len((kept.rstrip(" ,;") or kept).encode())
    return None


def looping_items(array: bytes, stated: Stated) -> int | None:
    """How many bytes of an open array, from its bracket on, come before its items repeat themselves, the first time
    included; None: no loop. An item that has only begun does not count."""
    ends, items = _items(array.decode("latin-1"))
    for period in range(1, len(items) // _COPIES + 1):
        if not _repeats(items, period, _COPIES):
            continue
        start = _run_start(items, period)
        copies = (len(items) - start) // period
        texts = {text for item in items[-period:] for text in _texts(json.loads(item.encode("latin-1").decode()))}
        if texts and any(stated(text) < copies for text in texts):
            return ends[start + period - 1]
        if not texts and copies >= _PLAIN_COPIES:
            return ends[start + period - 1]
    return None


def _periods(sequence: Sequence[object], least: int) -> list[int]:
    """The lengths of what stands at the end so often that it makes up `least` elements, at least three times."""
    return [
        period
        for period in range(1, len(sequence) // _COPIES + 1)
        if sequence[-1] == sequence[-1 - period] and _repeats(sequence, period, max(_COPIES, -(-least // period)))
    ]


def _repeats(sequence: Sequence[object], period: int, copies: int) -> bool:
    """Whether the last `period` elements stand there `copies` times."""
    tail = sequence[max(0, len(sequence) - period * copies) :]
    return len(tail) == period * copies and tail[period:] == tail[:-period]


def _run_start(sequence: Sequence[object], period: int) -> int:
    """Where the repetition at the end of a sequence begins."""
    start = len(sequence) - period
    while start > 0 and sequence[start - 1] == sequence[start - 1 + period]:
        start -= 1
    return start


def _spelled_characters(content: bytes) -> list[str]:
    """The characters of a string as they are spelled; none where it ends inside of one."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return []
    characters = _CHARACTER.findall(text)
    return characters if sum(map(len, characters)) == len(text) else []


def _decoded(spelled: str) -> str:
    return str(json.loads(f'"{spelled}"'))


def _items(array: str) -> tuple[list[int], list[str]]:
    """Where the items of an open array end, and their texts."""
    decoder = json.JSONDecoder(parse_int=float)  # an integer may be too long for Python
    ends, items, place = [], [], 1
    while (begin := _skip(array, place)) < len(array):
        try:
            _, place = decoder.raw_decode(array, begin)
        except ValueError:  # the item has only begun
            break
        ends.append(place)
        items.append(array[begin:place])
    return ends, items


def _skip(array: str, place: int) -> int:
    found = _BETWEEN_ITEMS.match(array, place)
    assert found is not None, "it matches nothing, too"
    return found.end()


def _texts(value: object) -> list[str]:
    """The texts in a value that are not empty, without keys."""
    if isinstance(value, str):
        return [value] if value else []
    if isinstance(value, dict):
        value = list(value.values())
    return [text for part in value for text in _texts(part)] if isinstance(value, list) else []
