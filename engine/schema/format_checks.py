"""Formats: the strings that `format` names, each decided for a whole string as its RFC says.

`conforms(format, text)` judges a closed string (enum members while a schema is read, and the values of guards). The
grammar has terminals of its own for the same formats; the tests hold both against the official suite.
"""

from __future__ import annotations

import binascii
import re
import unicodedata
from base64 import b64decode
from calendar import monthrange
from collections.abc import Callable
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address

from engine.schema.pattern_match import PatternUnknown, language_of, translated
from engine.schema.schema import Pattern

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_TIME = r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)(?:\.[0-9]+)?(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_UCS = (  # RFC 3987 ucschar
    "\\xa0-\\ud7ff\\uf900-\\ufdcf\\ufdf0-\\uffef"
    + "".join(f"\\U000{plane:x}0000-\\U000{plane:x}fffd" for plane in range(1, 14))
    + "\\U000e1000-\\U000efffd"
)
_PRIVATE = "\\ue000-\\uf8ff\\U000f0000-\\U000ffffd\\U00100000-\\U0010fffd"

_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_CLOCK = re.compile(_TIME)
_DURATION = re.compile(
    r"P(?:[0-9]+W|(?=[0-9T])(?:[0-9]+Y(?:[0-9]+M(?:[0-9]+D)?)?|[0-9]+M(?:[0-9]+D)?|[0-9]+D)?"
    r"(?:T(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S))?)"
)
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)*", re.DOTALL)
_RELATIVE_POINTER = re.compile(r"(?:0|[1-9][0-9]*)(?:#|(?:/(?:[^~/]|~[01])*)*)", re.DOTALL)
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_BASE64URL = re.compile(r"(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2}(?:==)?|[A-Za-z0-9_-]{3}=?)?")
_LOCAL = re.compile(rf'{_ATOM}(?:\.{_ATOM})*|"(?:[ !#-\[\]-~]|\\[ -~])*"')
_BEYOND_ASCII = "\\x80-\\ud7ff\\ue000-\\U0010ffff"  # RFC 6531 UTF8-non-ascii
_IDN_ATOM = _ATOM.replace("[A", f"[{_BEYOND_ASCII}A")
_IDN_LOCAL = re.compile(rf'{_IDN_ATOM}(?:\.{_IDN_ATOM})*|"(?:[ !#-\[\]-~{_BEYOND_ASCII}]|\\[ -~])*"')
_HOSTNAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_VARIABLE = r"(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2})(?:\.?(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2}))*(?::[1-9][0-9]{0,3}|\*)?"
_TEMPLATE = re.compile(
    rf"(?:[!#$&-;=?-\[\]_a-z~{_UCS}{_PRIVATE}]|%[0-9A-Fa-f]{{2}}|\{{[+#./;?&=,!@|]?{_VARIABLE}(?:,{_VARIABLE})*\}})*"
)


def _date(text: str) -> bool:
    found = _DATE.fullmatch(text)
    if not found:
        return False
    year, month, day = map(int, found.groups())
    return 1 <= month <= 12 and 1 <= day <= monthrange(year or 2000, month)[1]  # year 0 is a leap year


def _time(text: str) -> bool:
    found = _CLOCK.fullmatch(text)
    if not found:
        return False
    hour, minute, second, sign, offset_hours, offset_minutes = found.groups()
    if second != "60":
        return True
    offset = int(offset_hours or 0) * 60 + int(offset_minutes or 0)
    utc = int(hour) * 60 + int(minute) - (offset if sign == "+" else -offset)
    return utc % 1440 == 1439  # a leap second is the last of a day in UTC


def _date_time(text: str) -> bool:
    return len(text) > 10 and text[10] in "Tt" and _date(text[:10]) and _time(text[11:])


def _ipv6(text: str) -> bool:
    if "%" in text or not text.isascii():
        return False
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True


def _hostname(text: str) -> bool:
    if len(text) > 253 or not _HOSTNAME.fullmatch(text):
        return False
    return all(_ascii_label(label) for label in text.split("."))


def _ascii_label(label: str) -> bool:
    """Two hyphens in third and fourth place are for A-labels only, and those must be valid (RFC 5891)."""
    if label[2:4] != "--":
        return True
    return label[:2].lower() == "xn" and _idna(label)


def _idna(label: str) -> bool:
    import idna  # heavy, and needed for international names only

    try:
        idna.ulabel(label.lower())
    except (idna.IDNAError, UnicodeError):
        return False
    return True


def _idn_hostname(text: str) -> bool:
    import idna

    labels = re.split("[.\u3002\uff0e\uff61]", text)
    if not all(labels):
        return False
    try:
        if any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for char in text):
            for label in labels:
                idna.check_bidi(label, check_ltr=True)
        ascii_labels = [
            label if label.isascii() and _hostname(label) else idna.alabel(label).decode("ascii") for label in labels
        ]
    except (idna.IDNAError, UnicodeError):
        return False
    return len(".".join(ascii_labels)) <= 253 and all(len(label) <= 63 for label in ascii_labels)


def _mailbox(text: str, local: re.Pattern[str], host: Callable[[str], bool]) -> bool:
    name, at, domain = text.rpartition("@")
    if not at or not local.fullmatch(name):
        return False
    if domain.startswith("[") and domain.endswith("]"):
        inside = domain[1:-1]
        return bool(re.fullmatch(_IPV4, inside)) or (inside[:5].lower() == "ipv6:" and _ipv6(inside[5:]))
    return host(domain)


def _iri_grammar(extra: str, private: str, *, relative: bool) -> re.Pattern[str]:
    """RFC 3986 appendix A; with RFC 3987's characters where `extra` and `private` hold them."""
    unreserved = rf"A-Za-z0-9._~\-{extra}"
    escape, sub = "%[0-9A-Fa-f]{2}", "!$&'()*+,;="
    pchar = rf"(?:[{unreserved}{sub}:@]|{escape})"
    user = rf"(?:[{unreserved}{sub}:]|{escape})*"
    name = rf"(?:[{unreserved}{sub}]|{escape})*"
    literal = r"\[(?:(?P<v6>[0-9A-Fa-f:.]+)|[Vv][0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:\-]+)\]"
    authority = rf"//(?:{user}@)?(?:{literal}|{name})(?::[0-9]*)?(?:/{pchar}*)*"
    absolute = rf"/(?:{pchar}+(?:/{pchar}*)*)?"
    tail = rf"(?:\?(?:{pchar}|[/?{private}])*)?(?:\#(?:{pchar}|[/?])*)?"
    full = rf"[A-Za-z][A-Za-z0-9+.\-]*:(?:{authority}|{absolute}|{pchar}+(?:/{pchar}*)*|){tail}"
    if not relative:
        return re.compile(full)
    first = rf"(?:[{unreserved}{sub}@]|{escape})+"
    renamed = authority.replace("?P<v6>", "?P<v6r>")
    return re.compile(rf"{full}|(?:{renamed}|{absolute}|{first}(?:/{pchar}*)*|){tail}")


@lru_cache(maxsize=4)
def _reference(extra: str, private: str, relative: bool) -> re.Pattern[str]:
    return _iri_grammar(extra, private, relative=relative)


def _iri(extra: str, private: str, relative: bool) -> Callable[[str], bool]:
    def judge(text: str) -> bool:
        found = _reference(extra, private, relative).fullmatch(text)
        if not found:
            return False
        return all(_ipv6(address) for address in found.groupdict().values() if address is not None)

    return judge


def _regex(text: str) -> bool:
    pattern = Pattern(text, "ecma")
    try:
        if language_of(pattern) is None:
            re.compile(translated(pattern).replace("(?<=", "(?=").replace("(?<!", "(?!"))
    except (PatternUnknown, re.error, OverflowError, RecursionError):
        return False
    return not re.search(r"(?<!\\)(?:\\\\)*\\a", text)  # a letter that is no escape; engines differ on the others


def _base64(text: str) -> bool:
    if not _BASE64.fullmatch(text):
        return False
    try:
        b64decode(text, validate=True)
    except binascii.Error:
        return False
    return True


_JUDGES: dict[str, Callable[[str], bool]] = {
    "date": _date,
    "time": _time,
    "date-time": _date_time,
    "duration": lambda text: _DURATION.fullmatch(text) is not None,
    "email": lambda text: _mailbox(text, _LOCAL, _hostname),
    "idn-email": lambda text: _mailbox(unicodedata.normalize("NFC", text), _IDN_LOCAL, _idn_hostname),
    "hostname": _hostname,
    "idn-hostname": _idn_hostname,
    "ipv4": lambda text: re.fullmatch(_IPV4, text) is not None,
    "ipv6": _ipv6,
    "uri": _iri("", "", False),
    "uri-reference": _iri("", "", True),
    "iri": _iri(_UCS, _PRIVATE, False),
    "iri-reference": _iri(_UCS, _PRIVATE, True),
    "uuid": lambda text: _UUID.fullmatch(text) is not None,
    "json-pointer": lambda text: _POINTER.fullmatch(text) is not None,
    "relative-json-pointer": lambda text: _RELATIVE_POINTER.fullmatch(text) is not None,
    "uri-template": lambda text: _TEMPLATE.fullmatch(text) is not None,
    "regex": _regex,
    "byte": _base64,
    "base64": _base64,
    "base64url": lambda text: _BASE64URL.fullmatch(text) is not None,
}

KNOWN_FORMATS = frozenset(_JUDGES)


def conforms(format_name: str, text: str) -> bool:
    """Whether the text is of a format among KNOWN_FORMATS."""
    return _JUDGES[format_name](text)
