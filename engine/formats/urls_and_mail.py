"""URLs and mail addresses as Pydantic's types take them: URLs with the schemes that browsers know, mailboxes.

URLs are those of RFC 3986, appendix A, without what the WHATWG URL standard cannot parse: a host that is missing where the
scheme needs one, a port over 65,535, a host that ends in a number but is no IPv4 address, `IPvFuture`. Mailboxes are RFC
5321's in ASCII, unquoted, at a domain with a dot whose last label is not reserved (RFC 6761, 6762, 7686). Whether an A-label
(`xn--…`) decodes to a valid name is beyond both.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from engine.formats.addresses import address
from engine.formats.library_languages import library_language, whole
from engine.formats.references import DELIMITERS, ESCAPED, UNRESERVED
from engine.regular.charset import ANY
from engine.regular.expression import (
    Expression,
    char_class,
    complement,
    concat,
    intersection,
    optional,
    repeat,
    text,
    union,
)
from engine.regular.integers import integers
from engine.regular.pattern import parse_pattern

SPECIAL_SCHEMES = ("http", "https", "ws", "wss", "ftp")

_CHARACTER = f"(?:[{UNRESERVED}{DELIMITERS}:@]|{ESCAPED})"
_PATH = f"(?:/{_CHARACTER}*)*"
_TAIL = f"(?:\\?(?:{_CHARACTER}|[/?])*)?(?:#(?:{_CHARACTER}|[/?])*)?"
_USER = f"(?:(?:[{UNRESERVED}{DELIMITERS}:]|{ESCAPED})*@)?"
_PORT = 65_535

_RESERVED = "|".join(
    "".join(f"[{c}{c.upper()}]" for c in name) for name in ("arpa", "invalid", "local", "localhost", "onion", "test")
)
_LOCAL_LENGTH, _MAILBOX_LENGTH, _NAMED_LENGTH = 64, 254, 2048  # the last is Pydantic's
_NAME = r"[\w.!#$%&'*+\-/=?^_`{|}~]"


@lru_cache(maxsize=64)
def urls(
    schemes: Sequence[str], *, several_hosts: bool = False, host_required: bool = False, rooted: bool = False
) -> Expression:
    """URLs of these schemes, or of any if there are none. If they are `rooted`, a slash stands behind the colon: one that
    is given a host afterwards must not be opaque."""
    tail, path = whole(_TAIL), whole(_PATH)
    special = concat(_authority(_domain()), path, tail)
    opaque = _authority(whole(f"(?:[{UNRESERVED}{DELIMITERS}]|{ESCAPED})+"), several=several_hosts)
    file = concat(text("//"), optional(_domain()), whole(f"/{_CHARACTER}*{_PATH}"), tail)
    network = concat(opaque, path, tail)
    other = network
    if not host_required:
        slashed = f"///?{_CHARACTER}*|/(?:{_CHARACTER}+)?"
        bare = slashed if rooted else f"{slashed}|{_CHARACTER}+|"
        other = union(network, concat(whole(f"(?:{bare}){_PATH}"), tail))
    found = []
    for scheme in schemes:
        rest = special if scheme in SPECIAL_SCHEMES else file if scheme == "file" else other
        found.append(concat(text(f"{scheme}:"), rest))
    if not schemes:
        known = whole("|".join("".join(f"[{c}{c.upper()}]" for c in one) for one in (*SPECIAL_SCHEMES, "file")))
        named = intersection(whole("[A-Za-z][0-9A-Za-z+.\\-]*"), complement(known))
        found = [urls((*SPECIAL_SCHEMES, "file")), concat(named, text(":"), other)]
    return union(*found)


def _authority(host: Expression, *, several: bool = False) -> Expression:
    """Two slashes, a user, a host that is not empty, a port; where there may be several, every comma parts two of them."""
    host = union(host, concat(text("["), address(6), text("]")))
    port = optional(concat(text(":"), optional(integers(0, _PORT))))
    one = concat(whole(_USER), host, port)
    if several:
        one = intersection(one, complement(whole(".*,.*")))
        one = concat(one, repeat(concat(text(","), one), 0, None))
    return concat(text("//"), one)


def _domain() -> Expression:
    """A host of a special scheme: a name, or an IPv4 address if its last label is a number."""
    name = whole("[0-9A-Za-z_~!$&'()*+,;=\\-.]+")
    number = parse_pattern("(?:^|\\.)(?:[0-9]+|0[xX][0-9A-Fa-f]*)\\.?$", "ecma")
    dots = whole("\\.*")
    return union(intersection(name, complement(number), complement(dots)), address(4))


@lru_cache(maxsize=2)
def mailboxes(*, named: bool = False) -> Expression:
    """`local@domain`; also `name <local@domain>` where it may be named."""
    local = intersection(library_language("email", "dotted"), repeat(char_class(ANY), 1, _LOCAL_LENGTH))
    domain = intersection(
        library_language("email", "domain"),
        parse_pattern("\\.", "ecma"),
        parse_pattern("[A-Za-z]$", "ecma"),
        complement(parse_pattern(rf"\.(?:{_RESERVED})$", "ecma")),
        complement(parse_pattern(r"(?:^|\.)(?:[0-9A-WYZa-wyz][0-9A-Za-z]|[Xx][0-9A-MO-Za-mo-z])--", "ecma")),
    )
    mailbox = intersection(concat(local, text("@"), domain), repeat(char_class(ANY), 1, _MAILBOX_LENGTH))
    if not named:
        return mailbox
    name = parse_pattern(rf"\A(?:{_NAME}+(?: {_NAME}+)*|\"[^\"\\\\\x00-\x1f\x7f]+\")\Z", "python")
    long = concat(optional(concat(name, text(" "))), text("<"), mailbox, text(">"))
    return union(mailbox, intersection(long, repeat(char_class(ANY), 1, _NAMED_LENGTH)))
