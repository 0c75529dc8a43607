"""Masks over the default model's vocabulary against the plain question for each of its tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import pytest
from pydantic import BaseModel, Field

from engine import compile_schema
from engine.automaton.automaton import Automaton
from engine.decoding import read_vocabulary
from engine.lowering.lowering import Style
from engine.masks.mask import Masks, Walks
from engine.masks.matcher import Matcher


class Sample(BaseModel):
    name: str
    code: Annotated[str, Field(pattern="^[A-Zä]{2}[0-9]+$", max_length=6)]
    age: int = Field(ge=0, le=130)
    share: float | None
    tags: dict[str, list[bool]]


@pytest.mark.real_model
@pytest.mark.parametrize("style", ["spaced", "any"])
def test_mask_equals_asking_for_each_token(style: Style, real_path: Path) -> None:
    vocabulary = read_vocabulary(real_path)
    masks = Masks(Automaton(compile_schema(list[Sample], style=style)), Walks(vocabulary))
    random = np.random.default_rng(7)
    checked = 0
    for _ in range(3):
        matcher = Matcher(masks)
        for position in range(40):
            mask = matcher.mask()
            if position % 6 == 0:
                asked = np.array([matcher.allows(token) for token in range(len(vocabulary))])
                assert np.flatnonzero(mask != asked).tolist() == []
                checked += 1
            if matcher.finished:
                break
            choices = np.flatnonzero(mask)
            short = [t for t in random.choice(choices, 8) if len(vocabulary.pieces[t]) < 4]
            matcher.accept(int(short[0] if short else choices[0]))
    assert checked >= 10
