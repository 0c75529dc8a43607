"""E-mail addresses, web addresses and telephone numbers: the value is what stands there."""

import pytest

from engine.grounding.emails import Emails
from engine.grounding.phones import Phones
from engine.grounding.recogniser import Recogniser
from engine.grounding.urls import Urls

EMAILS, URLS, PHONES = Emails(), Urls(), Phones()


@pytest.mark.parametrize(
    ("recogniser", "text", "pieces"),
    [
        (EMAILS, "Write to ann@example.org.", ["ann@example.org"]),
        (EMAILS, "<a.b+c@x-y.co.uk>;d_e@f.de,g@h.fr", ["a.b+c@x-y.co.uk", "d_e@f.de", "g@h.fr"]),
        (EMAILS, "mailto:jörg@bücher.example 用户@例子.广告", ["jörg@bücher.example", "用户@例子.广告"]),
        (EMAILS, "a@b @foo x@1.2.3.4 a..b@c.de a@-b.de @ a@b.c@", []),
        (URLS, "(see https://example.org/a_(b).)", ["https://example.org/a_(b)"]),
        (URLS, "<HTTP://x.y/?q=1&r=2#s>, ftp://a.b!", ["HTTP://x.y/?q=1&r=2#s", "ftp://a.b"]),
        (URLS, "见https://例子.中国/路径。", ["https://例子.中国/路径"]),
        (URLS, "http:// awww.x.y www.x https:", []),
        (PHONES, "Tel: +49 30 901820, (555) 010-9999", ["+49 30 901820", "(555) 010-9999"]),
        (PHONES, "07-3850 9999 / 07-111 2222", ["07-3850 9999", "07-111 2222"]),
        (
            PHONES,
            "+1 (555) 010-9999 ext. 12\r\n０３-８７２３ ４５６７",
            ["+1 (555) 010-9999 ext. 12", "０３-８７２３ ４５６７"],
        ),
        (PHONES, "555.010.9999", ["555.010.9999"]),
        (PHONES, "25/12/2018 12345 1234.50 1.234.567,00 9.000 0.00 9.00 1" + "0" * 20, []),
    ],
)
def test_pieces(recogniser: Recogniser, text: str, pieces: list[str]) -> None:
    readings = sorted(recogniser.readings(text))
    assert [text[x.start : x.end] for x in readings] == pieces
    assert [x.value for x in readings] == pieces


def test_an_address_without_scheme_is_read_with_one_too() -> None:
    assert {x.value for x in URLS.readings("at www.example.org.")} == {"www.example.org", "https://www.example.org"}
