"""The zoo: what can be decoded is what Pydantic takes, in both directions, and whatever is decoded validates."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from byte_walks import accepts
from pydantic import TypeAdapter, ValidationError
from zoo.zoo_models import ZOO, Animal

from engine.automaton.automaton import Automaton
from engine.extraction.compilation import compile_schema
from engine.lowering.lowering import Style

pytestmark = pytest.mark.filterwarnings("ignore:__int__ returned non-int")  # of ipaddress, given true
EACH = pytest.mark.parametrize("animal", ZOO, ids=[animal.name for animal in ZOO])
EVERY_TEXT = sorted({text for animal in ZOO for text in (*animal.good, *animal.bad, *animal.lax)})


@cache
def automaton(animal: Animal, style: Style) -> Automaton:
    return Automaton(compile_schema(animal.model, style=style))


@cache
def adapter(animal: Animal) -> TypeAdapter[Any]:
    return TypeAdapter(animal.model)


@cache
def written(animal: Animal, text: str) -> str | None:
    """What Pydantic writes of the value that it reads from a text; None where it refuses the text."""
    try:
        value = adapter(animal).validate_json(text)
        found = adapter(animal).dump_python(value, mode="json", by_alias=True, exclude_computed_fields=True)
    except ValidationError:
        return None
    return json.dumps(found, ensure_ascii=False)


def takes(animal: Animal, text: str) -> bool:
    return written(animal, text) is not None


def test_zoo_has_sixty_models_and_more() -> None:
    assert len(ZOO) >= 60
    assert len({animal.name for animal in ZOO}) == len(ZOO)


@EACH
def test_texts_are_what_the_zoo_says(animal: Animal) -> None:
    """Pydantic's own word on the zoo."""
    assert [text for text in (*animal.good, *animal.lax) if not takes(animal, text)] == []
    assert [text for text in animal.bad if takes(animal, text)] == []


@EACH
def test_good_texts_can_be_decoded_in_both_styles(animal: Animal) -> None:
    for style in ("spaced", "any"):
        assert [text for text in animal.good if not accepts(automaton(animal, style), text)] == []


@EACH
def test_bad_texts_cannot_be_decoded_in_any_style(animal: Animal) -> None:
    for style in ("spaced", "any"):
        assert [text for text in animal.bad if accepts(automaton(animal, style), text)] == []


@EACH
def test_lax_texts_are_not_canonical(animal: Animal) -> None:
    assert [text for text in animal.lax if accepts(automaton(animal, "spaced"), text)] == []


@EACH
def test_whatever_text_of_the_zoo_can_be_decoded_is_valid(animal: Animal) -> None:
    for style in ("spaced", "any"):
        found = [text for text in EVERY_TEXT if accepts(automaton(animal, style), text)]
        assert [text for text in found if not takes(animal, text)] == []


@EACH
def test_what_pydantic_writes_of_a_valid_text_can_be_decoded(animal: Animal) -> None:
    """A text that Pydantic writes of a value, and reads again, is canonical."""
    texts = {written(animal, text) for text in EVERY_TEXT if takes(animal, text)} - set(animal.lax)
    canonical = [text for text in texts if text is not None and "NaN" not in text and "Infinity" not in text]
    found = [text for text in canonical if takes(animal, text)]
    assert [text for text in found if not accepts(automaton(animal, "spaced"), text)] == []
