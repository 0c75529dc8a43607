"""Addresses: IPv4 and IPv6, networks and interfaces, as texts.

Addresses are `ipv4.gbnf` and `ipv6.gbnf`. A network is an
address and the length of its prefix, and every bit behind the prefix is zero; the addresses of IPv6 networks have no dotted
quad inside. An interface is any address with a length.
"""

from __future__ import annotations

from functools import cache

from engine.formats.library_languages import library_language
from engine.regular.expression import EMPTY_STRING, Expression, char_class, concat, finite_set, text, union

_HEX = "0123456789abcdef"
_COLON, _GAP = text(":"), text("::")
_OCTETS, _GROUPS = 4, 8


def address(version: int) -> Expression:
    """Any address."""
    return library_language(f"ipv{version}")


@cache
def interface(version: int) -> Expression:
    """Any address with the length of a prefix."""
    return concat(
        address(version), text("/"), finite_set(str(length) for length in range((32 if version == 4 else 128) + 1))
    )


@cache
def network(version: int) -> Expression:
    """Addresses whose bits behind the prefix are zero."""
    if version == 4:
        return union(*(concat(_ipv4(length), text(f"/{length}")) for length in range(33)))
    return union(*(concat(_ipv6(length), text(f"/{length}")) for length in range(129)))


def _free(length: int, index: int, width: int) -> int:
    """How many bits of a part of the address belong to the prefix."""
    return min(max(length - width * index, 0), width)


def _ipv4(length: int) -> Expression:
    found = EMPTY_STRING
    for index in range(_OCTETS):
        step = 1 << (8 - _free(length, index, 8))
        octet = finite_set(str(value) for value in range(0, 256, step))
        found = concat(found, text("."), octet) if index else octet
    return found


def _ipv6(length: int) -> Expression:
    groups = [_group(_free(length, index, 16)) for index in range(_GROUPS)]
    found = [_joined(groups)]
    for left in range(_GROUPS):
        right = union(*(_joined(groups[_GROUPS - count :] if count else []) for count in range(_GROUPS - left)))
        found.append(concat(_joined(groups[:left]), _GAP, right))
    return union(*found)


def _joined(groups: list[Expression]) -> Expression:
    found = EMPTY_STRING
    for index, group in enumerate(groups):
        found = concat(found, _COLON, group) if index else group
    return found


@cache
def _group(free: int) -> Expression:
    """A group of 16 bits of which only the first `free` may be set: one to four digits."""
    zeros = 16 - free
    found = []
    for count in range(1, 5):
        digits = (_digits(min(max(zeros - 4 * place, 0), 4)) for place in reversed(range(count)))
        found.append(concat(*digits))
    return union(*found)


def _digits(zeros: int) -> Expression:
    """Hexadecimal digits with so many zero bits at the end."""
    allowed = {c for value in range(0, 16, 1 << zeros) for c in (_HEX[value], _HEX[value].upper())}
    return union(*(char_class(((ord(c), ord(c)),)) for c in allowed))
