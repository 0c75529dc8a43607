"""Numbers: a table of spellings, what is read several ways, exact spans in any script."""

from decimal import Context, Decimal

import pytest

from engine.grounding.numbers import Numbers
from engine.grounding.recogniser import Reading


def read(text: str, **options: object) -> list[tuple[str, Decimal]]:
    """The pieces of the text and their values."""
    return [(text[x.start : x.end], x.value) for x in Numbers(**options).readings(text)]  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("piece", "value"),
    [
        ("9", "9"), ("007", "7"), ("9.00", "9.00"), ("9,5", "9.5"), (".5", "0.5"), ("1,234.50", "1234.50"),
        ("1.234,50", "1234.50"), ("1'234.50", "1234.50"), ("1’234’567", "1234567"), ("1,234,567", "1234567"),
        ("1.234.567", "1234567"), ("12,34,567.00", "1234567"), ("12345678901234567890.12", "12345678901234567890.12"),
        ("½", "0.5"), ("twenty-one", "21"), ("forty five", "45"), ("two dozen", "24"), ("a dozen", "12"),
        ("a hundred", "100"), ("two hundred and five", "205"), ("twelve hundred", "1200"), ("zero", "0"),
        ("one hundred twenty-three thousand four hundred and fifty-six", "123456"), ("two million", "2000000"),
        ("third", "3"), ("twenty-first", "21"), ("half", "0.5"), ("a quarter", "0.25"), ("a couple", "2"),
        ("１２３", "123"), ("٣٫٥", "3.5"), ("१२", "12"), ("۱۲", "12"),
    ],
)  # fmt: skip
def test_one_number_with_its_whole_span(piece: str, value: str) -> None:
    for before, after in (
        ("", ""),
        ("RM ", " people"),
        ("共", "个"),
        ("\u200f", "\u200f"),
        ("😀 ", "."),
        ("=", "\r\n"),
    ):
        assert read(before + piece + after) == [(piece, Decimal(value))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.234", "1.234=1.234 1.234=1234"),
        ("0.234", "0.234=0.234"),
        ("1 ½", "1 ½=1.5 1=1 ½=0.5"),
        ("1½", "1½=1.5 1=1 ½=0.5"),
        ("3/4", "3/4=0.75 3=3 4=4"),
        ("1 3/4", "1 3/4=1.75 1=1 3/4=0.75 3=3 4=4"),
        ("2 and a half", "2 and a half=2.5 2=2 a half=0.5"),
        ("three and a half", "three and a half=3.5 three=3 a half=0.5"),
        ("half a dozen", "half a dozen=6 a dozen=12"),
        ("three quarters", "three quarters=0.75 three=3"),
        ("1 234,50", "1 234,50=1234.50 1=1 234,50=234.50"),
        ("5 %", "5 %=0.05 5=5"),
        ("5‰", "5‰=0.005 5=5"),
        ("$1.2M", "1.2M=1200000 1.2=1.2"),
        ("2.5 million", "2.5 million=2500000 2.5=2.5"),
        ("3万", "3万=30000 3=3"),
        ("1.5e3", "1.5e3=1500 1.5=1.5 3=3"),
        ("6.02×10²³", "6.02×10²³=602000000000000000000000 6.02=6.02 10=10"),
        ("(12.50)", "(12.50)=-12.50 12.50=12.50"),
        ("-5", "-5=-5 5=5"),
        ("−5 °C", "−5=-5 5=5"),
        ("-RM 0.02", "-RM 0.02=-0.02 0.02=0.02"),
        ("12.00-", "12.00-=-12 12.00=12"),
        ("RM9.00", "9.00=9"),
        ("359-374", "359=359 374=374"),
        ("25/12/2018", "25=25 12=12 2018=2018"),
        ("1.2.3", "1=1 2=2 3=3"),
        ("35.5x25.5cm", "35.5=35.5 25.5=25.5"),
        ("5²", "5=5"),
        ("3(3)", "3=3 3=3"),
        ("two three", "two=2 three=3"),
        ("1\n234", "1=1 234=234"),
        ("100g", "100=100"),
    ],
)
def test_what_is_read_in_several_ways(text: str, expected: str) -> None:
    wanted = [tuple(x.rsplit("=", 1)) for x in _pieces(expected)]
    assert sorted(read(text)) == sorted((piece, Decimal(value)) for piece, value in wanted)


def _pieces(expected: str) -> list[str]:
    """`a b=1 c=2` → `a b=1`, `c=2`."""
    pieces, current = [], ""
    for word in expected.split(" "):
        current = f"{current} {word}".lstrip() if current else word
        if "=" in word:
            pieces.append(current)
            current = ""
    return pieces


@pytest.mark.parametrize("text", ["", "-", ".", "abcd1234", "snake_1", "x" * 50, "someone", "wand", "9" * 400, "\x00"])
def test_no_number(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.234 and 9.00", "1.234"), ("1.234 and 9,00", "1234"), ("1,234 and 9.00", "1234"), ("1,234 and 9,0", "1.234"),
        ("1.234 and 2.000.000", "1234"), ("1.234 and 1,000.5", "1.234"),
    ],
)  # fmt: skip
def test_the_document_tells_the_mark_of_decimals(text: str, value: str) -> None:
    assert [number for piece, number in read(text) if piece == text[:5]] == [Decimal(value)]


def test_the_mark_of_decimals_can_be_given() -> None:
    assert read("1.234", decimal_mark=".") == [("1.234", Decimal("1.234"))]
    assert read("1.234", decimal_mark=",") == [("1.234", Decimal(1234))]
    with pytest.raises(ValueError, match="decimals begin with"):
        Numbers(decimal_mark=";")  # type: ignore[arg-type]


def test_long_numbers_are_exact() -> None:
    digits = "1234567890" * 6
    assert read(f"-{digits}.5%")[0] == (f"-{digits}.5%", Decimal(f"-{digits}.5").scaleb(-2, Context(prec=100)))


def test_offsets_are_of_the_original() -> None:
    text = "e\u0301\u0301 İ ١٢ 😀 x\u0301 7"
    assert Numbers().readings(text) == [
        Reading(text.index("١"), text.index("١") + 2, Decimal(12)),
        Reading(text.index("7"), text.index("7") + 1, Decimal(7)),
    ]
