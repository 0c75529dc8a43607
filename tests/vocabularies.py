"""A hand-made vocabulary with every kind of awkward token.

     0 {         8 a        16 b"é" first byte   24 a token of 40 bytes
     1 }         9 b        17 b"é" last byte    25 <ctl>  (control)
     2 "        10 ab       18 é                 26 <end>  (end)
     3 ":       11 ba"      19 😀 without last    27 <eot>  (end)
     4 ,        12 0        20 last byte of 😀    28 \\\\
     5 ", "     13 1        21 é"                29 \\n (an escape)
     6 [        14 12       22 b"" (empty)       30 space
     7 ]        15 -        23 ab (again)        31 :
"""

from __future__ import annotations

from engine.masks.vocabulary import Vocabulary

LONG = b"a" * 40
PIECES = [
    *(b"{", b"}", b'"', b'":', b",", b'", "', b"[", b"]"),
    *(b"a", b"b", b"ab", b'ba"', b"0", b"1", b"12", b"-"),
    *(b"\xc3", b"\xa9", "é".encode(), "😀".encode()[:3], "😀".encode()[3:], 'é"'.encode(), b"", b"ab"),
    *(LONG, b"<ctl>", b"<end>", b"<eot>", b"\\", b"\\n", b" ", b":"),
]
CONTROL, ENDS = 25, (26, 27)

SMALL = Vocabulary.from_pieces(PIECES, signals=[CONTROL], end_tokens=ENDS)
# The same with every single byte, so that anything can be written.
FULL = Vocabulary.from_pieces([*PIECES, *(bytes([b]) for b in range(256))], signals=[CONTROL], end_tokens=ENDS)
