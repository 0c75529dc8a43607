"""What holds for every recogniser: spans inside the text, the same again, and a cost that grows with the text."""

import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.grounding.dates import Dates
from engine.grounding.datetimes import Datetimes
from engine.grounding.durations import Durations
from engine.grounding.emails import Emails
from engine.grounding.names import Names
from engine.grounding.numbers import Numbers
from engine.grounding.phones import Phones
from engine.grounding.recogniser import Reading, Recogniser
from engine.grounding.times import Times
from engine.grounding.urls import Urls

RECOGNISERS: list[Recogniser] = [
    Dates(today=date(2023, 3, 1)), Times(), Datetimes(), Durations(), Numbers(), Emails(), Urls(), Phones(),
    Names({"a b": 1, "may": 2}),
]  # fmt: skip
PIECES = [
    "1", "1 ", "1,", "1.", "1/", "1-", "1:", "1 234 ", "a ", "a", "-", "(", "(1)", ")", "½", " ", "\n", "\r\n", "\t", "\x00",
    "twenty ", "two hundred and ", "million ", "half past ", "may ", "12 may ", "may 12 ", "the 1st day of ", "25/12/2018 ",
    "e\u0301", "\u0301", "1e", "x1", "12:30 ", "monday ", "一", "十月", "2018年", "@", "a@", "a@b.", "http://", "www.a.",
    "+1 ", "1h", "am ", "pt1h", "%", "ß", "İ", "😀", "\u200f", "٣", "۳", "हिन्दी ", "مرحبا ", "a b ", "1 hour ",
]  # fmt: skip


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=24).map("".join))
def test_spans_lie_in_the_text_and_each_reading_comes_once(text: str) -> None:
    for recogniser in RECOGNISERS:
        readings = list(recogniser.readings(text))
        assert all(0 <= x.start < x.end <= len(text) for x in readings)
        assert len(set(readings)) == len(readings)
        assert readings == sorted(readings)
        assert set(recogniser.readings(text)) == set(readings)


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_text_before_and_behind_moves_spans_alone(text: str) -> None:
    for recogniser in RECOGNISERS[4:]:
        moved = [(x.start - 4, x.end - 4, x.value) for x in recogniser.readings(f"é☂\n\n{text}\n\n☂")]
        assert moved == [(x.start, x.end, x.value) for x in recogniser.readings(text)]


@pytest.mark.parametrize("recogniser", RECOGNISERS, ids=lambda x: type(x).__name__)
def test_the_cost_grows_with_the_text(recogniser: Recogniser) -> None:
    """A pattern that goes back over what it has read takes a hundred times longer for ten times the text."""
    slow = {}
    for piece in PIECES:
        short, long = (_seconds(recogniser, piece * (size // len(piece) + 1)) for size in (800, 8_000))
        if long > 40 * max(short, 0.001):
            slow[piece] = long / short
    assert not slow


def _seconds(recogniser: Recogniser, text: str) -> float:
    best = float("inf")
    for _ in range(2):
        began = time.process_time()
        list(recogniser.readings(text))
        best = min(best, time.process_time() - began)
    return best


def test_a_reading_needs_a_span() -> None:
    with pytest.raises(ValueError, match="needs a span"):
        Reading(3, 3, "x")
