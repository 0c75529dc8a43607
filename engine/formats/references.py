"""References: URI references of RFC 3986, appendix A, and IRIs of RFC 3987, section 2.2, as expressions.

IRIs add characters to the unreserved ones and to queries. URIs with a scheme are `uri.gbnf`.
"""

from __future__ import annotations

from engine.formats.library_languages import library_language, whole
from engine.regular.expression import Expression, concat, optional, text, union

DELIMITERS, ESCAPED = "!$&'()*+,;=", "%[0-9A-Fa-f]{2}"
UNRESERVED = "0-9A-Za-z._~\\-"
UCSCHAR = "\\u00a0-\\ud7ff\\uf900-\\ufdcf\\ufdf0-\\uffef" + "".join(
    f"\\u{{{plane:x}{'1' if plane == 14 else '0'}000}}-\\u{{{plane:x}fffd}}" for plane in range(1, 15)
)
IPRIVATE = "\\ue000-\\uf8ff\\u{f0000}-\\u{ffffd}\\u{100000}-\\u{10fffd}"


def uri_reference() -> Expression:
    """A URI, or a relative reference in its characters."""
    return union(library_language("uri"), _relative("", ""))


def iri() -> Expression:
    """An IRI with its scheme."""
    scheme = whole("[A-Za-z][0-9A-Za-z+.\\-]*:")
    return concat(scheme, _hierarchy(UCSCHAR, _character(UCSCHAR)), _tail(UCSCHAR, IPRIVATE))


def iri_reference() -> Expression:
    """An IRI, or a relative reference in its characters."""
    return union(iri(), _relative(UCSCHAR, IPRIVATE))


def _character(more: str) -> str:
    return f"(?:[{UNRESERVED}{more}{DELIMITERS}:@]|{ESCAPED})"


def _relative(more: str, private: str) -> Expression:
    """A first segment of a path without a scheme has no colon."""
    return concat(_hierarchy(more, f"(?:[{UNRESERVED}{more}{DELIMITERS}@]|{ESCAPED})"), _tail(more, private))


def _hierarchy(more: str, first: str) -> Expression:
    """Host and path, or a path alone that begins with a slash or with characters `first`; or nothing."""
    character, plain = _character(more), f"[{UNRESERVED}{more}{DELIMITERS}]|{ESCAPED}"
    rest = f"(?:/{character}*)*"
    future = whole(f"[Vv][0-9A-Fa-f]+\\.[{UNRESERVED}{DELIMITERS}:]+")
    literal = concat(text("["), union(library_language("ipv6"), future), text("]"))
    user = optional(whole(f"(?:[{UNRESERVED}{more}{DELIMITERS}:]|{ESCAPED})*@"))
    authority = concat(user, union(literal, whole(f"(?:{plain})*")), whole("(?::[0-9]*)?"))
    return union(
        concat(text("//"), authority, whole(rest)), whole(f"/(?:{character}+{rest})?"), whole(f"(?:{first}+{rest})?")
    )


def _tail(more: str, private: str) -> Expression:
    character = _character(more)
    return whole(f"(?:\\?(?:{character}|[/?{private}])*)?(?:#(?:{character}|[/?])*)?")
