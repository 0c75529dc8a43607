"""Grounded extraction: every value stands in its document, whatever the model would rather write."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, model_validator

from engine import Extractor, extract, extract_one
from engine.decoding.sampler import Sampling
from engine.errors import NotInText, UsageError, WrongArgument
from engine.extraction.extraction import Extracted


class Person(BaseModel):
    name: str
    age: int | None
    born: date | None


TEXTS = (
    "Ann Lee, 31, was born on 3 March 1990. Bob is 22.",
    "الاسم: ليلى حسن، العمر 45",
    "王小明今年28歲，生於1995年6月2日。",
    "राम की उम्र 12 है और सीता की 14।",
    "José\r\n\tNuñez  47\x00 👍🏽 e\u0301 Zoë",
    "x" * 300 + " Kim 7",
)


def stands(found: Extracted[Person], text: str) -> None:
    for where, span in found.spans.items():
        assert span is not None
        value = getattr(found.value, where.lstrip("/"))
        piece = text[span.start : span.end]
        assert piece.encode() == text.encode()[span.byte_start : span.byte_end]
        if isinstance(value, str):
            assert " ".join(piece.split()) == value
        elif isinstance(value, date):
            assert str(value.year) in piece
        else:
            assert str(value) in piece or piece.translate(str.maketrans("०१२३४५६७८९", "0123456789")) == str(value)
    assert found.spans.keys() == {f"/{name}" for name, value in found.value.model_dump().items() if value is not None}


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("rank", ["probability", "greedy"])
@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_values_stand_at_their_spans(text: str, rank: Any, temperature: float, options: dict[str, Any]) -> None:
    chosen = {**options, "temperature": temperature, "max_tokens": 300, "rank": rank}
    found = list(extract(text, Person, grounded=True, max_items=3, **chosen).detailed())
    for one in found:
        stands(one, text)


def test_values_that_were_compared_say_how_sure_they_are(options: dict[str, Any]) -> None:
    chosen = {**options, "temperature": 0.0, "max_tokens": 300}
    (found,) = extract(TEXTS[0], Person, grounded=True, min_items=1, max_items=1, **chosen).detailed()
    assert {"/age", "/born"} <= found.confidence.keys() <= {"/name", "/age", "/born"}  # some are written token by token
    for where, sure in found.confidence.items():
        values = [text for text, _ in sure.others]
        assert json.dumps(json.loads(found.text)[where[1:]]) not in values
        shares = [share for _, share in sure.others]
        assert shares == sorted(shares, reverse=True)
        assert 0 <= sure.probability <= 1.0001 - sum(shares)
    (drawn,) = extract(TEXTS[0], Person, grounded=True, rank="greedy", min_items=1, max_items=1, **chosen).detailed()
    assert not drawn.confidence


def test_a_document_that_does_not_say_it_is_an_error_of_its_own(options: dict[str, Any]) -> None:
    class Age(BaseModel):
        age: int

    extraction = extract(
        ["no number", "he is 4"], Age, grounded=True, min_items=1, max_items=1, errors="collect", **options
    )
    assert [one.age for one in extraction] == [4]
    assert isinstance(extraction.errors[0], NotInText)
    assert "age" in str(extraction.errors[0])
    with pytest.raises(NotInText, match="nothing in its text fits"):
        extract_one("no number", Age, grounded=True, **options)
    assert list(extract("no number", Age, grounded=True, **options)) == []


def test_prefer_falls_back_and_says_so(options: dict[str, Any]) -> None:
    class Age(BaseModel):
        age: Annotated[int, Field(ge=0, le=9)]

    (found,) = extract("no number", Age, grounded="prefer", min_items=1, max_items=1, **options).detailed()
    assert found.spans == {"/age": None}
    (found,) = extract("he is 4", Age, grounded="prefer", min_items=1, max_items=1, **options).detailed()
    assert found.value.age == 4


def test_validators_of_the_object_hold(options: dict[str, Any]) -> None:
    class Period(BaseModel):
        begin: int
        end: int

        @model_validator(mode="after")
        def ordered(self) -> Period:
            if self.end <= self.begin:
                raise ValueError("it ends before it begins")
            return self

    for seed in range(4):
        chosen = {**options, "seed": seed, "temperature": 0.0}
        found = extract_one("from 7 or 3 or 12 on", Period, grounded=True, **chosen)
        assert found.begin < found.end


def test_a_budget_closes_the_output(options: dict[str, Any]) -> None:
    extraction = extract(TEXTS[0], Person, grounded=True, **{**options, "temperature": 0.0, "max_tokens": 40})
    assert [type(one) for one in extraction] == [Person] * extraction.stats.objects


def test_batches_are_grounded_too(options: dict[str, Any]) -> None:
    extractor = Extractor(Person, grounded=True, model=options["model"], settings=options["settings"])
    results = list(extractor.batch([("a", TEXTS[0]), ("b", TEXTS[3])], max_tokens=200))
    for result, text in zip(results, (TEXTS[0], TEXTS[3]), strict=True):
        assert result.error is None
        for one in result.objects:
            stands(one, text)
        assert result.spans == {
            f"/{index}{where}": span for index, one in enumerate(result.objects) for where, span in one.spans.items()
        }


def test_spans_of_chunks_are_those_of_the_whole_document(options: dict[str, Any]) -> None:
    extractor = Extractor(Person, grounded=True, model=options["model"], settings=options["settings"], rank="greedy")
    text = " ".join(f"Zoë{number} is {number}. 王{number}今年{number}歲。" for number in range(10, 40))
    (result,) = extractor.batch([text], max_tokens=60, chunk=60, sampling=Sampling(1.5, seed=1))
    assert result.chunks > 2
    assert result.error is None
    assert max(span.start for span in result.spans.values() if span is not None) > len(text) // 2
    for one in result.objects:
        stands(one, text)


def test_arguments(options: dict[str, Any]) -> None:
    with pytest.raises(WrongArgument, match="grounded must be False, True or 'prefer'"):
        extract("x", Person, **{**options, "grounded": "always"})
    with pytest.raises(WrongArgument, match="rank must be"):
        extract("x", Person, **{**options, "grounded": True, "rank": "best"})
    with pytest.raises(UsageError, match="one spelling"):
        extract("x", Person, grounded=True, style="any", **options)
    with pytest.raises(UsageError, match="need a text"):
        list(extract(None, Person, grounded=True, messages=[{"role": "user", "content": "x"}], **options))


@pytest.mark.real_model
def test_a_small_model_takes_each_person_once(real_options: dict[str, Any]) -> None:
    class User(BaseModel):
        name: str
        age: int

    text = "My name is John and I am 20 years old"
    assert [(user.name, user.age) for user in extract(text, User, grounded=True, **real_options)] == [("John", 20)]
    assert list(extract("The weather was mild.", User, grounded=True, **real_options)) == []
