"""International names: what IDNA demands of host names and mailboxes, beyond any regular language (RFC 5890 to 5893)."""

from __future__ import annotations

import re
import unicodedata

from engine.formats.library_languages import library_language, whole
from engine.regular.expression import Expression

HOSTNAME_LENGTH, LABEL_LENGTH = 253, 63

_BEYOND_ASCII = "\\u0080-\\ud7ff\\ue000-\\u{10ffff}"  # RFC 6531 UTF8-non-ascii


def has_valid_labels(hostname: str) -> bool:
    """Whether the A-labels of an ASCII host name decode to valid names.

    Two hyphens in third and fourth place are for A-labels only (RFC 5891, section 4.2.3.1).
    """
    return all(
        label[2:4] != "--" or (label[:2].lower() == "xn" and _is_a_label(label)) for label in hostname.split(".")
    )


def _is_a_label(label: str) -> bool:
    import idna  # heavy, and needed for international names only

    try:
        idna.ulabel(label.lower())
    except (idna.IDNAError, UnicodeError):
        return False
    return True


def is_idn_hostname(text: str) -> bool:
    """Whether the text is a host name whose labels may be international."""
    import idna

    labels = re.split("[.\u3002\uff0e\uff61]", text)
    if not all(labels):
        return False
    try:
        if any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for char in text):
            for label in labels:
                idna.check_bidi(label, check_ltr=True)
        ascii_labels = [label if _is_hostname(label) else idna.alabel(label).decode("ascii") for label in labels]
    except (idna.IDNAError, UnicodeError):
        return False
    return len(".".join(ascii_labels)) <= HOSTNAME_LENGTH and all(len(label) <= LABEL_LENGTH for label in ascii_labels)


def _is_hostname(label: str) -> bool:
    return library_language("hostname").matches(label) and has_valid_labels(label)


def is_idn_email(text: str) -> bool:
    """Whether the text, in NFC, is a mailbox whose name and host may be international (RFC 6531, section 3.3)."""
    name, at, domain = unicodedata.normalize("NFC", text).rpartition("@")
    if not at or not _local().matches(name):
        return False
    return library_language("email").matches(f"a@{domain}") if domain.startswith("[") else is_idn_hostname(domain)


def _local() -> Expression:
    atom = f"[{_BEYOND_ASCII}A-Za-z0-9!#$%&'*+/=?^_`{{|}}~\\-]+"
    return whole(rf'{atom}(?:\.{atom})*|"(?:[ !#-\[\]-~{_BEYOND_ASCII}]|\\[ -~])*"')
