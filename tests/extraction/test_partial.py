"""One object while it is decoded."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from pydantic import BaseModel

from engine import Extractor, extract_one, stream_partial
from engine.errors import UsageError, WrongArgument


class Person(BaseModel):
    name: str
    age: int
    towns: list[str]


@pytest.mark.parametrize("seed", range(4))
def test_partials_grow_into_the_object(options: dict[str, Any], seed: int) -> None:
    chosen = {**options, "seed": seed, "max_tokens": 120}
    partials = list(stream_partial("Ann is 31 and lives in Rome", Person, **chosen))
    whole = extract_one("Ann is 31 and lives in Rome", Person, **chosen)
    assert [one.complete for one in partials] == [False] * (len(partials) - 1) + [True]
    assert partials[-1].value == whole
    assert partials[-1].finished == whole.model_dump()
    assert len(partials) > 3
    for before, after in pairwise(partials):
        for name, value in before.finished.items():
            grown = after.finished[name]
            assert grown[: len(value)] == value if isinstance(value, list) else grown == value


def test_grounded_partials_stand_in_the_text(options: dict[str, Any]) -> None:
    chosen = {**options, "temperature": 0.0, "max_tokens": 200, "grounded": True}
    *_, last = stream_partial("Ann is 31 and lives in Rome", Person, **chosen)
    assert last.value is not None
    assert last.value.name in "Ann is 31 and lives in Rome"


def test_arguments(options: dict[str, Any]) -> None:
    with pytest.raises(WrongArgument, match="not empty"):
        stream_partial("", Person, **options)
    with pytest.raises(UsageError, match="takes a text"):
        stream_partial("x", Person, messages=[], **options)
    extractor = Extractor(Person, model=options["model"], settings=options["settings"])
    with pytest.raises(UsageError, match="mode 'one'"):
        extractor.stream_partial("x")
