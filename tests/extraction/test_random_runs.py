"""The adversary: a hot model of random weights writes what no sane model would, and all of it validates.

Ten types, each with its own corners; validation is Pydantic's, not ours.
"""

from __future__ import annotations

import datetime
import enum
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from byte_walks import visited_rules
from pydantic import BaseModel, Field, TypeAdapter

from engine import Extractor, ModelSettings
from engine.decoding.sampler import Sampling


class Colour(enum.Enum):
    RED = "red"
    ROT = "röt 🔴"
    SEVEN = 7


class Plain(BaseModel):
    name: str
    age: int


class Optionals(BaseModel):
    a: int | None = None
    b: str | None
    c: bool = True


class Ranges(BaseModel):
    small: int = Field(ge=-3, le=12)
    large: int = Field(gt=999)
    part: float = Field(ge=0, lt=1)


class Texts(BaseModel):
    code: str = Field(min_length=2, max_length=4)
    tags: list[Annotated[str, Field(max_length=3)]] = Field(min_length=1, max_length=3)


class Times(BaseModel):
    day: datetime.date
    clock: datetime.time
    moment: datetime.datetime
    key: UUID


class Choices(BaseModel):
    colour: Colour
    size: Literal["s", "m", 'l"\\']
    either: int | bool | Literal["none"]


class Tree(BaseModel):
    label: Annotated[str, Field(max_length=2)]
    children: list[Tree] = Field(max_length=2)


class Aliased(BaseModel):
    first: str = Field(alias="erster Name")
    second: int = Field(alias='"2"')


class Maps(BaseModel):
    counts: dict[str, int]
    pair: tuple[int, str]


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = Field(ge=0, le=9)


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str


ITEMS = (Plain, Optionals, Ranges, Texts, Times, Choices, Tree, Aliased, Maps, Cat | Dog)


def check(item: Any, path: Path, seeds: range, max_tokens: int) -> None:
    """One document a seed: what is drawn for a document depends on its number."""
    settings = ModelSettings(n_ctx=2048, threads=1)
    extractor = Extractor(item, model=path, settings=settings, min_items=1)
    adapter = TypeAdapter(item)
    sampling = Sampling(temperature=1.5, seed=seeds.start)
    run = extractor.extract(["a text"] * len(seeds), max_tokens=max_tokens, sampling=sampling, on_budget="keep")
    found: dict[int, list[str]] = {}
    for result in run.detailed():
        assert adapter.validate_json(result.text) == result.value
        found.setdefault(result.document, []).append(result.text)
    assert run.errors == {}
    assert sorted(found) == list(range(len(seeds))), "a document without an item"
    arrays = ["[" + ", ".join(texts) + "]" for texts in found.values()]
    visited = visited_rules(extractor.grammar, arrays)
    print(f"{extractor.item.name}: {len(visited)} of {len(extractor.grammar.rules)} rules visited")
    assert visited == set(extractor.grammar.rules)


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: getattr(item, "__name__", "union"))
@pytest.mark.parametrize("vocabulary", ["bpe", "sentencepiece"])
def test_whatever_a_random_model_writes_validates(item: Any, vocabulary: str, request: pytest.FixtureRequest) -> None:
    path = request.getfixturevalue(f"{vocabulary}_path")
    check(item, path, range(20 if vocabulary == "bpe" else 4), max_tokens=400)


@pytest.mark.thorough
@pytest.mark.parametrize("item", ITEMS, ids=lambda item: getattr(item, "__name__", "union"))
def test_whatever_a_random_model_writes_validates_on_many_seeds(item: Any, bpe_path: Path) -> None:
    check(item, bpe_path, range(100, 600), max_tokens=400)


@pytest.mark.real_model
@pytest.mark.parametrize("item", ITEMS, ids=lambda item: getattr(item, "__name__", "union"))
def test_whatever_the_default_model_writes_when_it_is_hot_validates(item: Any, real_path: Path) -> None:
    check(item, real_path, range(8), max_tokens=80)
