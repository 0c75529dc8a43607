"""Formats by regular expressions and readers that the engine does not use: an oracle for its own definitions."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from calendar import monthrange
from collections.abc import Callable
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address

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
    return year > 0 and 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]


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
    return len(text) <= 253 and _HOSTNAME.fullmatch(text) is not None


def _mailbox(text: str) -> bool:
    name, at, domain = text.rpartition("@")
    if not at or not _LOCAL.fullmatch(name):
        return False
    if domain.startswith("[") and domain.endswith("]"):
        inside = domain[1:-1]
        return bool(re.fullmatch(_IPV4, inside)) or (inside[:5].lower() == "ipv6:" and _ipv6(inside[5:]))
    return _HOSTNAME.fullmatch(domain) is not None


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


def _base64(text: str) -> bool:
    return _BASE64.fullmatch(text) is not None and b64encode(b64decode(text)).decode() == text


def _base64url(text: str) -> bool:
    padded = text + "=" * (-len(text) % 4)
    return _BASE64URL.fullmatch(text) is not None and urlsafe_b64encode(urlsafe_b64decode(padded)).decode() == padded


ORACLES: dict[str, Callable[[str], bool]] = {
    "date": _date,
    "time": _time,
    "date-time": _date_time,
    "duration": lambda text: _DURATION.fullmatch(text) is not None,
    "email": _mailbox,
    "hostname": _hostname,
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
    "byte": _base64,
    "base64": _base64,
    "base64url": _base64url,
}
