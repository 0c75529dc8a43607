"""Times of day: a table of spellings, what is open between morning and evening, zones."""

from datetime import UTC, time, timedelta, timezone

import pytest

from engine.grounding.times import Times


def read(text: str) -> list[tuple[str, object]]:
    """The pieces of the text and their values, the earlier time first."""
    return sorted(((text[x.start : x.end], x.value) for x in Times().readings(text)), key=lambda x: (x[0], str(x[1])))


@pytest.mark.parametrize(
    ("piece", "value"),
    [
        ("19:30", time(19, 30)), ("07:15", time(7, 15)), ("7 pm", time(19)), ("7pm", time(19)), ("7:30pm", time(19, 30)),
        ("05.45pm", time(17, 45)), ("730pm", time(19, 30)), ("12 am", time(0)), ("12pm", time(12)),
        ("8:13:39 PM", time(20, 13, 39)), ("10:30:15", time(10, 30, 15)), ("19:30:05.123", time(19, 30, 5, 123000)),
        ("noon", time(12)), ("Midnight", time(0)), ("seven pm", time(19)), ("seven thirty pm", time(19, 30)),
        ("half past seven in the evening", time(19, 30)), ("ten past 5 pm", time(17, 10)), ("7 in the morning", time(7)),
        ("twenty-five to eight pm", time(19, 35)), ("19 Uhr", time(19)), ("19.30 Uhr", time(19, 30)), ("19 Uhr 30", time(19, 30)),
        ("7 Uhr abends", time(19)), ("19h30", time(19, 30)), ("1930 hrs", time(19, 30)), ("下午3点30分", time(15, 30)),
        ("19：30", time(19, 30)), ("١٩:٣٠", time(19, 30)), ("19:30Z", time(19, 30, tzinfo=UTC)),
        ("19:30+02:00", time(19, 30, tzinfo=timezone(timedelta(hours=2)))), ("中午", time(12)),
        ("19:30:00 -0500", time(19, 30, tzinfo=timezone(timedelta(hours=-5)))),
    ],
)  # fmt: skip
def test_one_time_with_its_whole_span(piece: str, value: time) -> None:
    for before, after in (("", ""), ("at ", ", ok"), ("(", ")"), ("\u200f", "\r\n"), ("😀 ", ".")):
        assert read(before + piece + after) == [(piece, value)]


@pytest.mark.parametrize(
    ("text", "morning"),
    [("7:15", time(7, 15)), ("half past seven", time(7, 30)), ("quarter to eight", time(7, 45)), ("8点半", time(8, 30)),
     ("7 o'clock", time(7)), ("five o'clock", time(5)), ("at 9, please", time(9)), ("at 7.30", time(7, 30))],
)  # fmt: skip
def test_an_open_time_is_both(text: str, morning: time) -> None:
    piece = text.removeprefix("at ").removesuffix(", please")
    assert read(text) == [(piece, morning), (piece, morning.replace(hour=morning.hour + 12))]


def test_the_document_tells_that_it_counts_to_24() -> None:
    assert read("from 7:15 to 19:00") == [("19:00", time(19)), ("7:15", time(7, 15))]
    assert read("from 09:00-12:30")[1] == ("12:30", time(12, 30))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "25:00",
        "13 pm",
        "7",
        "7.30 kg",
        "1:2",
        "12:60",
        "1:2:3:4",
        "for 4 people",
        "at 9 dollars",
        "at 9% a year",
        "2001:db8::1",
        "i am",
    ],
)
def test_no_time(text: str) -> None:
    assert read(text) == []
