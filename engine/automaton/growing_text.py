"""Growing text: the bytes of an output as a chain of pieces, so that its versions share what they have in common.

Adding to a text leaves the old one as it was and costs the new bytes alone; a part at the end of a text is read in the time that
the part takes. Short pieces are joined, so a text that comes byte by byte is no longer than its bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

_JOINED = 64  # bytes; a piece below grows instead of being followed by another one


@dataclass(frozen=True, slots=True, eq=False)
class GrowingText:
    """`piece` are its last bytes, `before` is what stands before them, `end` the length of both."""

    before: GrowingText | None = None
    piece: bytes = b""
    end: int = 0

    def add(self, data: bytes) -> GrowingText:
        """The text with `data` behind it."""
        if len(self.piece) < _JOINED:
            return GrowingText(self.before, self.piece + data, self.end + len(data))
        return GrowingText(self, data, self.end + len(data))

    def part(self, start: int, end: int | None = None) -> bytes:
        """The bytes from `start` to `end`, or to the end of the text. O(bytes behind `start`)."""
        pieces: list[bytes] = []
        here: GrowingText | None = self
        while here is not None:
            begin = here.end - len(here.piece)
            pieces.append(here.piece)
            if begin <= start:
                pieces[-1] = here.piece[start - begin :]
                break
            here = here.before
        found = pieces[0] if len(pieces) == 1 else b"".join(reversed(pieces))
        return found if end is None else found[: max(end - start, 0)]
