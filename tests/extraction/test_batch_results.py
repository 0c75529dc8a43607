"""Extractor.batch: one result for each document, in order, errors as values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel, Field

from engine import Extractor, ModelSettings
from engine.decoding.sampler import Sampling
from engine.errors import BudgetReached, BudgetTooSmall, EmptyDocument, NotAText, TextTooLong, UsageError, WrongArgument
from engine.extraction.document import Document


class Pair(BaseModel):
    name: str = Field(max_length=12)
    n: int = Field(ge=0, le=99999)


@pytest.fixture(scope="module")
def extractor(bpe_path: Path) -> Extractor:
    return Extractor(Pair, model=bpe_path, settings=ModelSettings(n_ctx=1024, threads=1, sequences=3))


@pytest.fixture(scope="module")
def alone(bpe_path: Path) -> Extractor:
    return Extractor(Pair, model=bpe_path, settings=ModelSettings(n_ctx=512, threads=1, sequences=1))


def test_results_come_in_order_with_errors_among_them(extractor: Extractor) -> None:
    texts: list[str | tuple[str | int, str]] = ["a text", " \n", ("x", "half \ud800"), (7, "long " * 2000), "b " * 9]
    results = list(extractor.batch(texts, max_tokens=60))
    assert [result.id for result in results] == [0, 1, "x", 7, 4]
    kinds = [type(result.error) for result in results]
    assert kinds == [type(None), EmptyDocument, NotAText, TextTooLong, type(None)]
    assert [result.finish is None for result in results] == [False, True, True, True, False]
    assert all(isinstance(value, Pair) for result in results for value in result.values)
    assert results[0].prompt_tokens > 0


def test_document_is_pulled_when_its_turn_comes(alone: Extractor) -> None:
    pulled = []

    def texts() -> Iterator[str]:
        for number in range(5):
            pulled.append(number)
            yield f"text {number}"

    results = alone.batch(texts(), max_tokens=30)
    next(results)
    assert len(pulled) < 5
    assert len(list(results)) == 4


def test_budget_that_is_too_small_is_an_error_of_each_document(alone: Extractor) -> None:
    results = list(alone.batch(["a", "b"], max_tokens=1))
    assert [type(result.error) for result in results] == [BudgetTooSmall] * 2


def test_what_the_budget_changed_is_told_in_the_pointers_of_the_results_list(extractor: Extractor) -> None:
    texts = [f"text {number}" for number in range(12)]
    marked = list(extractor.batch(texts, max_tokens=24, on_budget="keep"))
    budget = [result for result in marked if result.finish == "budget"]
    assert budget
    for result in budget:
        of_objects = [f"/{index}{path}" for index, one in enumerate(result.objects) for path in one.cut]
        assert [path for path in result.cut if path] == of_objects
        assert result.cut
    assert all(result.cut == () for result in marked if result.finish == "complete")
    for result in extractor.batch(texts, max_tokens=24, on_budget="omit"):
        assert all(one.cut == () for one in result.objects)
        assert result.cut == (("",) if result.finish == "budget" else ())
    raised = list(extractor.batch(texts, max_tokens=24, on_budget="raise"))
    kinds = [type(result.error) for result in raised]
    assert kinds == [BudgetReached if result.finish == "budget" else type(None) for result in marked]


def test_draws_depend_on_the_id_and_the_seed_alone(alone: Extractor) -> None:
    documents = [(f"d{number}", f"text {number % 3}") for number in range(9)]
    sampling = Sampling(temperature=1.3, seed=5)

    def drawn(order: list[tuple[str, str]], sampling: Sampling) -> dict[str | int, list[Pair]]:
        return {found.id: found.values for found in alone.batch(order, max_tokens=40, sampling=sampling)}

    straight = drawn(documents, sampling)
    assert drawn(documents[::-1], sampling) == straight
    assert drawn(documents[4:5], sampling) == {"d4": straight["d4"]}
    assert straight["d0"] != straight["d3"]  # the same text under another id
    assert drawn(documents, Sampling(temperature=1.3, seed=6)) != straight


def test_draws_of_texts_without_ids_depend_on_the_text(alone: Extractor) -> None:
    sampling = Sampling(temperature=1.3, seed=5)
    one, other, same = alone.batch(["x", "y", "x"], max_tokens=40, sampling=sampling)
    assert one.values == same.values != other.values


def test_long_text_is_cut_and_its_objects_put_together(extractor: Extractor) -> None:
    text = "\n".join(f"John is {number} years old." for number in range(120))
    (whole,) = extractor.batch([text], max_tokens=60)
    assert isinstance(whole.error, TextTooLong)
    (result,) = extractor.batch([text], max_tokens=60, chunk="auto")
    assert result.error is None
    assert result.chunks > 1
    (short,) = extractor.batch(["John is 7."], max_tokens=60, chunk="auto")
    assert short.chunks == 1
    (small,) = extractor.batch([text], max_tokens=60, chunk=200)
    assert small.chunks > result.chunks
    assert [found.document for found in small.objects] == [0] * len(small.objects)


def test_chunks_that_cannot_be_are_refused(extractor: Extractor, bpe_path: Path) -> None:
    with pytest.raises(UsageError, match="a chunk may have 1 to"):
        extractor.batch(["x"], chunk=5000, max_tokens=60)
    one = Extractor(Pair, model=bpe_path, mode="one", settings=ModelSettings(n_ctx=512, threads=1))
    with pytest.raises(UsageError, match="mode 'one'"):
        one.batch(["x"], chunk="auto", max_tokens=60)
    counted = Extractor(Pair, model=bpe_path, max_items=3, settings=ModelSettings(n_ctx=512, threads=1))
    with pytest.raises(UsageError, match="min_items and max_items count"):
        counted.batch(["x"], chunk="auto", max_tokens=60)


def test_what_is_no_document_is_refused(extractor: Extractor) -> None:
    with pytest.raises(UsageError, match="document 1 must be a text"):
        list(extractor.batch(["x", 5], max_tokens=60))  # type: ignore[list-item]
    document = Document.named("a", "text")
    (result,) = extractor.batch([document], max_tokens=60)
    assert result.id == "a"


def test_arguments_that_make_no_sense_are_refused_at_once(alone: Extractor) -> None:
    for documents in ("abc", b"abc", {"a": "text"}, None, 7):
        with pytest.raises(WrongArgument, match="documents must be an iterable of texts"):
            alone.batch(documents)  # type: ignore[arg-type]
    for chunk in (True, 1.5, "all"):
        with pytest.raises(WrongArgument, match="chunk must be 'auto' or a whole number"):
            alone.batch(["a"], chunk=chunk, max_tokens=30)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [True, "", "\ud800"])
def test_id_that_no_record_could_have_is_refused(name: str | int, alone: Extractor) -> None:
    with pytest.raises(UsageError, match=r"document 1: .*id"):
        list(alone.batch([("a", "x"), (name, "y")], max_tokens=30))
