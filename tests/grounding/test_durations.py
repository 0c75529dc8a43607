"""Lengths of time: a table of spellings; parts beside the whole."""

from datetime import timedelta

import pytest

from engine.grounding.durations import Durations


def read(text: str) -> list[tuple[str, object]]:
    """The pieces of the text and their values, the longest piece first."""
    return sorted(((text[x.start : x.end], x.value) for x in Durations().readings(text)), key=lambda x: -len(x[0]))


@pytest.mark.parametrize(
    ("piece", "minutes"),
    [
        ("2 hours 30 minutes", 150), ("90 min", 90), ("90 minutes", 90), ("2.5 hours", 150), ("1½ hours", 90),
        ("2 hours and 30 minutes", 150), ("half an hour", 30), ("an hour", 60), ("an hour and a half", 90), ("a week", 10080),
        ("a quarter of an hour", 15), ("two and a half hours", 150), ("three days", 4320), ("2-hour", 120), ("1h30", 90),
        ("1h30m", 90), ("PT2H30M", 150), ("P1DT1H", 1500), ("P2W", 20160), ("-PT5M", -5), ("PT0.5H", 30), ("30 Minuten", 30),
        ("3 Stunden und 5 Minuten", 185), ("2 heures", 120), ("3 horas", 180), ("3小时", 180), ("٣ hours", 180), ("120 secs", 2),
        ("1 day, 2 hours and 5 minutes", 1565),
    ],
)  # fmt: skip
def test_the_longest_piece_states_the_whole(piece: str, minutes: int) -> None:
    for before, after in (("", ""), ("for ", ", ok"), ("(", ")"), ("😀 ", "\r\n")):
        assert read(before + piece + after)[0] == (piece, timedelta(minutes=minutes))


def test_parts_are_readings_too() -> None:
    assert read("2 h 30 min")[1:] == [("30 min", timedelta(minutes=30)), ("2 h", timedelta(hours=2))]


@pytest.mark.parametrize(
    "text", ["", "2 years", "3 months", "PT", "P", "3 dogs", "1:30", "9" * 30 + " weeks", "minutes"]
)
def test_no_length(text: str) -> None:
    assert read(text) == []
