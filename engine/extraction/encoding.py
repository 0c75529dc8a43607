"""Encoding: the text of a file's bytes.

In: bytes, and what the user said of them: nothing (UTF-8 is meant, and nothing is guessed), a codec's name, or `auto`.
Out: the text without a byte order mark. Bytes that do not fit raise `NotDecodable`, which names the encoding that they
look like; that is advice, and only `auto` follows it.

Found out in this order: a byte order mark; UTF-8; NULs in every second byte (UTF-16 without a mark); else what
charset-normalizer thinks likeliest. It reads short texts poorly, so where windows-1252, the encoding of most texts that are
not UTF-8, gives a Western European text, it is taken unless another one is clearly more coherent.
"""

from __future__ import annotations

import codecs
import contextlib
import io
from collections.abc import Iterator
from typing import BinaryIO

from engine.errors import EncodingUnknown, NotDecodable

UTF8, AUTO = "utf-8", "auto"
# So many bytes are looked at to find an encoding out; UTF-8 is tried on all of them where they can be read twice.
SAMPLE = 1 << 18
_BLOCK = 1 << 20
# The longer mark first: that of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WESTERN = "windows-1252"
_MARKS_OF_WESTERN = frozenset("\xa0€‚„…‰‹‘’“”•–—™›¡¢£¥§©«®°±²³´·»½¿")
# Encodings of Windows and the web. Those of DOS read the same bytes as other letters, and little is written in them now.
_OF_ITS_AGE = ("cp125", "iso8859")
_CLEARLY = 0.02
_NOT_TEXTS = ("undefined", "idna", "punycode", "unicode-escape", "raw-unicode-escape", "mbcs", "oem")


def known_encoding(name: str | None) -> str:
    """The name by which an encoding is read here; None is UTF-8. `EncodingUnknown` where it is no encoding of texts."""
    if name is None:
        return UTF8
    plain = name.strip().lower().replace("_", "-")
    if plain == AUTO:
        return AUTO
    try:
        found = codecs.lookup(plain).name
        with contextlib.suppress(UnicodeError):
            bytes(4).decode(plain)  # a LookupError where it is not one of texts
    except (LookupError, ValueError) as error:
        raise EncodingUnknown(name) from error
    if found in _NOT_TEXTS:
        raise EncodingUnknown(name)
    return UTF8 if found in (UTF8, "utf-8-sig") else plain


def decode_text(data: bytes, encoding: str = UTF8) -> tuple[str, str]:
    """The text of all the bytes of a file, and the encoding that it was read in."""
    chosen = likely_encoding(data) or UTF8 if encoding == AUTO else encoding
    refuse_wide(data[:SAMPLE], chosen)
    try:
        text = data.decode(chosen)
    except UnicodeDecodeError as error:
        raise NotDecodable(chosen, error.start, likely_encoding(data)) from error
    return text.removeprefix("\ufeff"), chosen


def refuse_wide(start: bytes, encoding: str) -> None:
    """`NotDecodable` where the first bytes are those of UTF-16 or UTF-32, by their mark or their NULs, and UTF-8 or another
    encoding of single bytes was to be read."""
    if encoding.startswith(("utf-16", "utf-32")):
        return
    wide = _marked(start)
    if wide is None and encoding == UTF8:
        wide = _alternating(start[: len(start) & ~1])
    if wide not in (None, UTF8):
        raise NotDecodable(encoding, 0, wide)


def likely_encoding(data: bytes) -> str | None:
    """The encoding that the bytes look like; None where nothing does."""
    if (marked := _marked(data)) is not None:
        return marked
    wide = _alternating(data)
    if wide is not None:
        return wide
    if _is_utf8(io.BytesIO(data)):
        return UTF8
    return _guessed(data[:SAMPLE])


def found_encoding(stream: io.BufferedReader) -> str:
    """What `auto` comes to for a stream, which is then where it was; of one that can be read once, the first bytes decide."""
    if not stream.seekable():
        return _prefix_encoding(stream.peek(SAMPLE)[:SAMPLE])
    start = stream.tell()
    try:
        head = stream.read(SAMPLE)
        if (certain := _marked(head) or _alternating(head)) is not None:
            return certain
        stream.seek(start)
        if _is_utf8(stream):
            return UTF8
        stream.seek(start)
        return _guessed(_telling(stream)) or UTF8
    finally:
        stream.seek(start)


def decoded_lines(stream: BinaryIO, encoding: str, most: int) -> Iterator[str]:
    """The lines with their ends, "\\n" alone ends one, without a byte order mark. A byte that does not fit becomes the lone
    surrogate U+DC80 to U+DCFF that stands for it. A line of over `most` characters comes in pieces of `most` + 1."""
    name = "utf-8-sig" if encoding == UTF8 else encoding
    text = io.TextIOWrapper(stream, encoding=name, errors="surrogateescape", newline="\n")
    try:
        first = True
        while line := text.readline(most + 1):
            yield line.removeprefix("\ufeff") if first else line
            first = False
    except UnicodeDecodeError as error:  # what no single byte stands for, as half a unit of UTF-16
        raise NotDecodable(encoding, error.start, None) from error
    finally:
        with contextlib.suppress(ValueError):  # whoever had the stream has closed it already
            text.detach()


def undecoded(text: str, encoding: str) -> NotDecodable | None:
    """Where a text out of `decoded_lines` has a byte that did not fit; None where it has none."""
    place = next((at for at, character in enumerate(text) if "\udc80" <= character <= "\udcff"), None)
    if place is None:
        return None
    try:
        before, data = (one.encode(encoding, "surrogateescape") for one in (text[:place], text))
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can say
        return None
    return NotDecodable(encoding, len(before), likely_encoding(data))


def _marked(data: bytes) -> str | None:
    return next((name for mark, name in _MARKS if data.startswith(mark)), None)


def _alternating(data: bytes) -> str | None:
    """UTF-16 without a mark: every second byte of nearly all is NUL, which no text in another encoding has."""
    sample = data[: SAMPLE & ~1]
    half = len(sample) // 2
    if half < 2 or len(data) % 2:
        return None
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > 0.7 * half and even < 0.05 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.7 * half and odd < 0.05 * half else None


def _is_utf8(stream: BinaryIO, *, whole: bool = True) -> bool:
    decoder = codecs.getincrementaldecoder(UTF8)()
    try:
        while block := stream.read(_BLOCK):
            decoder.decode(block)
        decoder.decode(b"", final=whole)
    except UnicodeDecodeError:
        return False
    return True


def _prefix_encoding(head: bytes) -> str:
    if (certain := _marked(head) or _alternating(head[: len(head) & ~1])) is not None:
        return certain
    if _is_utf8(io.BytesIO(head), whole=False):
        return UTF8
    return _guessed(head) or UTF8


def _telling(stream: BinaryIO) -> bytes:
    """The lines with bytes that are not ASCII, as far as a sample goes: the others say nothing."""
    telling = bytearray()
    while len(telling) < SAMPLE and (line := stream.readline(_BLOCK)):
        if not line.isascii():
            telling += line
    return bytes(telling[:SAMPLE])


def _guessed(data: bytes) -> str | None:
    from charset_normalizer import from_bytes  # 0.1 s, and only for what is not UTF-8

    # Without their mark, these are never taken for a text by mistake.
    matches = list(from_bytes(data, cp_exclusion=["utf_16", "utf_16_be", "utf_16_le", "utf_32", "utf_7"]))
    western = _western_text(data)
    if western is not None:
        own = max((match.coherence for match in matches if str(match) == western), default=0.0)
        rivals = [match for match in matches if match.encoding.startswith(_OF_ITS_AGE) and str(match) != western]
        rival = max(rivals, key=lambda match: match.coherence, default=None)
        if rival is None or rival.coherence <= own + _CLEARLY:
            return _WESTERN
        return codecs.lookup(rival.encoding).name
    return codecs.lookup(matches[0].encoding).name if matches else None


def _western_text(data: bytes) -> str | None:
    """The bytes as windows-1252, where that gives mostly ASCII with letters and marks of Western Europe in it."""
    try:
        text = data.decode(_WESTERN)
    except UnicodeDecodeError:
        return None
    foreign = [character for character in text if not character.isascii()]
    letters = sum(character.isalpha() for character in text)
    if any(not character.isalpha() and character not in _MARKS_OF_WESTERN for character in foreign):
        return None
    return text if 3 * sum(map(str.isalpha, foreign)) <= letters else None
