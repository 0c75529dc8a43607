"""Days: a table of spellings, how ambiguous ones are settled, exact spans in any script."""

from datetime import date

import pytest

from engine.grounding.dates import Dates
from engine.grounding.recogniser import Reading

CHRISTMAS = date(2018, 12, 25)


def read(text: str, **options: object) -> list[tuple[str, object]]:
    """The pieces of the text and their values."""
    return [(text[x.start : x.end], x.value) for x in Dates(**options).readings(text)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((text, CHRISTMAS) for text in (
            "25/12/2018", "25-12-18", "2018-12-25", "20181225", "Dec 25, 2018", "Dec. 25, 2018", "DECEMBER 25TH 2018",
            "25 DEC 2018", "25DEC18", "25-Dec-2018", "Dec-25-18", "25 Dec '18", "2018 Dec 25", "2018/12/25", "2018.12.25",
            "25 /12/ 2018", "25 12 2018", "25.12.2018", "25. Dezember 2018", "25 décembre 2018", "25 de diciembre de 2018",
            "25 dicembre 2018", "25 de dezembro de 2018", "25 december 2018", "2018年12月25日", "2018 年 12 月 25 日",
            "二〇一八年十二月二十五日", "2018년 12월 25일", "２０１８年１２月２５日", "٢٥/١٢/٢٠١٨", "२५/१२/२०१८",
            "the 25th day of December, 2018", "twenty-fifth of December 2018", "the 25th of December, in the year 2018",
            "25th day of December, two thousand and eighteen", "December\r\n25, 2018", "25\u00a0Dec\u00a02018",
            "Tuesday, December 25, 2018", "Di, 25.12.2018",
        )),
        ("the 23rd day of September, 1997", date(1997, 9, 23)),
        ("3 March 2023", date(2023, 3, 3)),
        ("twenty-first of May 2001", date(2001, 5, 21)),
        ("the first day of May, nineteen ninety-seven", date(1997, 5, 1)),
        ("1er février 2020", date(2020, 2, 1)),
        ("3. Ma\u0308rz 2023", date(2023, 3, 3)),
        ("29/02/2020", date(2020, 2, 29)),
        ("31/12/99", date(1999, 12, 31)),
        ("31/12/68", date(2068, 12, 31)),
    ],
)  # fmt: skip
def test_one_day_with_its_whole_span(text: str, value: date) -> None:
    for before, after in (("", ""), ("am (", ")."), ("日期：", " x"), ("\u200f", "\u200f"), ("😀 ", "\r\n")):
        assert read(before + text + after) == [(text, value)]


@pytest.mark.parametrize(
    "text",
    ["", "March 3", "99/99/2020", "29/02/2019", "31 June 2020", "192.168.10.20", "1.2.3.4.5", "3 out of 20", "may 2018",
     "3 people", "25/12/20189", "12345678", "1/2", "the second set of 12", "version 1.2.3", "+49 30 12 34 56", "\x00"],
)  # fmt: skip
def test_no_day(text: str) -> None:
    assert read(text) == []


def test_either_order_is_given_where_nothing_tells() -> None:
    both = [("03/04/2018", date(2018, 3, 4)), ("03/04/2018", date(2018, 4, 3))]
    assert sorted(read("03/04/2018"), key=str) == both
    assert read("03/04/2018", order="DMY") == both[1:]
    assert read("03/04/2018", order="MDY") == both[:1]
    assert read("05/05/2018") == [("05/05/2018", date(2018, 5, 5))]
    assert read("05-06-07", order="YMD") == [("05-06-07", date(2005, 6, 7))]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("03/04/2018, 25/12/2018", date(2018, 4, 3)),
        ("03/04/2018, 12/25/2018", date(2018, 3, 4)),
        ("03/04/2018, that is 3 April 2018", date(2018, 4, 3)),
        ("Sunday 03/04/2018", date(2018, 3, 4)),
    ],
)
def test_the_document_tells_the_order(text: str, value: date) -> None:
    assert [day for piece, day in read(text) if piece.endswith("03/04/2018")] == [value]


def test_a_day_without_year_takes_that_of_the_other_days_or_the_nearest_to_today() -> None:
    assert read("March 3 and 25/12/2018")[0] == ("March 3", date(2018, 3, 3))
    assert read("3 March, 25/12/2018, 25/12/2019")[0][0] == "25/12/2018"
    assert read("December 30", today=date(2023, 1, 2)) == [("December 30", date(2022, 12, 30))]
    assert read("25/12", today=date(2023, 12, 2)) == [("25/12", date(2023, 12, 25))]
    assert read("29 February", today=date(2023, 1, 1)) == [("29 February", date(2024, 2, 29))]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("tomorrow", [2]), ("Tonight", [1]), ("the day after tomorrow", [3]), ("morgen", [2]), ("mañana", [2]),
        ("this Friday", [3]), ("next Friday", [3, 10]), ("on Sunday", [5]),
        ("in three days", [4]), ("2 weeks from now", [15]), ("in a week", [8]),
    ],
)  # fmt: skip
def test_words_are_read_from_today(text: str, days: list[int]) -> None:
    wednesday = date(2023, 3, 1)
    found = Dates(today=wednesday).readings(text)
    assert sorted(x.value for x in found) == [date(2023, 3, day) for day in days]  # type: ignore[type-var]
    assert read(text) == []
    assert read("it took 3 days", today=wednesday) == []


def test_offsets_are_of_the_original() -> None:
    text = "😀e\u0301 zahlt am 3. Ma\u0308rz 2023\u200f."
    assert Dates().readings(text) == [Reading(text.index("3"), text.index("2023") + 4, date(2023, 3, 3))]


def test_languages_limit_the_names() -> None:
    assert read("25 décembre 2018", languages=["de"]) == []
    assert read("25 out 2018", languages=["pt"]) == [("25 out 2018", date(2018, 10, 25))]
    with pytest.raises(ValueError, match="no month names for the language 'xx'"):
        Dates(languages=["xx"])
    with pytest.raises(ValueError, match="order of a date is one of DMY, MDY, YMD"):
        Dates(order="DYM")  # type: ignore[arg-type]
