"""What the ELF files of a runtime ask of the machine that they run on.

In: the unpacked runtime and its launcher. Out: the glibc that they need (the newest of their symbol versions), and the
names of shared libraries that are neither among them nor part of glibc, of which there must be none.
Source: the System V ABI and the Linux Standard Base (symbol versions), as pyelftools reads them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

_GLIBC = re.compile(r"GLIBC_(\d+)\.(\d+)(?:\.(\d+))?")
# What glibc itself installs.
_OF_GLIBC = re.compile(
    r"(?:ld-linux.*|libc|libm|libmvec|libdl|libpthread|librt|libutil|libresolv|libanl|libnsl|libcrypt)\.so\.\d+"
)


@dataclass(frozen=True, slots=True)
class Needs:
    """`glibc` as in "2.36"; `missing` are the libraries that the machine would have to have beside it."""

    glibc: str
    missing: tuple[str, ...]


def read_needs(files: Iterable[Path]) -> Needs:
    """What these files need together; those that are no ELF files need nothing."""
    versions: set[tuple[int, ...]] = {(2, 0)}
    needed: set[str] = set()
    there: set[str] = set()
    for path in files:
        there.add(path.name)
        with path.open("rb") as stream:
            if stream.read(4) != b"\x7fELF":
                continue
            elf = ELFFile(stream)
            versions.update(_versions(elf))
            needed.update(_needed(elf))
    missing = sorted(name for name in needed - there if not _OF_GLIBC.fullmatch(name))
    return Needs(".".join(map(str, max(versions))), tuple(missing))


def _versions(elf: ELFFile) -> Iterator[tuple[int, ...]]:
    for section in elf.iter_sections():
        if isinstance(section, GNUVerNeedSection):
            for _, symbols in section.iter_versions():
                for symbol in symbols:
                    if found := _GLIBC.fullmatch(symbol.name):
                        yield tuple(int(number) for number in found.groups() if number)


def _needed(elf: ELFFile) -> Iterator[str]:
    for section in elf.iter_sections():
        if isinstance(section, DynamicSection):
            # An attribute that the tags of this kind get when they are read.
            yield from (vars(tag)["needed"] for tag in section.iter_tags() if tag.entry.d_tag == "DT_NEEDED")
