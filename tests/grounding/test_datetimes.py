"""Moments: a day and a time side by side."""

from datetime import datetime, timedelta, timezone

import pytest

from engine.grounding.datetimes import Datetimes


def read(text: str, **options: object) -> list[tuple[str, object]]:
    """The pieces of the text and their values."""
    return [(text[x.start : x.end], x.value) for x in Datetimes(**options).readings(text)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("piece", "value"),
    [
        ("2018-12-25T19:30:00", datetime(2018, 12, 25, 19, 30)),
        ("2018-12-25T19:30:00+01:00", datetime(2018, 12, 25, 19, 30, tzinfo=timezone(timedelta(hours=1)))),
        ("20181225T1930Z", datetime(2018, 12, 25, 19, 30, tzinfo=timezone.utc)),  # noqa: UP017
        ("25/12/2018 8:13:39 PM", datetime(2018, 12, 25, 20, 13, 39)),
        ("25.12.2018, 19:30 Uhr", datetime(2018, 12, 25, 19, 30)),
        ("25.12.2018 um 19.30 Uhr", datetime(2018, 12, 25, 19, 30)),
        ("3 March 2023 at 7 pm", datetime(2023, 3, 3, 19)),
        ("7 pm on 3 March 2023", datetime(2023, 3, 3, 19)),
        ("25/12/2018\r\nTIME: 19:30", datetime(2018, 12, 25, 19, 30)),
        ("2018年12月25日 下午3点", datetime(2018, 12, 25, 15)),
    ],
)
def test_one_moment_with_its_whole_span(piece: str, value: datetime) -> None:
    for before, after in (("", ""), ("on ", ", ok"), ("\u200f", "\u200f"), ("😀 ", "\n")):
        assert read(before + piece + after) == [(piece, value)]


def test_what_is_ambiguous_in_a_part_is_ambiguous_in_the_whole() -> None:
    assert {value for _, value in read("03/04/2018 21:13")} == {
        datetime(2018, 4, 3, 21, 13),
        datetime(2018, 3, 4, 21, 13),
    }
    assert read("03/04/2018 21:13", order="MDY") == [("03/04/2018 21:13", datetime(2018, 3, 4, 21, 13))]


@pytest.mark.parametrize("text", ["", "25/12/2018", "19:30", "25/12/2018, then a long walk until 19:30"])
def test_no_moment(text: str) -> None:
    assert read(text) == []
