"""The launcher's inflating against zlib: what zlib writes comes out again, what zlib refuses is refused."""

from __future__ import annotations

import os
import random
import shlex
import subprocess
import zlib
from importlib import resources
from pathlib import Path

import pytest

HARNESS = r"""
#include <stdio.h>
#include <stdlib.h>
#include "inflate.h"
/* in: size of the stream, size of the result, the stream; out: one byte, then the result if it is 1; until the end */
int main(void) {
    uint64_t sizes[2];
    while (fread(sizes, 8, 2, stdin) == 2) {
        uint8_t *in = malloc(sizes[0] + 1), *out = malloc(sizes[1] + 1);
        if (fread(in, 1, sizes[0], stdin) != sizes[0]) return 2;
        uint8_t *exact = malloc(sizes[0]); /* where a checker of memory sees one byte too many */
        if (sizes[0]) memcpy(exact, in, sizes[0]);
        int good = inflate(exact, sizes[0], out, sizes[1]);
        putchar(good);
        if (good) fwrite(out, 1, sizes[1], stdout);
        free(in), free(out), free(exact);
    }
    return 0;
}
"""
STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED)


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the compiler's checks of memory and arithmetic where it has them."""
    folder = tmp_path_factory.mktemp("inflate")
    (folder / "inflate.h").write_bytes(resources.files("engine.binary").joinpath("inflate.h").read_bytes())
    (folder / "harness.c").write_text(HARNESS)
    compiler = shlex.split(os.environ.get("CC") or "cc")
    for checks in (["-fsanitize=address,undefined", "-fno-sanitize-recover"], []):
        words = [*compiler, "-std=c11", "-O1", *checks, "harness.c", "-o", "harness"]
        if subprocess.run(words, cwd=folder, capture_output=True, check=False).returncode == 0:
            break
    return folder / "harness"


def inflate(harness: Path, cases: list[tuple[bytes, int]]) -> list[bytes | None]:
    """What comes of each stream, None where it is refused."""
    question = b"".join(len(s).to_bytes(8, "little") + n.to_bytes(8, "little") + s for s, n in cases)
    answer = subprocess.run([harness], input=question, capture_output=True, timeout=300, check=False)
    assert (answer.returncode, answer.stderr) == (0, b"")
    results: list[bytes | None] = []
    at = 0
    for _, size in cases:
        good = answer.stdout[at] == 1
        results.append(answer.stdout[at + 1 : at + 1 + size] if good else None)
        at += 1 + (size if good else 0)
    assert at == len(answer.stdout)
    return results


def contents() -> list[bytes]:
    dice = random.Random(5)
    words = [bytes(dice.choices(b"abcdefgh ", k=dice.randint(1, 9))) for _ in range(300)]
    return [
        b"",
        b"a",
        b"\0" * 100_000,
        bytes(range(256)) * 300,
        dice.randbytes(70_000),
        b"".join(dice.choices(words, k=30_000)),
        Path("/proc/self/exe").read_bytes()[:300_000],
        b"".join(dice.randbytes(200) * dice.randint(1, 60) for _ in range(20)),
        dice.randbytes(32_768) * 2,  # the farthest copy there is
        b"x" + b"ab" * 129,  # the longest copy there is
    ]


def test_what_zlib_writes_comes_out_again(harness: Path) -> None:
    cases, expected = [], []
    for content in contents():
        for level in (0, 1, 6, 9):
            for strategy in STRATEGIES:
                for memory in (1, 9):
                    compressor = zlib.compressobj(level, zlib.DEFLATED, -15, memory, strategy)
                    cases.append((compressor.compress(content) + compressor.flush(), len(content)))
                    expected.append(content)
    assert inflate(harness, cases) == expected


def test_flushes_in_the_middle_are_followed(harness: Path) -> None:
    compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
    stream = b""
    for part in (content := contents()[5][:5000], content, b""):
        stream += compressor.compress(part) + compressor.flush(zlib.Z_FULL_FLUSH)
    stream += compressor.flush()
    assert inflate(harness, [(stream, 10_000)]) == [content + content]


def test_another_size_than_promised_is_refused(harness: Path) -> None:
    content = contents()[5]
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = stream.compress(content) + stream.flush()
    assert inflate(harness, [(data, len(content) - 1), (data, len(content) + 1), (data, 0)]) == [None, None, None]


def test_changed_streams_give_what_zlib_gives(harness: Path) -> None:
    dice = random.Random(7)
    cases, expected = [], []
    for _ in range(3000):
        content = bytes(dice.choices(b"abcde", k=dice.randint(1, 400))) + dice.randbytes(dice.randint(0, 40))
        compressor = zlib.compressobj(dice.choice((0, 1, 9)), zlib.DEFLATED, -15, 9, dice.choice(STRATEGIES))
        stream = bytearray(compressor.compress(content) + compressor.flush())
        for _ in range(dice.randint(1, 3)):
            stream[dice.randrange(len(stream))] ^= 1 << dice.randrange(8)
        if dice.random() < 0.3:
            del stream[dice.randrange(len(stream)) :]
        cases.append((bytes(stream), len(content)))
        expected.append(_zlib(bytes(stream), len(content)))
    found = inflate(harness, cases)
    assert found == expected


def test_noise_is_refused_as_by_zlib(harness: Path) -> None:
    dice = random.Random(11)
    streams = [dice.randbytes(dice.randint(0, 60)) for _ in range(5000)]
    cases = [(stream, _size(stream)) for stream in streams]
    assert inflate(harness, cases) == [_zlib(*case) for case in cases]


def _size(stream: bytes) -> int:
    try:
        return len(zlib.decompressobj(-15).decompress(stream))
    except zlib.error:
        return 10


def _zlib(stream: bytes, size: int) -> bytes | None:
    decompressor = zlib.decompressobj(-15)
    try:
        result = decompressor.decompress(stream) + decompressor.flush()
    except zlib.error:
        return None
    whole = decompressor.eof and len(result) == size and not decompressor.unused_data
    return result if whole else None
